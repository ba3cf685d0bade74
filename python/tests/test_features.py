"""Columns of features: statistics compared with numpy, and published Community IDs."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP

from conftest import CAPTURES, each_capture
from frames import write_pcap
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer

# Statistics

NS = {"ms": 10**6, "us": 10**3, "ns": 1}
SIZES: list[Callable[[NFPacket], int]] = [
    lambda pkt: pkt.length,
    lambda pkt: pkt.ip_length,
    lambda pkt: pkt.payload_length,
]


class Packets(NFPlugin):
    """Keeps direction, nanoseconds and size of each packet."""

    def on_init(self, pkt: NFPacket) -> list[tuple[int, int, int]]:
        return [self.of(pkt)]

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        flow.packets.append(self.of(pkt))

    def of(self, pkt: NFPacket) -> tuple[int, int, int]:
        return pkt.direction, pkt.time_ns, self.user_data(pkt)


def two_passes(numbers: Sequence[int]) -> tuple[float, float, float, float]:
    """Returns minimum, mean, standard deviation and maximum; 0 for missing values."""
    if not numbers:
        return 0, 0, 0, 0
    array = np.array(numbers, dtype=np.float64)
    deviation = array.std(ddof=1) if len(array) > 1 else 0
    return array.min(), array.mean(), deviation, array.max()


def expected(packets: list[tuple[int, int, int]], unit: str) -> dict[str, float]:
    columns: dict[str, float] = {}
    for side, ways in (("bidirectional", {0, 1}), ("src2dst", {0}), ("dst2src", {1})):
        chosen = [packet for packet in packets if packet[0] in ways]
        ticks = [time_ns // NS[unit] for _, time_ns, _ in chosen]
        gaps = [later - earlier for earlier, later in itertools.pairwise(ticks)]
        for suffix, numbers in (("ps", [size for *_, size in chosen]), (f"piat_{unit}", gaps)):
            found = zip(("min", "mean", "stddev", "max"), two_passes(numbers), strict=True)
            columns |= {f"{side}_{which}_{suffix}": value for which, value in found}
    return columns


def assert_statistics(flow: NFlow, packets: list[tuple[int, int, int]], unit: str) -> None:
    columns = expected(packets, unit)
    assert len(columns) == 24
    assert {name for name in flow.keys() if "_ps" in name or "_piat_" in name} == set(columns)
    for name, value in columns.items():
        assert flow[name] == pytest.approx(value, rel=1e-9, abs=1e-12), (flow.id, name)


@each_capture
@pytest.mark.parametrize("unit", ["ms", "us"])
def test_statistics_are_those_of_two_passes(capture: Path, unit: str) -> None:
    packets = Packets("packets", user_data=SIZES[0])
    flows = NFStreamer(
        capture, plugins=packets, features="statistics", time_unit=unit, dissect=False
    )
    for flow in flows:
        assert len(flow.packets) == flow.total_packets
        assert_statistics(flow, flow.packets, unit)


@pytest.mark.parametrize(("mode", "size"), [(1, SIZES[1]), (3, SIZES[2])], ids=["ip", "payload"])
def test_statistics_count_what_the_accounting_mode_says(
    web: Path, mode: int, size: Callable[[NFPacket], int]
) -> None:
    flows = NFStreamer(
        web,
        plugins=Packets("packets", user_data=size),
        features="statistics",
        accounting_mode=mode,
        dissect=False,
    )
    for flow in flows:
        assert_statistics(flow, flow.packets, "ms")


@pytest.mark.parametrize("unit", list(NS))
def test_statistics_restart_with_each_slice(long: Path, unit: str) -> None:
    packets = Packets("packets", user_data=SIZES[0])
    flows = list(
        NFStreamer(
            long,
            plugins=packets,
            features="statistics",
            active_timeout=5,
            time_unit=unit,
            dissect=False,
        )
    )
    assert len(flows) > 2
    for flow in flows:
        assert_statistics(flow, flow.packets, unit)


def test_a_flow_of_one_packet_has_no_gap_and_no_deviation(web: Path) -> None:
    flows = list(NFStreamer(web, idle_timeout=0, features="statistics", dissect=False))
    single = [flow for flow in flows if flow.total_packets == 1]
    assert single
    for flow in single:
        gaps = [flow[name] for name in flow.keys() if "_piat_" in name or "_stddev_" in name]
        assert gaps == [0] * 15
        for which in ("min", "mean", "max"):
            assert flow[f"bidirectional_{which}_ps"] == flow.total_bytes
            assert flow[f"dst2src_{which}_ps"] == 0


def test_statistics_do_not_depend_on_meters() -> None:
    tables: dict[int, list[list[Any]]] = defaultdict(list)
    for n_meters in (1, 2):
        for name in ("web.pcap", "mixed.pcapng"):
            streamer = NFStreamer(CAPTURES / name, features="statistics", n_meters=n_meters)
            tables[n_meters] += [flow.values() for flow in streamer]
    assert tables[1] == tables[2]


# Community ID, version 1, with seed 0: the values published with the specification


def frame(src: str, dst: str, transport: Any) -> bytes:
    """Returns a frame with a transport header, given by scapy or as the bytes of ICMPv6."""
    network: Any = IPv6(src=src, dst=dst) if ":" in src else IP(src=src, dst=dst)
    if isinstance(transport, bytes):
        network.nh = 58
    return bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / network / transport)


def icmp(kind: int, code: int = 0) -> Any:
    return ICMP(type=kind, code=code)


def icmpv6(kind: int, code: int = 0) -> bytes:
    return bytes([kind, code, *bytes(22)])


PUBLISHED: list[tuple[str, str, str, Any]] = [
    (
        "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        "128.232.110.120",
        "66.35.250.204",
        TCP(sport=34855, dport=80),
    ),
    (
        "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        "66.35.250.204",
        "128.232.110.120",
        TCP(sport=80, dport=34855),
    ),
    ("1:SXBGMX1lBOwhhoDrZynfROxnhnM=", "10.0.0.1", "10.0.0.2", TCP(sport=10, dport=11569)),
    (
        "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
        "2001:470:e5bf:dead:4957:2174:e82c:4887",
        "2607:f8b0:400c:c03::1a",
        TCP(sport=63943, dport=25),
    ),
    ("1:d/FP5EW3wiY1vCndhwleRRKHowQ=", "192.168.1.52", "8.8.8.8", UDP(sport=54585, dport=53)),
    ("1:d/FP5EW3wiY1vCndhwleRRKHowQ=", "8.8.8.8", "192.168.1.52", UDP(sport=53, dport=54585)),
    ("1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=", "192.168.170.8", "192.168.170.56", SCTP(sport=7, dport=80)),
    ("1:X0snYXpgwiv9TZtqg64sgzUn6Dk=", "192.168.0.89", "192.168.0.1", icmp(8)),
    ("1:X0snYXpgwiv9TZtqg64sgzUn6Dk=", "192.168.0.1", "192.168.0.89", icmp(0)),
    ("1:3o2RFccXzUgjl7zDpqmY7yJi8rI=", "192.168.0.89", "192.168.0.1", icmp(20)),
    ("1:tz/fHIDUHs19NkixVVoOZywde+I=", "192.168.0.89", "192.168.0.1", icmp(20, 1)),
    (
        "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=",
        "fe80::200:86ff:fe05:80da",
        "fe80::260:97ff:fe07:69ea",
        icmpv6(135),
    ),
    (
        "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=",
        "fe80::260:97ff:fe07:69ea",
        "fe80::200:86ff:fe05:80da",
        icmpv6(136),
    ),
    (
        "1:NdobDX8PQNJbAyfkWxhtL2Pqp5w=",
        "3ffe:507:0:1:260:97ff:fe07:69ea",
        "3ffe:507:0:1:200:86ff:fe05:80da",
        icmpv6(3),
    ),
    (
        "1:/OGBt9BN1ofenrmSPWYicpij2Vc=",
        "3ffe:507:0:1:200:86ff:fe05:80da",
        "3ffe:507:0:1:260:97ff:fe07:69ea",
        icmpv6(3),
    ),
    (
        "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=",
        "3ffe:507:0:1:200:86ff:fe05:80da",
        "3ffe:501:0:1001::2",
        icmpv6(128),
    ),
]


@pytest.mark.parametrize(("published", "src", "dst", "transport"), PUBLISHED)
def test_community_id_is_as_published(
    tmp_path: Path, published: str, src: str, dst: str, transport: Any
) -> None:
    capture = write_pcap(tmp_path / "one.pcap", [(0, frame(src, dst, transport))])
    (flow,) = NFStreamer(capture, features="community_id", dissect=False)
    assert (flow.src_ip, flow.community_id) == (src, published)
