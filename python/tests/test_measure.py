"""Measures: values against numpy over the packets, and mistakes in expressions."""

from __future__ import annotations

import copy
import json
import math
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import nfstream.measure
from conftest import CAPTURES, captures, each_capture
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer, _engine, flow, pkt
from nfstream.measure import Condition, Expression, Packets, Value

COMMAND = [str(Path(sys.executable).parent / "nfstream"), "flows"]


class Listed(NFPlugin):
    """Lists what measures read of each packet."""

    def on_init(self, packet: NFPacket) -> Any:
        self.user_data = self.user_data or {}
        return [self._row(packet)]

    def on_update(self, packet: NFPacket, flow: NFlow) -> None:
        flow.packets.append(self._row(packet))

    @staticmethod
    def _row(packet: NFPacket) -> dict[str, Any]:
        flags = packet.tcpflags
        payload = packet.payload
        counts = np.bincount(np.frombuffer(payload, np.uint8), minlength=256) / max(len(payload), 1)
        shares = counts[counts > 0]
        return {
            "length": packet.length,
            "capture_length": packet.capture_length,
            "ip_length": packet.ip_length,
            "payload_length": packet.payload_length,
            "time": packet.time,
            "time_ns": packet.time_ns,
            "up": packet.direction == 0,
            "direction": packet.direction,
            "src_port": packet.src_port,
            "dst_port": packet.dst_port,
            "ack": bool(flags.ack),
            "psh": bool(flags.psh),
            "tcp_flags": int(flags),
            "ttl": packet.raw[8 if packet.version == 4 else 7],
            "first_byte": payload[0] if payload else math.nan,
            "payload_entropy": -(shares * np.log2(shares)).sum() if payload else math.nan,
        }


def rows_of(capture: Path) -> list[tuple[int, int, dict[str, np.ndarray]]]:
    """Returns the packets of each flow, and what identifies the flow."""
    streamer = NFStreamer(capture, plugins=[Listed("packets")], dissect=False, active_timeout=30)
    flows = []
    for found in streamer:
        names = found.packets[0]
        columns = {name: np.array([row[name] for row in found.packets]) for name in names}
        flows.append((found.id, found.first_seen, columns))
    return flows


def measured(capture: Path, measure: dict[str, Any], **parameters: Any) -> list[dict[str, Any]]:
    """Returns the flows with their measures."""
    streamer = NFStreamer(capture, measure=measure, dissect=False, active_timeout=30, **parameters)
    return [found.to_dict() for found in streamer]


def same(found: Any, expected: Any) -> bool:
    """Returns whether two values are equal to 1e-9; NaN is null."""
    if isinstance(found, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if found is None or (isinstance(expected, float) and math.isnan(expected)):
        return found is None and math.isnan(expected)
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def or_zero(reduce: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], Any]:
    """Returns an aggregation that is 0 of nothing."""
    return lambda values: reduce(values) if len(values) else 0


def moment(values: np.ndarray, power: int) -> float:
    return float(((values - values.mean()) ** power).mean())


def shape(values: np.ndarray, power: int) -> float:
    if len(values) == 0 or (values == values[0]).all():
        return math.nan
    return float(moment(values, power) / moment(values, 2) ** (power / 2))


def entropy(values: np.ndarray) -> float:
    shares = np.unique(values, return_counts=True)[1] / max(len(values), 1)
    return float(-(shares * np.log2(shares)).sum())


AGGREGATIONS: dict[str, tuple[Callable[[Value], Expression], Callable[[np.ndarray], Any]]] = {
    "count": (lambda v: v.count(), len),
    "sum": (lambda v: v.sum(), lambda x: float(x.sum())),
    "min": (lambda v: v.min(), or_zero(np.min)),
    "max": (lambda v: v.max(), or_zero(np.max)),
    "mean": (lambda v: v.mean(), or_zero(np.mean)),
    "std": (lambda v: v.std(), lambda x: np.std(x, ddof=1) if len(x) > 1 else 0),
    "var": (lambda v: v.var(), lambda x: np.var(x, ddof=1) if len(x) > 1 else 0),
    "skew": (lambda v: v.skew(), lambda x: shape(x, 3)),
    "kurtosis": (lambda v: v.kurtosis(), lambda x: shape(x, 4) - 3),
    "first": (lambda v: v.first(3), lambda x: list(x[:3])),
    "last": (lambda v: v.last(), lambda x: x[-1] if len(x) else math.nan),
    "second": (lambda v: v.first(2)[1], lambda x: x[1] if len(x) > 1 else math.nan),
    "n_unique": (lambda v: v.n_unique(), lambda x: len(np.unique(x))),
    "quantile": (
        lambda v: v.quantile(0.3),
        lambda x: np.quantile(x, 0.3) if len(x) else math.nan,
    ),
    "histogram": (
        lambda v: v.histogram([0, 1, 60.5, 100, 1000]),
        lambda x: list(np.histogram(x, [0, 1, 60.5, 100, 1000])[0]),
    ),
    "entropy": (lambda v: v.entropy(), entropy),
}

SERIES: dict[str, tuple[Value, Callable[[dict[str, np.ndarray]], np.ndarray]]] = {
    "length": (pkt.length, lambda c: c["length"]),
    "ip_length": (pkt.ip_length, lambda c: c["ip_length"]),
    "iat_ms": (pkt.iat_ms, lambda c: np.diff(c["time"])),
    "iat_ns": (pkt.iat_ns, lambda c: np.diff(c["time_ns"])),
    "elapsed": (pkt.elapsed_ms, lambda c: c["time"] - c["time"][0]),
    "ttl": (pkt.ttl, lambda c: c["ttl"]),
    "byte": (pkt.payload[0], lambda c: c["first_byte"][~np.isnan(c["first_byte"])]),
    "bits": (
        pkt.payload_entropy,
        lambda c: c["payload_entropy"][~np.isnan(c["payload_entropy"])],
    ),
    "up_acks": (
        pkt.filter(pkt.up & pkt.ack).payload_length,
        lambda c: c["payload_length"][c["up"] & c["ack"]],
    ),
    "gaps_down": (
        pkt.filter(~pkt.up).iat_ns / 1e6,
        lambda c: np.diff(c["time_ns"][~c["up"]]) / 1e6,
    ),
    "headers": (
        (pkt.ip_length - pkt.payload_length) * 2 + pkt.direction % 2,
        lambda c: (c["ip_length"] - c["payload_length"]) * 2 + c["direction"] % 2,
    ),
    "large": (
        pkt.filter((pkt.length > 100) | pkt.psh).filter(pkt.up).length,
        lambda c: c["length"][((c["length"] > 100) | c["psh"]) & c["up"]],
    ),
}


@pytest.mark.parametrize("series", SERIES)
def test_aggregations_are_those_of_numpy(series: str) -> None:
    values, read = SERIES[series]
    measure = {name: make(values) for name, (make, _) in AGGREGATIONS.items()}
    for capture in captures():
        expected = rows_of(capture)
        for meters in (1, 3):
            rows = measured(capture, measure, n_meters=meters)
            assert len(rows) == len(expected)
            for row, (number, first_seen, columns) in zip(rows, expected, strict=True):
                assert (row["id"], row["first_seen"]) == (number, first_seen)
                for name, (_, reduce) in AGGREGATIONS.items():
                    # Values that differ only by rounding are equal or not.
                    if series == "bits" and name in ("n_unique", "entropy"):
                        continue
                    wanted = reduce(read(columns))
                    assert same(row[name], wanted), (capture.name, number, name, row[name], wanted)


def test_random_expressions_are_those_of_numpy() -> None:
    numbers = random.Random(7)
    names = ["length", "ip_length", "payload_length", "src_port", "direction", "tcp_flags"]
    capture = CAPTURES / "web.pcap"
    expected = rows_of(capture)

    def operand(depth: int) -> tuple[Value, Callable[[dict[str, np.ndarray]], Any]]:
        if depth == 0:
            name = numbers.choice(names)
            return getattr(pkt, name), lambda c: c[name].astype(float)
        (left, read_left), (right, read_right) = operand(depth - 1), operand(depth - 1)
        match numbers.randrange(4):
            case 0:
                return left + right, lambda c: read_left(c) + read_right(c)
            case 1:
                return left - right, lambda c: read_left(c) - read_right(c)
            case 2:
                return left * right, lambda c: read_left(c) * read_right(c)
            case _:
                return abs(left) / 7, lambda c: abs(read_left(c)) / 7

    cases = [(operand(numbers.randrange(3)), numbers.randrange(1, 1500)) for _ in range(30)]
    measure = {
        f"m{place}": pkt.filter(pkt.length >= bound).count() + values.mean()
        for place, ((values, _), bound) in enumerate(cases)
    }
    rows = measured(capture, measure)
    for row, (_, _, columns) in zip(rows, expected, strict=True):
        for place, ((_, read), bound) in enumerate(cases):
            wanted = (columns["length"] >= bound).sum() + read(columns).mean()
            assert same(row[f"m{place}"], wanted), measure[f"m{place}"]


@each_capture
def test_statistics_by_measures_are_the_built_in_columns(capture: Path) -> None:
    measure: dict[str, Expression] = {}
    for scope, packets in {
        "bidirectional": pkt,
        "src2dst": pkt.filter(pkt.up),
        "dst2src": pkt.filter(pkt.down),
    }.items():
        for kind, values in {"ps": packets.size, "piat_ms": packets.iat_ms}.items():
            measure[f"m_{scope}_min_{kind}"] = values.min()
            measure[f"m_{scope}_mean_{kind}"] = values.mean()
            measure[f"m_{scope}_stddev_{kind}"] = values.std()
            measure[f"m_{scope}_max_{kind}"] = values.max()
    for flag in ("syn", "cwr", "ece", "urg", "ack", "psh", "rst", "fin"):
        measure[f"m_bidirectional_{flag}_packets"] = getattr(pkt, flag).sum()
    for row in measured(capture, measure, statistical_analysis=True):
        for name in measure:
            assert row[name] == row[name.removeprefix("m_")], name


def test_the_plugins_of_the_notebook_are_measures(web: Path) -> None:
    class ack_count(NFPlugin):
        def on_init(self, packet: NFPacket) -> int:
            return packet.tcpflags.ack

        def on_update(self, packet: NFPacket, flow: NFlow) -> None:
            flow.ack_count += packet.tcpflags.ack

    class iat(NFPlugin):
        def on_init(self, packet: NFPacket) -> tuple[int, int]:
            return 0, packet.time

        def on_update(self, packet: NFPacket, flow: NFlow) -> None:
            flow.iat = packet.time - flow.iat[1], packet.time

    class maximum_iat_ms(NFPlugin):
        def on_update(self, packet: NFPacket, flow: NFlow) -> None:
            flow.maximum_iat_ms = max(flow.maximum_iat_ms, flow.iat[0])

    plugins = [ack_count(), iat(volatile=True), maximum_iat_ms()]
    measure = {"ack_count": pkt.filter(pkt.ack).count(), "maximum_iat_ms": pkt.iat_ms.max()}
    for capture in captures():
        expected = NFStreamer(capture, plugins=plugins).to_pandas()
        found = NFStreamer(capture, measure=measure).to_pandas()
        assert list(found.columns) == list(expected.columns)
        assert found.astype(str).equals(expected.astype(str))


# Columns


def test_measures_are_columns_everywhere(web: Path, tmp_path: Path) -> None:
    measure = {
        "longest": pkt.iat_ms.max(),
        "sizes": pkt.payload_length.first(4),
        "shares": (pkt.length / 2).first(2),
        "is_tls": (pkt.payload[0] == 22).any(),
        "bytes_per_ms": flow.total_bytes / flow.duration,
        "twice": flow.longest * 2,
        "two": (flow.longest > 5).choose(1.5, None),
    }
    streamer = NFStreamer(web, measure=measure, dissect=False)
    rows = [row.to_dict() for row in streamer]
    assert [type(value) for value in list(rows[0].values())[-7:-2]] == [
        int,
        list,
        list,
        bool,
        float,
    ]
    table = streamer.to_arrow()
    assert [str(table.schema.field(name).type) for name in measure] == [
        "int64", "list<item: int64>", "list<item: double>", "bool", "double", "int64", "double",
    ]  # fmt: skip
    assert table.to_pylist() == rows
    for row in rows:
        assert row["twice"] == 2 * row["longest"]
        assert row["two"] == (1.5 if row["longest"] > 5 else None)
        expected = row["total_bytes"] / row["duration"] if row["duration"] else None
        assert row["bytes_per_ms"] == expected
    assert any(row["bytes_per_ms"] is None for row in rows)
    assert pa.table(streamer).to_pylist() == rows
    frame = streamer.to_pandas()
    assert frame["bytes_per_ms"].isna().sum() == sum(row["bytes_per_ms"] is None for row in rows)
    streamer.to_parquet(tmp_path / "flows.parquet")
    written = pq.read_table(tmp_path / "flows.parquet")
    assert written.to_pylist() == rows
    parameters = json.loads(written.schema.metadata[b"nfstream.parameters"])
    assert parameters["measure"] == {name: str(one) for name, one in measure.items()}
    streamer.to_jsonl(tmp_path / "flows.jsonl")
    lines = (tmp_path / "flows.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows
    streamer.to_csv(tmp_path / "flows.csv")
    fields = (tmp_path / "flows.csv").read_text().splitlines()[0].split(",")
    assert fields[-7:] == list(measure)


def test_measures_have_the_unit_and_text_of_their_expression(web: Path) -> None:
    streamer = NFStreamer(web, measure={"longest": pkt.iat_us.max()}, dissect=False)
    assert streamer.to_arrow().schema.field("longest").metadata == {
        b"role": b"behaviour",
        b"unit": b"us",
    }


def test_plugins_see_measures(web: Path) -> None:
    class Seen(NFPlugin):
        def on_init(self, packet: NFPacket) -> list[int]:
            return []

        def on_update(self, packet: NFPacket, flow: NFlow) -> None:
            flow.seen.append(flow.packets_up + flow.packets_down)

    measure = {
        "packets_up": pkt.filter(pkt.up).count(),
        "packets_down": pkt.filter(pkt.down).count(),
    }
    for found in NFStreamer(web, measure=measure, plugins=[Seen("seen")]):
        assert found.seen == list(range(2, found.total_packets + 1))


def test_columns_that_measures_read_are_not_added(web: Path) -> None:
    measure = {"share": flow.src2dst_payload_bytes / flow.total_bytes}
    plain = NFStreamer(web, dissect=False)
    rows = [row.to_dict() for row in NFStreamer(web, dissect=False, measure=measure)]
    assert list(rows[0]) == [*next(iter(plain)).keys(), "share"]
    both = NFStreamer(web, dissect=False, measure=measure, features="payload").to_pandas()
    assert [row["share"] for row in rows] == list(
        both["src2dst_payload_bytes"] / both["total_bytes"]
    )


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)


def test_the_command_has_the_same_measures(web: Path) -> None:
    done = run(
        str(web), "--format", "jsonl", "--no-dissect",
        "--measure", "up_acks=pkt.filter(pkt.up && pkt.ack).count()",
        "--measure", "rate=total_bytes / duration",
        "--where", "up_acks > 2 && rate > 0.0", "--columns", "id,up_acks,rate",
        "--sort", "rate:desc",
    )  # fmt: skip
    assert done.stderr == ""
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    measure = {
        "up_acks": pkt.filter(pkt.up & pkt.ack).count(),
        "rate": flow.total_bytes / flow.duration,
    }
    flows = [row.to_dict() for row in NFStreamer(web, dissect=False, measure=measure)]
    kept = [row for row in flows if row["up_acks"] > 2 and row["rate"] and row["rate"] > 0]
    kept.sort(key=lambda row: -row["rate"])
    assert rows and rows == [{name: row[name] for name in rows[0]} for row in kept]


def test_nulls_in_the_command(web: Path) -> None:
    rate = ["--no-dissect", "--measure", "rate=total_bytes / duration", "--columns", "id,rate"]
    everything = run(str(web), "--format", "csv", *rate).stdout.splitlines()[1:]
    missing = run(str(web), "--format", "csv", *rate, "--where", "rate == null")
    assert missing.stdout.splitlines()[1:] == [line for line in everything if line.endswith(",")]
    either = [run(str(web), "--format", "csv", *rate, "--where", condition).stdout.splitlines()[1:]
              for condition in ("rate > 1.0", "rate <= 1.0")]  # fmt: skip
    assert sorted(either[0] + either[1] + missing.stdout.splitlines()[1:]) == sorted(everything)


# Mistakes


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        ({"m": "pkt.filter(pkt.length).count()"}, "a bool, and pkt.length is an int"),
        ({"m": pkt.length}, "value of each packet, not of the flow"),
        ({"m": pkt.up + 1}, "'+' does not take pkt.up, a bool, and 1, an int"),
        ({"m": pkt.length.max() + pkt.length}, "mixes values of packets and of the flow"),
        ({"m": flow.application_name}, "column application_name is text"),
        ({"m": flow.total_bites}, "did you mean 'total_bytes'?"),
        ({"total_bytes": pkt.count()}, "'total_bytes' is the name of a column"),
        ({"keys": pkt.count()}, "'keys' is a method's"),
        ({"a b": pkt.count()}, "'a b' must be a letter followed by"),
        ({"m": 3}, "must be an expression such as pkt.length.max(), not 3"),
        ({3: pkt.count()}, "names of measures must be text, not 3"),
        ([pkt.count()], "must be a dictionary of names and expressions"),
        ({"m": "pkt.length.max("}, "ends too early"),
        ({"m": flow.tls_version + 1}, "needs a dissector: dissect=True"),
    ],
)
def test_mistakes_are_one_clear_error(web: Path, measure: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        NFStreamer(web, measure=measure, dissect=False)
    assert message in str(caught.value)


def test_a_plugin_and_a_measure_have_different_names(web: Path) -> None:
    with pytest.raises(ValueError, match="'packets' is a measure's"):
        NFStreamer(web, measure={"packets": pkt.count()}, plugins=[Listed("packets")])


@pytest.mark.parametrize(
    "work",
    [
        lambda: bool(pkt.length > 3),
        lambda: 1 < pkt.length < 5,
        lambda: pkt.up and pkt.ack,
        lambda: pkt.length + "1",  # type: ignore[operator]
        lambda: pkt.length * math.nan,
    ],
)
def test_mistakes_in_python_are_type_errors(work: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        work()


def test_mistakes_in_the_command_end_before_the_first_flow(web: Path) -> None:
    done = run(str(web), "--measure", "m=pkt.lenght.max()")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'length'?" in done.stderr
    done = run(str(web), "--measure", "pkt.count")
    assert (done.returncode, done.stdout) == (2, "")
    done = run(str(web), "--measure", "m=pkt.count()", "--columns", "mm")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such column; did you mean" in done.stderr or "no such column;" in done.stderr


# The objects


def test_every_field_of_the_engine_is_an_attribute() -> None:
    fields = {field["name"]: field for field in _engine.measure_fields()}
    found = {name for name, one in vars(Packets).items() if isinstance(one, property)}
    assert found == {*fields, "payload"}
    for name, field in fields.items():
        value = getattr(pkt, name)
        assert isinstance(value, Condition) == (field["type"] == "bool")
        assert str(value) == f"pkt.{name}"


def test_expressions_are_values() -> None:
    expression = pkt.filter((pkt.length > 3) & ~pkt.up).iat_ms.quantile(0.5)
    text = "pkt.filter(((pkt.length > 3) && !(pkt.up))).iat_ms.quantile(0.5)"
    assert str(expression) == repr(expression) == text
    assert str(copy.deepcopy(expression)) == text
    assert str(pickle.loads(pickle.dumps(expression))) == text
    assert hash(expression) == hash(text)
    with pytest.raises(AttributeError):
        expression.text = "x"
    assert str(3 - pkt.length * 2 / 5) == "(3 - ((pkt.length * 2) / 5))"
    assert str((-pkt.length).max()) == "(-(pkt.length)).max()"
    three: Any = np.int64(3)
    assert str(three + pkt.length) in ("(3 + pkt.length)", "(pkt.length + 3)")
    assert nfstream.measure.flow is flow


def test_a_streamer_with_measures_can_be_copied(web: Path) -> None:
    streamer = NFStreamer(web, measure={"m": pkt.count()}, dissect=False)
    again = pickle.loads(pickle.dumps(streamer))
    assert again.to_arrow()["m"].to_pylist() == streamer.to_arrow()["m"].to_pylist()
    assert "measure={'m': 'pkt.count()'}" in repr(streamer)
