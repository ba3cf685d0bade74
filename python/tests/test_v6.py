"""`nfstream.v6`: parameters, columns, files and plugins, and results of nfstream 6."""

from __future__ import annotations

import copy
import csv
import math
import os
import pickle
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import CAPTURES, ROOT, SHARED, each
from frames import file_header, record, udp_frame, write_pcap
from nfstream.v6 import NFlow, NFPacket, NFPlugin, NFStreamer
from nfstream.v6.plugins import DHCP, MDNS, SPLT, FlowSlicer, MsgType

ORACLE = SHARED / "oracle" / "nfstream-6.6"
SECOND = 1_000_000
"""In microseconds."""

# Times beyond the year 2262 become the last time that fits 64 bits of nanoseconds.
BEYOND_2262 = ("dhcp_big_endian.pcapng", "dhcp_little_endian.pcapng")


def oracle_captures() -> list[Path]:
    names = sorted(path.stem for path in ORACLE.glob("*.csv")) if ORACLE.is_dir() else []
    return [SHARED / "pcaps" / name for name in names]


each_oracle_capture = each(oracle_captures(), f"there is no folder {ORACLE}")


def streamer(source: Path | list[Path], **parameters: Any) -> NFStreamer:
    return NFStreamer(source=source, **{"n_dissections": 0, **parameters})


def same(want: str, got: str) -> bool:
    if want == got:
        return True
    try:
        return math.isclose(float(want), float(got), rel_tol=1e-9, abs_tol=1e-9)
    except ValueError:
        return False


def is_float(column: str) -> bool:
    return "_mean_" in column or "_stddev_" in column


def is_time(column: str) -> bool:
    return any(word in column for word in ("_seen_", "_duration_", "_piat_"))


def read(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


class TestOracle:
    @each_oracle_capture
    def test_strict_tables_equal_those_of_nfstream_6(self, capture: Path, tmp_path: Path) -> None:
        table = tmp_path / "flows.csv"
        flows = streamer(capture, statistical_analysis=True, splt_analysis=10, strict=True)
        count = flows.to_csv(table)
        want = read(ORACLE / f"{capture.name}.csv")
        got = read(table)
        assert got[0] == want[0]
        assert count == len(got) - 1 == len(want) - 1
        excused = is_time if capture.name in BEYOND_2262 else lambda column: False
        for theirs, ours in zip(want[1:], got[1:], strict=True):
            for column, their, our in zip(want[0], theirs, ours, strict=True):
                if excused(column):
                    continue
                equal = same(their, our) if is_float(column) else their == our
                assert equal, f"id {theirs[0]}: {column}"

    @each_oracle_capture
    def test_text_differs_only_in_the_last_digits_of_fractions(
        self, capture: Path, tmp_path: Path
    ) -> None:
        if capture.name in BEYOND_2262:
            pytest.skip("times beyond the year 2262")
        table = tmp_path / "flows.csv"
        flows = streamer(capture, statistical_analysis=True, splt_analysis=10, strict=True)
        flows.to_csv(table)
        fraction = re.compile(rb"(?<=,)\d+\.\d+(?=[,\n])")
        theirs = (ORACLE / f"{capture.name}.csv").read_bytes()
        assert fraction.sub(b"x", table.read_bytes()) == fraction.sub(b"x", theirs)

    def test_times_beyond_2262_are_the_only_differences(self, shared: Path) -> None:
        for name in BEYOND_2262:
            flow = next(iter(streamer(shared / "pcaps" / name, strict=True)))
            assert flow.bidirectional_first_seen_ms == (2**63 - 1) // 10**6


PARAMETER_ERRORS: list[tuple[dict[str, Any], str]] = [
    (
        {"source": source},
        "Please specify a pcap file path or a valid network interface name as source.",
    )
    for source in (None, 3, "no such file", ("tests",), ".")
]
PARAMETER_ERRORS += [
    ({"source": []}, "Please provide a non-empty list of sources."),
    ({"source": [3]}, "Invalid pcap file path at index: 0."),
    ({"bpf_filter": 3}, "Please specify a valid bpf_filter format."),
    ({"udps": 3}, "User defined plugins must inherit from NFPlugin type."),
    ({"udps": NFPlugin}, "User defined plugins must inherit from NFPlugin type."),
    ({"udps": (NFPlugin(), 3)}, "User defined plugins must inherit from NFPlugin type."),
]
PARAMETER_ERRORS += [
    ({name: value}, f"Please specify a valid {name} parameter (possible values: True, False).")
    for name in ("decode_tunnels", "promiscuous_mode", "statistical_analysis")
    for value in (3, 1, "x", None)
]
PARAMETER_ERRORS += [
    ({name: value}, f"Please specify a valid {name} parameter {rest}")
    for name, rest, values in (
        ("snapshot_length", "(positive integer).", (0, -1, "x", 2.5)),
        ("socket_buffer_size", "(positive integer <= 2^31-1).", (-1, "x", 2**31)),
        ("idle_timeout", "(positive integer in seconds).", (-1, "x", 2.5, 18446744073709552)),
        ("active_timeout", "(positive integer in seconds).", (-1, "x", 2.5)),
        ("accounting_mode", "(possible values: 0, 1, 2, 3).", (4, -1, "x", 1.0)),
        ("n_dissections", "(possible values in : [0,...,255]).", (-1, 256, "x", 2.0)),
        ("splt_analysis", "(possible values in : [0,...,65535])", (-1, 65536, "x", 1.0)),
        ("n_meters", "(>=1 or 0 for auto scaling).", (-1, "x", 2.0)),
        ("max_nflows", "(>=0).", (-1, "x", 2.0)),
        (
            "performance_report",
            "(>=1 for reporting interval (seconds) or 0 to disable). "
            "[Available only for Live capture]",
            (-1, "x", 2.0),
        ),
        (
            "system_visibility_mode",
            "\n0: disable\n1: process information\n"
            "[Available only for live capture on the system generating the traffic]",
            (3, -1, "x"),
        ),
        ("system_visibility_poll_ms", "(positive integer in milliseconds)", (-1, "x")),
    )
    for value in values
]


class TestParameters:
    @pytest.mark.parametrize(("parameters", "message"), PARAMETER_ERRORS, ids=str)
    def test_wrong_values_give_the_same_messages(
        self, redis: Path, parameters: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError) as error:
            NFStreamer(**{"source": redis, **parameters})
        assert str(error.value) == message.replace("parameter \n", "parameter\n")

    def test_they_have_the_same_names_order_and_defaults(self, redis: Path) -> None:
        flows = NFStreamer(redis, True, None, True, 1536, 0, 120, 1800, 0, None, 20, False, 0, 0)
        assert flows.source == str(redis)
        assert (flows.idle_timeout, flows.active_timeout, flows.snapshot_length) == (
            120,
            1800,
            1536,
        )
        assert (flows.udps, flows.n_dissections, flows.decode_tunnels) == ((), 20, True)

    def test_they_are_checked_when_they_are_set_later_too(self, redis: Path) -> None:
        flows = NFStreamer(redis)
        flows.idle_timeout = 5
        with pytest.raises(ValueError, match="valid idle_timeout"):
            flows.idle_timeout = -1
        assert flows.idle_timeout == 5

    def test_a_filter_is_compiled_when_the_run_begins(self, redis: Path) -> None:
        flows = streamer(redis, bpf_filter="my filter")
        with pytest.raises(ValueError, match=r"^Unable to compile BPF filter\.$"):
            list(flows)
        assert [flow.id for flow in streamer(redis, bpf_filter="udp")] == []

    def test_another_name_is_a_type_error(self, redis: Path) -> None:
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            NFStreamer(redis, track_tcp=True)  # type: ignore[call-arg]


class TestColumns:
    BASE = 29

    def test_parameters_choose_them(self, redis: Path) -> None:
        def names(**parameters: Any) -> list[str]:
            keys: list[str] = next(iter(streamer(redis, **parameters))).keys()
            return keys

        base = names()
        assert (base[0], base[13], base[-1], len(base)) == (
            "id",
            "tunnel_id",
            "dst2src_bytes",
            self.BASE,
        )
        assert names(decode_tunnels=False) == [name for name in base if name != "tunnel_id"]
        statistics = names(statistical_analysis=True)
        assert statistics[: self.BASE] == base
        assert len(statistics) == self.BASE + 48
        assert names(splt_analysis=3)[self.BASE :] == ["splt_direction", "splt_ps", "splt_piat_ms"]
        assert names(n_dissections=20)[self.BASE :] == [
            "application_name",
            "application_category_name",
            "application_is_guessed",
            "application_confidence",
            "requested_server_name",
            "client_fingerprint",
            "server_fingerprint",
            "user_agent",
            "content_type",
        ]

    def test_labels_are_those_of_ndpi_5(self, redis: Path) -> None:
        flow = next(iter(streamer(redis, n_dissections=20)))
        assert flow.application_name == "RESP"
        assert flow.application_confidence == 6
        assert type(flow.application_is_guessed) is int

    def test_the_fingerprint_of_a_tls_client_is_its_ja4(self, web: Path) -> None:
        flows = list(streamer(web, n_dissections=20))
        tls = [flow.client_fingerprint for flow in flows if flow.application_name.startswith("TLS")]
        assert tls
        assert all(
            re.fullmatch(r"t1\dd\d{4}.._[0-9a-f]{12}_[0-9a-f]{12}", ja4) for ja4 in tls if ja4
        )

    def test_accounting_modes_count_less_and_less(self, redis: Path) -> None:
        totals = [
            sum(flow.bidirectional_bytes for flow in streamer(redis, accounting_mode=mode))
            for mode in range(4)
        ]
        assert totals == sorted(totals, reverse=True)
        assert totals[0] - totals[1] == 14 * sum(f.bidirectional_packets for f in streamer(redis))

    def test_a_flow_reads_as_nfstream_6_writes_it(self, redis: Path) -> None:
        flow = next(iter(streamer(redis)))
        lines = str(flow).split("\n")
        assert lines[0] == f"NFlow(id={flow.id},"
        assert lines[2] == f"      src_ip={flow.src_ip},"
        assert lines[-1].endswith(f"dst2src_bytes={flow.dst2src_bytes})")
        assert dict(zip(flow.keys(), flow.values(), strict=True))["id"] == flow.id

    def test_compatible_addresses_end_in_dotted_numbers(self, tmp_path: Path) -> None:
        datagram = struct.pack(">HHHH", 1, 2, 8, 0)
        header = struct.pack(">IHBB", 6 << 28, len(datagram), 17, 64)
        ends = bytes(12) + b"\1\2\3\4" + bytes(15) + b"\1"
        frame = bytes(12) + b"\x86\xdd" + header + ends + datagram
        flow = next(iter(streamer(write_pcap(tmp_path / "a.pcap", [(0, frame)]))))
        assert (flow.src_ip, flow.dst_ip) == ("::1.2.3.4", "::1")


class TestFlowRules:
    def capture(self, folder: Path, *packets: tuple[float, int]) -> Path:
        """Writes packets, as pairs of seconds and source port, to a file; returns its path."""
        timed = [(int(time * SECOND), udp_frame(src_port=port)) for time, port in packets]
        return write_pcap(folder / "flows.pcap", timed)

    def rows(self, capture: Path, **parameters: Any) -> list[tuple[int, int, int, int]]:
        return [
            (flow.id, flow.src_port, flow.bidirectional_packets, flow.expiration_id)
            for flow in streamer(capture, **parameters)
        ]

    def test_ids_count_ends(self, tmp_path: Path) -> None:
        capture = self.capture(tmp_path, (0, 1), (1, 2), (5, 1), (12, 3), (13, 1))
        # The scan stops at the oldest flow, which is not idle, so the idle flow stays active.
        assert self.rows(capture, idle_timeout=10) == [(0, 1, 3, 0), (1, 2, 1, 0), (2, 3, 1, 0)]

    def test_idle_flows_end_in_the_order_of_their_first_packets(self, tmp_path: Path) -> None:
        capture = self.capture(tmp_path, (0, 2), (1, 1), (20, 3))
        assert [row[1] for row in self.rows(capture, idle_timeout=10)] == [2, 1, 3]

    def test_a_slice_is_a_flow_of_its_own(self, tmp_path: Path) -> None:
        capture = self.capture(tmp_path, (0, 1), (4, 2), (6, 1), (11, 1))
        rows = self.rows(capture, active_timeout=10)
        assert rows == [(0, 1, 2, 1), (1, 2, 1, 0), (2, 1, 1, 0)]

    def test_timeouts_of_0_put_each_packet_in_a_flow(self, tmp_path: Path) -> None:
        capture = self.capture(tmp_path, (0, 1), (0, 1), (0, 1))
        assert self.rows(capture, idle_timeout=0) == [(0, 1, 1, 0), (1, 1, 1, 0), (2, 1, 1, 0)]
        active = self.rows(capture, active_timeout=0)
        assert active == [(0, 1, 1, 1), (1, 1, 1, 1), (2, 1, 1, 0)]

    def test_late_packets_get_the_time_of_the_run(self, tmp_path: Path) -> None:
        capture = self.capture(tmp_path, (100, 1), (90, 2))
        times = [flow.bidirectional_first_seen_ms for flow in streamer(capture)]
        assert times == [100_000, 100_000]

    def test_times_are_whole_milliseconds_before_they_are_compared(self, tmp_path: Path) -> None:
        capture = self.capture(tmp_path, (0.0006, 1), (10.0001, 1))
        assert len(self.rows(capture, idle_timeout=10)) == 2

    def test_the_run_ends_after_max_nflows(self, redis: Path) -> None:
        assert len(list(streamer(redis, max_nflows=2))) == 2

    def test_a_streamer_can_be_used_again(self, redis: Path) -> None:
        flows = streamer(redis)
        assert [f.id for f in flows] == [f.id for f in flows]

    def test_a_list_of_files_is_one_capture(self, redis: Path) -> None:
        assert len(list(streamer([redis, redis]))) == 6

    def test_no_later_fragment_gets_through_strict(self, tmp_path: Path) -> None:
        whole, later = bytearray(udp_frame()), bytearray(udp_frame())
        later[21] = 1
        capture = write_pcap(tmp_path / "a.pcap", [(0, bytes(whole)), (0, bytes(later))])
        counts = [
            sum(flow.bidirectional_packets for flow in streamer(capture, strict=strict))
            for strict in (False, True)
        ]
        assert counts == [2, 1]


class Recorder(NFPlugin):
    """Keeps an attribute of each packet."""

    def on_init(self, packet: NFPacket, flow: NFlow) -> None:
        flow.udps.seen = [self.attribute(packet, flow)]

    def on_update(self, packet: NFPacket, flow: NFlow) -> None:
        flow.udps.seen.append(self.attribute(packet, flow))

    def on_expire(self, flow: NFlow) -> None:
        flow.udps.total = flow.bidirectional_packets

    def attribute(self, packet: NFPacket, flow: NFlow) -> Any:
        return getattr(packet, self.name)  # type: ignore[attr-defined]


class TestPlugins:
    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("time", [1000, 3500]),
            ("delta_time", [0, 2500]),
            ("direction", [0, 0]),
            ("raw_size", [49, 49]),
            ("ip_size", [35, 35]),
            ("transport_size", [15, 15]),
            ("payload_size", [7, 7]),
            ("src_ip", ["10.0.0.1"] * 2),
            ("src_mac", ["00:00:00:00:00:00"] * 2),
            ("dst_oui", ["00:00:00"] * 2),
            ("dst_port", [2000, 2000]),
            ("ip_version", [4, 4]),
            ("syn", [0, 0]),
            ("tunnel_id", [0, 0]),
            ("ip_packet", [udp_frame()[14:]] * 2),
        ],
    )
    def test_packets_have_the_attributes(
        self, tmp_path: Path, name: str, values: list[object]
    ) -> None:
        packets = [(1_000_000, udp_frame()), (3_500_900, udp_frame())]
        capture = write_pcap(tmp_path / "a.pcap", packets)
        flow = next(iter(streamer(capture, udps=Recorder(name=name))))
        assert flow.udps.seen == values
        assert flow.udps.total == 2

    def test_a_packet_can_be_taken_apart(self, redis: Path) -> None:
        kept: list[NFPacket] = []

        class Keep(NFPlugin):
            def on_init(self, packet: NFPacket, flow: NFlow) -> None:
                kept.append(packet)

        list(streamer(redis, udps=Keep()))
        packet = kept[0]
        assert list(packet._asdict()) == packet._fields
        assert tuple(packet) == tuple(packet._asdict().values())
        assert (len(packet), packet[0]) == (28, packet.time)
        assert repr(packet).startswith(f"NFPacket(time={packet.time}, delta_time=0, direction=0,")
        assert packet.syn == 1

    def test_values_are_columns(self, redis: Path) -> None:
        class Values(NFPlugin):
            def on_init(self, packet: NFPacket, flow: NFlow) -> None:
                flow.udps.text, flow.udps.nothing = "a,b", None

        flow = next(iter(streamer(redis, udps=[Values(), Recorder(name="ack")])))
        assert flow.keys()[-4:] == ["udps.text", "udps.nothing", "udps.seen", "udps.total"]
        assert flow.values()[-4:-2] == ["a,b", None]
        assert str(flow).endswith(f"udps.total={flow.udps.total})")
        frame = streamer(redis, udps=Values()).to_pandas()
        assert frame is not None
        assert frame["udps.text"].tolist() == ["a,b"] * 6
        assert frame["udps.nothing"].isna().all()

    def test_keyword_arguments_become_attributes(self) -> None:
        plugin = NFPlugin(limit=3, name="x")
        assert vars(plugin) == {"limit": 3, "name": "x"}

    def test_a_plugin_may_change_columns(self, redis: Path) -> None:
        class Hide(NFPlugin):
            def on_expire(self, flow: NFlow) -> None:
                flow.src_ip = "hidden"  # type: ignore[misc]

        assert {flow.src_ip for flow in streamer(redis, udps=Hide())} == {"hidden"}

    @pytest.mark.parametrize("other", ["nothing", "bidirectional"])
    def test_other_attributes_cannot_be_set(self, redis: Path, other: str) -> None:
        class Set(NFPlugin):
            def on_init(self, packet: NFPacket, flow: NFlow) -> None:
                setattr(flow, other, 1)

        with pytest.raises(AttributeError):
            list(streamer(redis, udps=Set()))

    def test_only_minus_1_ends_a_flow(self, tmp_path: Path) -> None:
        class End(NFPlugin):
            def on_init(self, packet: NFPacket, flow: NFlow) -> None:
                flow.expiration_id = self.id  # type: ignore[attr-defined]

        times = [0, 1, 20, 21, 26, 31]
        packets = [(time * SECOND, udp_frame()) for time in times]
        capture = write_pcap(tmp_path / "a.pcap", packets)

        def rows(number: int) -> list[tuple[int, int, int]]:
            flows = streamer(capture, idle_timeout=10, active_timeout=10, udps=End(id=number))
            return [(f.id, f.expiration_id, f.bidirectional_packets) for f in flows]

        assert rows(-1) == [(number, -1, 1) for number in range(6)]
        # The result of nfstream 6.6.0.
        assert rows(-5) == [(0, 0, 2), (1, 1, 3), (2, -5, 1)]

    def test_cleanup_is_called_at_the_end(self, redis: Path) -> None:
        ended: list[bool] = []

        class Clean(NFPlugin):
            def cleanup(self) -> None:
                ended.append(True)

        list(streamer(redis, udps=Clean()))
        assert ended == [True]

    def test_an_exception_reaches_the_caller(self, redis: Path) -> None:
        with pytest.raises(AttributeError, match="sequence_length"):
            list(streamer(redis, udps=SPLT()))


class TestCsv:
    def test_the_default_path_is_that_of_the_source(self, redis: Path, tmp_path: Path) -> None:
        copy = tmp_path / "redis.pcap"
        copy.write_bytes(redis.read_bytes())
        assert streamer([copy]).to_csv() == 6
        assert len(read(tmp_path / "redis.pcap.csv")) == 7

    def test_no_flows_make_no_file(self, tmp_path: Path) -> None:
        capture = write_pcap(tmp_path / "empty.pcap", [])
        assert streamer(capture).to_csv() == 0
        assert streamer(capture).to_pandas() is None
        assert [path.name for path in tmp_path.iterdir()] == ["empty.pcap"]

    @pytest.mark.parametrize(
        ("flows_per_file", "rotate_files", "files"),
        [
            (0, 2, {"flows.csv": "012345"}),
            (2, 0, {"flows.0.csv": "01", "flows.1.csv": "23", "flows.2.csv": "45"}),
            (4, 0, {"flows.0.csv": "0123", "flows.1.csv": "45"}),
            (6, 0, {"flows.0.csv": "012345"}),
            (2, 2, {"flows.0.csv": "45", "flows.1.csv": "23"}),
        ],
    )
    def test_flows_are_split_into_files(
        self,
        redis: Path,
        tmp_path: Path,
        flows_per_file: int,
        rotate_files: int,
        files: dict[str, str],
    ) -> None:
        path = tmp_path / "flows.csv"
        count = streamer(redis).to_csv(
            path, flows_per_file=flows_per_file, rotate_files=rotate_files
        )
        found = {p.name: "".join(row[0] for row in read(p)[1:]) for p in tmp_path.iterdir()}
        assert count == 6
        assert found == files

    @pytest.mark.parametrize("name", ["flows_per_file", "rotate_files"])
    @pytest.mark.parametrize("value", [-1, "x", 2.0])
    def test_wrong_counts_are_errors(self, redis: Path, name: str, value: Any) -> None:
        with pytest.raises(ValueError) as error:
            streamer(redis).to_csv("unused.csv", **{name: value})
        assert str(error.value) == f"Please specify a valid {name} parameter (>= 0)."

    def test_cells_are_written_as_python_writes_them(self, redis: Path, tmp_path: Path) -> None:
        class Odd(NFPlugin):
            def on_init(self, packet: NFPacket, flow: NFlow) -> None:
                flow.udps.quote, flow.udps.small = 'say "hi", ok', 1e-7
                flow.udps.none, flow.udps.map = None, {"a": 1}

        path = tmp_path / "flows.csv"
        streamer(redis, splt_analysis=2, udps=Odd()).to_csv(path)
        line = path.read_text().split("\n")[1]
        assert '"[0, 1]","[' in line
        assert line.endswith(""","say ""hi"", ok",1e-07,,{'a': 1}""")

    def test_flows_that_lack_a_value_have_an_empty_cell(self, redis: Path) -> None:
        class First(NFPlugin):
            def on_expire(self, flow: NFlow) -> None:
                if flow.id == 0:
                    flow.udps.first = 1

        frame = streamer(redis, udps=First()).to_pandas()
        assert frame is not None
        assert frame["udps.first"].notna().tolist() == [True] + [False] * 5


class TestAnonymisation:
    def test_values_are_replaced_by_hashes(self, redis: Path) -> None:
        frame = streamer(redis).to_pandas(columns_to_anonymize=["src_ip", "dst_port"])
        plain = streamer(redis).to_pandas()
        assert frame is not None
        assert plain is not None
        assert frame["src_ip"].str.fullmatch("[0-9a-f]{128}").all()
        assert frame["src_ip"].nunique() == plain["src_ip"].nunique()
        assert frame["dst_ip"].tolist() == plain["dst_ip"].tolist()

    def test_each_run_has_a_key_of_its_own(self, redis: Path) -> None:
        def hashed() -> list[str]:
            frame = streamer(redis).to_pandas(columns_to_anonymize=["src_ip"])
            assert frame is not None
            cells: list[str] = frame["src_ip"].tolist()
            return cells

        assert hashed() != hashed()

    def test_unknown_columns_print_a_warning(
        self, redis: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        streamer(redis).to_pandas(columns_to_anonymize=["nothing"])
        printed = capsys.readouterr().out
        assert printed == "WARNING: NFlow do not have {} attribute. Skipping anonymization.\n"


def dhcp(
    options: list[tuple[int, bytes]], *, client: bool = True, source: str = "10.0.0.5"
) -> bytes:
    """Returns an Ethernet frame between a DHCP client and its server, 10.0.0.1."""
    header = bytearray(236)
    header[28:34] = b"\0\x0b\x82\1\xfc\x42"
    body = b"".join(bytes([number, len(value)]) + value for number, value in options)
    payload = bytes(header) + b"\x63\x82\x53\x63" + body + b"\xff"
    ports = (68, 67) if client else (67, 68)
    ends = [bytes(map(int, address.split("."))) for address in (source, "10.0.0.1")]
    src, dst = ends if client else reversed(ends)
    frame = bytearray(udp_frame(*ports, payload))
    frame[26:34] = src + dst
    return bytes(frame)


DISCOVER, REQUEST, ACK, INFORM = ([(53, bytes([number]))] for number in (1, 3, 5, 8))


class TestDhcp:
    def flows(self, folder: Path, *frames: bytes) -> list[NFlow]:
        capture = write_pcap(folder / "dhcp.pcap", list(enumerate(frames)))
        return list(streamer(capture, udps=DHCP()))

    def test_a_request_is_read(self, tmp_path: Path) -> None:
        options = [
            *REQUEST,
            (50, bytes([10, 0, 0, 9])),
            (12, "hòst".encode()),
            (55, bytes([1, 3, 6])),
            (57, b"\5\xdc"),
            (60, b"MSFT 5.0"),
            (77, b"class"),
        ]
        (flow,) = self.flows(tmp_path, dhcp(options))
        assert vars(flow.udps) == {
            "dhcp_12": "hòst",
            "dhcp_50": "10.0.0.9",
            "dhcp_55": "1,3,6",
            "dhcp_57": 1500,
            "dhcp_60": "MSFT 5.0",
            "dhcp_77": "class",
            "dhcp_options": [53, 50, 12, 55, 57, 60, 77],
            "dhcp_addr": None,
            "dhcp_msg_type": MsgType.REQUEST,
            "dhcp_oui": "00:0b:82",
        }

    @pytest.mark.parametrize("kind", [DISCOVER, INFORM, [], [(53, b"\7")]])
    def test_client_options_are_read_from_every_message(
        self, tmp_path: Path, kind: list[tuple[int, bytes]]
    ) -> None:
        options = [(12, b"a"), (50, bytes(4)), (55, b"\1"), (57, b"\2\0"), (60, b"b"), (77, b"c")]
        (flow,) = self.flows(tmp_path, dhcp([*kind, *options]))
        assert [getattr(flow.udps, f"dhcp_{n}") for n in (12, 57, 60, 77)] == ["a", 512, "b", "c"]
        values = (flow.udps.dhcp_50, flow.udps.dhcp_55, flow.udps.dhcp_options, flow.udps.dhcp_oui)
        assert values == (None, None, [], None)

    def test_an_address_may_be_short(self, tmp_path: Path) -> None:
        (flow,) = self.flows(tmp_path, dhcp([*REQUEST, (50, b"\1\2")]))
        assert flow.udps.dhcp_50 == "0.0.1.2"

    def test_the_answer_ends_the_exchange(self, tmp_path: Path) -> None:
        exchange = [dhcp(REQUEST), dhcp(ACK, client=False)]
        flows = self.flows(tmp_path, *exchange, *exchange)
        assert [(f.expiration_id, f.bidirectional_packets) for f in flows] == [(-1, 2), (-1, 2)]

    def test_a_client_without_address_has_a_flow_for_each_message(self, tmp_path: Path) -> None:
        frames = [dhcp(DISCOVER, source="0.0.0.0"), dhcp(REQUEST, source="0.0.0.0")]
        flows = self.flows(tmp_path, *frames)
        kinds = [(flow.expiration_id, flow.udps.dhcp_msg_type) for flow in flows]
        assert kinds == [(-1, MsgType.DISCOVER), (-1, MsgType.REQUEST)]

    def test_information_needs_no_answer(self, tmp_path: Path) -> None:
        assert [flow.expiration_id for flow in self.flows(tmp_path, dhcp(INFORM))] == [-1]

    def test_broken_text_is_replaced(self, tmp_path: Path) -> None:
        (flow,) = self.flows(tmp_path, dhcp([*REQUEST, (12, b"a\xff")]))
        assert flow.udps.dhcp_12 == "a\ufffd"

    def test_other_payloads_on_the_port_are_ignored(self, tmp_path: Path) -> None:
        (flow,) = self.flows(tmp_path, udp_frame(68, 67))
        assert flow.udps.dhcp_msg_type is None


def dns_name(name: str) -> bytes:
    labels = [label.encode() for label in name.split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def mdns(*names: str, kind: int = 12) -> bytes:
    """Returns a DNS answer with records that point to `names`."""
    answers = b""
    for name in names:
        data = dns_name(name)
        answers += dns_name("_a.local") + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
    return struct.pack(">HHHHHH", 0, 0x8400, 0, len(names), 0, 0) + answers


class TestMdns:
    def names(self, folder: Path, *payloads: bytes, port: int = 5353) -> list[str]:
        frames = [udp_frame(5353, port, payload) for payload in payloads]
        capture = write_pcap(folder / "mdns.pcap", list(enumerate(frames)))
        (flow,) = streamer(capture, udps=MDNS())
        found: list[str] = flow.udps.mdns_ptr
        return found

    def test_names_are_listed_once_in_order(self, tmp_path: Path) -> None:
        found = self.names(tmp_path, mdns("B.local", "A.local"), mdns("A.local", "C, d.local"))
        assert found == ["B.local", "A.local", "C  d.local"]

    def test_compressed_names_are_read(self, tmp_path: Path) -> None:
        head = struct.pack(">HHHHHH", 0, 0x8400, 0, 1, 0, 0)
        answer = dns_name("_a.local") + struct.pack(">HHIH", 12, 1, 60, 4) + b"\1X\xc0\x0c"
        assert self.names(tmp_path, head + answer) == ["X._a.local"]

    @pytest.mark.parametrize(
        "payload",
        [b"", b"garbage", mdns("A.local")[:-3], mdns("A.local", kind=16)],
        ids=["empty", "garbage", "cut", "text"],
    )
    def test_messages_without_pointer_records_give_nothing(
        self, tmp_path: Path, payload: bytes
    ) -> None:
        assert self.names(tmp_path, payload) == []

    def test_a_name_that_points_to_itself_gives_nothing(self, tmp_path: Path) -> None:
        head = struct.pack(">HHHHHH", 0, 0x8400, 0, 1, 0, 0)
        assert self.names(tmp_path, head + b"\xc0\x0c" + bytes(20)) == []

    def test_other_ports_are_ignored(self, tmp_path: Path) -> None:
        assert self.names(tmp_path, mdns("A.local"), port=53) == []


class TestSlicerAndSplt:
    @pytest.mark.parametrize("limit", [1, 2, 10])
    def test_no_flow_has_more_packets_than_the_limit(self, redis: Path, limit: int) -> None:
        flows = list(streamer(redis, udps=FlowSlicer(limit=limit)))
        assert max(flow.bidirectional_packets for flow in flows) == limit
        assert [flow.id for flow in flows] == list(range(len(flows)))
        full = [flow.bidirectional_packets == limit for flow in flows]
        assert [flow.expiration_id == -1 for flow in flows] == full

    @pytest.mark.parametrize("mode", range(4))
    def test_the_plugin_and_the_parameter_list_the_same(self, web: Path, mode: int) -> None:
        plugin = SPLT(sequence_length=7, accounting_mode=mode)
        for flow in streamer(web, splt_analysis=7, accounting_mode=mode, udps=plugin):
            assert flow.udps.splt_direction == flow.splt_direction
            assert flow.udps.splt_ps == flow.splt_ps
            assert flow.udps.splt_piat_ms == flow.splt_piat_ms


SCRIPTS: list[tuple[str, Callable[[Path], list[str]], str]] = [
    ("dataset.py", lambda folder: ["web.pcap", str(folder / "flows.csv")], "29 flows\n"),
    ("bursts.py", lambda folder: ["redis.pcap"], "udps.share"),
    ("slices.py", lambda folder: ["redis.pcap", "web.pcap"], "syn 1/1"),
]


class TestScripts:
    @pytest.mark.parametrize(
        ("name", "arguments", "printed"), SCRIPTS, ids=lambda value: str(value)
    )
    def test_scripts_for_nfstream_6_run(
        self,
        tmp_path: Path,
        name: str,
        arguments: Callable[[Path], list[str]],
        printed: str,
    ) -> None:
        command = [sys.executable, "-W", "error", str(ROOT / "examples" / "v6" / name)]
        command += arguments(tmp_path)
        done = subprocess.run(command, cwd=CAPTURES, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert printed in done.stdout

    def test_only_their_import_lines_differ(self) -> None:
        for script in (ROOT / "examples" / "v6").glob("*.py"):
            code = script.read_text().split('"""', 2)[2]
            lines = [line for line in code.splitlines() if "v6" in line]
            assert lines
            assert all(re.match(r"from nfstream\.v6(\.plugins)? import ", line) for line in lines)


def test_a_damaged_file_is_a_warning(tmp_path: Path) -> None:
    capture = tmp_path / "cut.pcap"
    capture.write_bytes(file_header() + record(0, udp_frame()) + b"\0\0\0")
    with pytest.warns(UserWarning, match="cut"):
        assert len(list(streamer(capture))) == 1


def test_compare_runs_both_and_prints_the_differences(tmp_path: Path, redis: Path) -> None:
    script = ROOT / "benches" / "compare.py"
    shim = tmp_path / "nfstream_6"
    # Replaces nfstream 6.6.0: runs the script with the import of this package.
    change = "s/from nfstream import/from nfstream.v6 import/"
    shim.write_text(f'#!/bin/sh\nsed -i "{change}" "$1"\nexec {sys.executable} "$@"\n')
    os.chmod(shim, 0o755)
    command = [sys.executable, str(script), "--python", str(shim), str(redis)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "1 of 1 captures are equal, 6 rows"
    assert done.returncode == 0


class Twice(NFPlugin):
    def on_init(self, packet: NFPacket, flow: NFlow) -> None:
        flow.udps.packets = 1

    def on_update(self, packet: NFPacket, flow: NFlow) -> None:
        flow.udps.packets += 1


@pytest.mark.parametrize("udps", [None, Twice()], ids=["plain", "plugin"])
def test_flows_can_be_copied(redis: Path, udps: NFPlugin | None) -> None:
    for flow in streamer(redis, udps=udps):
        for made in (copy.copy(flow), copy.deepcopy(flow), pickle.loads(pickle.dumps(flow))):
            assert made.keys() == flow.keys()
            assert made.values() == flow.values()
            assert str(made) == str(flow)
            assert made.udps == flow.udps


def test_a_streamer_can_be_copied_and_changed(redis: Path) -> None:
    made = pickle.loads(pickle.dumps(streamer(redis, udps=Twice(), strict=True)))
    assert (made.strict, len(list(made))) == (True, 6)
    made.strict = False
    assert made.strict is False
    assert [flow.udps.packets for flow in copy.copy(made)] == [f.udps.packets for f in made]
