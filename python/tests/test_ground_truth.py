"""Labels from rules, columns that identify something, and splits without common groups."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import nfstream
from conftest import CAPTURES
from nfstream import NFStreamer

REDIS = CAPTURES / "redis.pcap"
EPOCH_S = 1_700_000_000


def table(*rows: tuple[str, int, str, int, int, float, float]) -> pd.DataFrame:
    """Returns flows by addresses, ports, protocol and seconds after `EPOCH_S`."""
    names = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol", "first_seen", "last_seen")
    frame = pd.DataFrame(rows, columns=names)
    for name in ("first_seen", "last_seen"):
        frame[name] = ((frame[name] + EPOCH_S) * 1000).astype("int64")
    return frame


WEB = ("192.0.2.1", 50_000, "198.51.100.1", 80, 6, 0.0, 10.0)
BACK = ("198.51.100.1", 80, "192.0.2.1", 50_001, 6, 20.0, 30.0)
DNS = ("192.0.2.1", 50_000, "198.51.100.2", 53, 17, 0.0, 0.0)
FLOWS = table(WEB, BACK, DNS)


def rules(
    folder: Path, *lines: str, header: str = "src_ip,dst_ip,dst_port,start,end,label"
) -> Path:
    path = folder / "rules.csv"
    path.write_text("\n".join((header, *lines)) + "\n")
    return path


def labels(path: Path, flows: pd.DataFrame = FLOWS, **options: Any) -> list[str]:
    return list(nfstream.label_by(flows, path, **options)[0]["label"])


def test_rules_match_in_either_direction(tmp_path: Path) -> None:
    path = rules(tmp_path, "192.0.2.1,198.51.100.1,80,,,web")
    labelled, report = nfstream.label_by(FLOWS, path, default="none")
    assert labelled["label"].tolist() == ["web", "web", "none"]
    assert (report.rules, report.unmatched_rules) == (1, ())
    assert (report.labelled_flows, report.unmatched_flows) == (2, 1)


def test_ports_stay_with_their_addresses(tmp_path: Path) -> None:
    assert labels(rules(tmp_path, "198.51.100.1,192.0.2.1,80,,,x")) == ["", "", ""]


def test_networks_protocols_and_empty_cells(tmp_path: Path) -> None:
    path = rules(tmp_path, "192.0.2.0/24,,,web", ",,udp,dns", header="src_ip,dst_ip,proto,label")
    assert labels(path) == ["web", "web", "web"]
    assert labels(path, match="all") == ["web", "web", "web|dns"]
    _, report = nfstream.label_by(FLOWS, path)
    assert (report.unmatched_rules, report.ambiguous_flows) == ((3,), 1)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(10, 19, ["x", ""]), (11, 19, ["", ""]), (0, 100, ["x", "x"]), (30, 40, ["", "x"])],
)
def test_intervals_include_their_ends(
    tmp_path: Path, start: int, end: int, expected: list[str]
) -> None:
    path = rules(tmp_path, f",198.51.100.1,,{EPOCH_S + start},{EPOCH_S + end},x")
    assert labels(path)[:2] == expected


def test_times_have_an_explicit_zone(tmp_path: Path) -> None:
    lines = [",,,2023-11-14 19:13:20,2023-11-14 19:13:25,x"]
    with pytest.raises(ValueError, match=r"rules.csv: line 2, column 'start': .* no time zone"):
        labels(rules(tmp_path, *lines))
    assert labels(rules(tmp_path, *lines), time_zone="-03:00") == ["x", "", "x"]
    assert labels(rules(tmp_path, *lines), time_zone="America/Sao_Paulo") == ["x", "", "x"]
    assert labels(rules(tmp_path, ",,,2023-11-14T22:13:20Z,,x")) == ["x", "x", "x"]


def test_clocks_that_differ_by_hours_are_noticed(tmp_path: Path) -> None:
    lines = [",,,2023-11-14 19:13:20,2023-11-14 19:14:20,x"]
    with pytest.warns(UserWarning, match=r"\+3 hours"):
        _, report = nfstream.label_by(FLOWS, rules(tmp_path, *lines), time_zone="UTC")
    assert (report.clock_difference_hours, report.labelled_flows) == (3, 0)
    _, report = nfstream.label_by(FLOWS, rules(tmp_path, *lines), time_zone="-03:00")
    assert (report.clock_difference_hours, report.labelled_flows) == (0, 3)


def test_headings_are_mapped_by_name(tmp_path: Path) -> None:
    path = rules(tmp_path, "198.51.100.2,bad", header="Victim IP,Attack")
    assert labels(path) == ["", "", "bad"]
    path = rules(tmp_path, "198.51.100.2,bad", header="Host B,What")
    assert labels(path, columns={"dst_ip": "Host B", "label": "What"}) == ["", "", "bad"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x,,,,,a", "line 2, column 'src_ip': 'x' is neither an address nor a network"),
        (",,70000,,,a", "line 2, column 'dst_port': '70000' is not a port"),
        (",,,yesterday,,a", "line 2, column 'start': 'yesterday' is not a time"),
        (",,,20,10,a", "line 2, column 'end': the interval ends before it starts"),
        ("192.0.2.1,,,,,", "line 2, column 'label': the label is missing"),
        (",,,a", "line 2: has 4 cells, the header 6"),
    ],
)
def test_mistakes_name_file_line_and_column(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        labels(rules(tmp_path, line))
    assert f"rules.csv: {message}" in str(caught.value)


def test_other_bad_input(tmp_path: Path) -> None:
    path = rules(tmp_path, ",,,,,x")
    with pytest.raises(ValueError, match="match must be"):
        labels(path, match="last")
    with pytest.raises(ValueError, match="time_zone must be"):
        labels(path, time_zone="Mars/Olympus")
    with pytest.raises(ValueError, match="already"):
        labels(path, FLOWS.assign(label=""))
    with pytest.raises(ValueError, match="no column 'label'"):
        labels(rules(tmp_path, "1.2.3.4", header="src_ip"))
    with pytest.raises(ValueError, match="are both src_ip"):
        labels(rules(tmp_path, ",,x", header="Src IP,Source IP,label"))
    with pytest.raises(ValueError, match="header is missing"):
        (tmp_path / "empty.csv").write_text("")
        labels(tmp_path / "empty.csv")
    with pytest.raises(FileNotFoundError):
        labels(tmp_path / "none.csv")
    with pytest.raises(TypeError, match="frame must be"):
        nfstream.label_by([1], path)


@pytest.mark.parametrize(("match", "n_meters"), [("first", 1), ("first", 5), ("all", 2)])
def test_the_command_labels_as_python_does(
    web: Path, tmp_path: Path, match: str, n_meters: int
) -> None:
    path = rules(
        tmp_path,
        ",198.51.100.0/24,443,2026-11-23 14:28:28,2026-11-23 14:28:29,secure",
        ",192.168.10.1,53,,,lookup",
        ",,443,,,web",
        "192.0.2.1,,,,,scan",
    )
    flows = NFStreamer(web, dissect=False, time_unit="ns").to_pandas()
    options: dict[str, Any] = {"match": match, "default": "other", "time_zone": "UTC"}
    labelled, report = nfstream.label_by(flows, path, **options)
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "nfstream"), "flows", str(web), "--no-dissect",
            "--n-meters", str(n_meters), "--format", "jsonl", "--columns", "id,label",
            "--label-by", str(path), "--label-match", match, "--label-default", "other",
            "--label-time-zone", "UTC",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["id"]: row["label"] for row in rows} == dict(
        zip(labelled["id"].tolist(), labelled["label"].tolist(), strict=True)
    )
    assert len(set(labelled["label"])) > 2 and report.ambiguous_flows > 0
    assert f"rules.csv: {report.labelled_flows} of {len(flows)} flows labelled" in done.stderr
    assert report.unmatched_rules == (5,)
    assert "1 of 4 rules labels no flow: line 5" in done.stderr
    assert ("rules with different labels" in done.stderr) == (match == "first")


@pytest.mark.parametrize("to", ["to_pandas", "to_polars", "to_arrow"])
def test_all_libraries(tmp_path: Path, to: str) -> None:
    frame = getattr(NFStreamer(REDIS), to)()
    path = rules(tmp_path, ",192.168.10.1,6379,,,cache")
    labelled, report = nfstream.label_by(frame, path)
    assert type(labelled) is type(frame) and report.labelled_flows == len(labelled)
    behaviour = nfstream.drop_identifiers(labelled)
    names = list(behaviour.column_names if isinstance(behaviour, pa.Table) else behaviour.columns)
    assert "label" in names and "total_bytes" in names and "application_name" in names
    assert not {"id", "src_ip", "dst_port", "first_seen", "client_info", "vlan_id"} & set(names)
    train, test = nfstream.split(frame, test=0.3)
    assert type(train) is type(frame) and len(train) + len(test) == len(frame)


def test_roles_travel_with_arrow_and_with_other_headings() -> None:
    streamer = NFStreamer(REDIS, features="cic", names="cic")
    schema = streamer.to_arrow().schema
    assert schema.field("Src IP").metadata[b"role"] == b"identifier"
    assert schema.field("Flow Bytes/s").metadata[b"role"] == b"behaviour"
    kept = nfstream.drop_identifiers(streamer.to_polars(), keep="Src IP")
    assert "Src IP" in kept.columns and "Dst IP" not in kept.columns
    assert nfstream.column_roles()["src2dst_first_seen_us"] == "time"
    with pytest.raises(ValueError, match="no column 'nothing'"):
        nfstream.drop_identifiers(kept, keep=["nothing"])
    with pytest.raises(TypeError, match="frame must be"):
        nfstream.drop_identifiers({"src_ip": []})


@pytest.mark.parametrize("by", ["conversation", "host", "day"])
def test_no_group_is_in_both_parts(by: str) -> None:
    day = 86_400.0
    flows = table(
        *((f"192.0.2.{n % 3}", 1, "198.51.100.1", n % 4, 6, n * day, n * day) for n in range(12)),
        ("198.51.100.1", 0, "192.0.2.0", 1, 6, 40 * day, 40 * day),
    )
    train, test = nfstream.split(flows, by=by, test=0.3)
    assert len(train) + len(test) == 13 and len(test) >= 0.3 * 13

    def groups(part: pd.DataFrame) -> set[Any]:
        if by == "host":
            return set(part["src_ip"])
        if by == "day":
            return set(part["first_seen"] // 86_400_000)
        return {
            frozenset([(row.src_ip, row.src_port), (row.dst_ip, row.dst_port)])
            for row in part.itertuples()
        }

    assert not groups(train) & groups(test)
    if by == "day":
        assert train["first_seen"].max() < test["first_seen"].min()


def test_splits_need_groups_and_a_part() -> None:
    for test in (0, 1, True, "x"):
        with pytest.raises(ValueError, match="test must be"):
            nfstream.split(FLOWS, test=test)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="by must be"):
        nfstream.split(FLOWS, by="port")
    with pytest.raises(ValueError, match="cannot split by day"):
        nfstream.split(FLOWS, by="day")
    with pytest.raises(ValueError, match="no column 'first_seen'"):
        nfstream.split(pl.DataFrame({"src_ip": ["192.0.2.1"]}))
