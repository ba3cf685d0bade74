"""Networks: separation of flows with equal addresses, and the columns that show it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from frames import udp_frame, write_pcap
from nfstream import NFStreamer

Frames = Iterable[bytes]


def udp(src: bytes, dst: bytes, src_port: int, dst_port: int, payload: bytes) -> bytes:
    """Returns an IPv4 packet."""
    return ipv4(
        src, dst, 17, struct.pack(">HHHH", src_port, dst_port, 8 + len(payload), 0) + payload
    )


def ipv4(src: bytes, dst: bytes, protocol: int, payload: bytes, fragment: int = 0) -> bytes:
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, fragment, 64, protocol, 0)
    return header + src + dst + payload


A, B = b"\xc0\0\2\1", b"\xc0\0\2\2"
INNER = udp(b"\x0a\0\0\1", b"\x0a\0\0\2", 1000, 2000, b"there")
BACK = udp(b"\x0a\0\0\2", b"\x0a\0\0\1", 2000, 1000, b"back")
ETHERNET = bytes(12) + b"\x08\0"


def frame(packet: bytes, *tags: tuple[int, int]) -> bytes:
    """Returns a frame with VLAN tags: EtherType and identifier, the outermost first."""
    return bytes(12) + b"".join(struct.pack(">HH", *tag) for tag in tags) + b"\x08\0" + packet


def vxlan(vni: int, inner: bytes, port: int = 4789) -> bytes:
    header = struct.pack(">II", 0x0800_0000, vni << 8)
    return frame(udp(A, B, 50_000, port, header + ETHERNET + inner))


def geneve(vni: int, inner: bytes) -> bytes:
    header = struct.pack(">HHI", 0, 0x6558, vni << 8)
    return frame(udp(A, B, 50_000, 6081, header + ETHERNET + inner))


def gre(key: int, inner: bytes, kind: int = 0x0800, flags: int = 0x2000) -> bytes:
    link = ETHERNET if kind == 0x6558 else b""
    more = bytes(4) if flags & 0x1000 else b""
    header = struct.pack(">HHI", flags, kind, key) + more
    return frame(ipv4(A, B, 47, header + link + inner))


def gtp(teid: int, inner: bytes) -> bytes:
    header = struct.pack(">BBHI", 0x30, 255, len(inner), teid)
    return frame(udp(A, B, 2152, 2152, header + inner))


def mpls(label: int, inner: bytes) -> bytes:
    return bytes(12) + b"\x88\x47" + struct.pack(">I", label << 12 | 0x140) + inner


def rows(folder: Path, frames: Frames, **parameters: Any) -> list[dict[str, Any]]:
    capture = write_pcap(folder / "networks.pcap", enumerate(frames))
    streamer = NFStreamer(capture, dissect=False, features=["network", "tunnel"], **parameters)
    return [flow.to_dict() for flow in streamer]


def packets(folder: Path, frames: Frames, **parameters: Any) -> list[int]:
    return [row["total_packets"] for row in rows(folder, frames, **parameters)]


@pytest.mark.parametrize("n_meters", [1, 3])
@pytest.mark.parametrize(
    "make",
    [
        lambda network, inner: frame(inner, (0x8100, network)),
        lambda network, inner: frame(inner, (0x88A8, network), (0x8100, 5)),
        lambda network, inner: frame(inner, (0x88A8, 5), (0x8100, network)),
        vxlan,
        geneve,
        gre,
        lambda network, inner: gre(network, inner, flags=0x3000),
        lambda network, inner: gre(0x1000_0000 + (network << 8), inner, kind=0x6558),
        lambda network, inner: gre(network, inner, kind=0x6558),
        lambda network, inner: frame(vxlan(7, inner)[14:], (0x8100, network)),
        lambda network, inner: gre(network, vxlan(7, inner)[14:]),
    ],
    ids=[
        "vlan", "service vlan", "inner vlan", "vxlan", "geneve", "gre", "gre with sequence",
        "nvgre", "gretap", "vlan around a tunnel", "tunnel in a tunnel",
    ],
)  # fmt: skip
def test_networks_separate_flows(tmp_path: Path, make: Any, n_meters: int) -> None:
    frames = [make(1, INNER), make(2, INNER), make(1, BACK), make(2, BACK), make(2, INNER)]
    assert packets(tmp_path, frames, n_meters=n_meters) == [2, 3]
    assert packets(tmp_path, frames, key="endpoints", n_meters=n_meters) == [5]


@pytest.mark.parametrize(
    "make",
    [
        gtp,
        mpls,
        lambda number, inner: frame(inner, (0x8100, number << 13)),
        lambda number, inner: gre(0x1000_0000 + number, inner, kind=0x6558),
        lambda number, inner: gre(number, b"\0\x21" + inner, kind=0x880B, flags=0x3001),
    ],
    ids=["teid", "label", "priority", "flow id of nvgre", "call of pptp"],
)
def test_numbers_of_one_direction_do_not_separate_flows(tmp_path: Path, make: Any) -> None:
    assert packets(tmp_path, [make(1, INNER), make(2, BACK), make(3, INNER)]) == [3]


def test_the_key_leaves_vlans_or_tunnels_out(tmp_path: Path) -> None:
    frames = [
        frame(vxlan(7, INNER)[14:], (0x8100, 1)),
        frame(vxlan(7, INNER)[14:], (0x8100, 2)),
        frame(vxlan(8, INNER)[14:], (0x8100, 2)),
        frame(INNER, (0x8100, 2)),
        frame(INNER),
    ]
    assert packets(tmp_path, frames) == [1, 1, 1, 1, 1]
    assert packets(tmp_path, frames, key="vlans") == [1, 3, 1]
    assert packets(tmp_path, frames, key="tunnels") == [2, 1, 2]
    assert packets(tmp_path, frames, key="endpoints") == [5]
    with pytest.raises(ValueError, match="key must be one of 'network', 'vlans'"):
        NFStreamer("tests/captures/vlan.pcap", key="vlan")


def test_columns_show_the_identifiers(tmp_path: Path) -> None:
    def of(*frames: bytes) -> dict[str, Any]:
        (row,) = rows(tmp_path, frames)
        return row

    row = of(frame(vxlan(5001, INNER)[14:], (0x88A8, 100), (0x8100, 7)))
    assert (row["vlan_ids"], row["vlan_id"], row["vni"], row["tunnel_id"]) == ([100, 7], 7, 5001, 4)
    assert (row["gre_key"], row["src2dst_teid"], row["src2dst_mpls_labels"]) == (-1, -1, [])
    row = of(gtp(0xFFFF_FFFF, INNER), gtp(22, BACK), gtp(23, BACK))
    assert (row["src2dst_teid"], row["dst2src_teid"]) == (0xFFFF_FFFF, 22)
    row = of(mpls(16, INNER), mpls(1_000_000, BACK))
    assert (row["src2dst_mpls_labels"], row["dst2src_mpls_labels"]) == ([16], [1_000_000])
    row = of(gre(0x1234_5678, INNER, kind=0x6558))
    assert (row["vni"], row["gre_key"], row["tunnel_id"]) == (0x12_3456, -1, 8)
    # The key of a bridge is not a virtual subnet: NVGRE reserves the low ones (RFC 7637).
    row = of(gre(5001, INNER, kind=0x6558))
    assert (row["vni"], row["gre_key"], row["tunnel_id"]) == (-1, 5001, 6)
    row = of(gre(0xFFFF_FFFF, INNER))
    assert (row["vni"], row["gre_key"]) == (-1, 0xFFFF_FFFF)
    row = of(frame(INNER))
    assert (row["vlan_ids"], row["vni"]) == ([], -1)


def test_identifiers_inside_undecoded_tunnels_are_not_shown(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, [vxlan(5001, b"\0")])
    assert (row["vni"], row["tunnel_id"], row["dst_port"]) == (-1, 0, 4789)
    (row,) = rows(tmp_path, [vxlan(5001, INNER)], decode_tunnels=False)
    assert (row["vni"], row["dst_port"]) == (-1, 4789)


def test_fragments_of_different_networks_are_not_joined(tmp_path: Path) -> None:
    datagram = struct.pack(">HHHH", 1000, 2000, 24, 0)
    first = ipv4(b"\x0a\0\0\1", b"\x0a\0\0\2", 17, datagram + bytes(8), 0x2000)
    later = ipv4(b"\x0a\0\0\1", b"\x0a\0\0\2", 17, bytes(8), 2)
    found = rows(tmp_path, [vxlan(1, first), vxlan(2, later), vxlan(1, later)])
    assert [(row["src_port"], row["total_packets"]) for row in found] == [(1000, 2), (0, 1)]


@pytest.mark.parametrize("n_meters", [1, 2])
def test_cases_of_two_tenants(shared: Path, n_meters: int) -> None:
    vxlan_case = shared / "cases" / "vxlan_two_tenants.pcap"
    found = NFStreamer(vxlan_case, dissect=False, features="network", n_meters=n_meters)
    assert sorted((flow.vni, flow.total_packets) for flow in found) == [(5001, 10), (5002, 16)]
    assert len(list(NFStreamer(vxlan_case, key="endpoints", n_meters=n_meters))) == 1
    gtp_case = shared / "cases" / "gtp_two_subscribers.pcap"
    flows = NFStreamer(gtp_case, dissect=False, features="network", n_meters=n_meters)
    found_teids = [(flow.src2dst_teid, flow.dst2src_teid) for flow in flows]
    assert (11, 12) in found_teids
    assert sum(flow.total_packets for flow in flows) == 26
    # No subscriber's flow is split by direction.
    assert all(flow.dst2src_packets > 0 for flow in flows)


# Duplicates


def test_exact_duplicates_are_removed_on_request(tmp_path: Path) -> None:
    one, other = udp_frame(payload=b"one"), udp_frame(payload=b"other")
    tagged = one[:12] + b"\x81\0\0\7" + one[12:]
    frames = [(0, one), (50, tagged), (5_000, one), (9_000, other), (40_000, one)]
    capture = write_pcap(tmp_path / "mirror.pcap", frames)

    def counts(**parameters: Any) -> tuple[int, dict[str, int]]:
        streamer = NFStreamer(capture, dissect=False, **parameters)
        streamer.to_pandas()
        return streamer.stats().flow_packets, streamer.stats().ignored

    assert counts() == (5, {})
    assert counts(deduplicate=0.01) == (3, {"duplicate": 2})
    assert counts(deduplicate=0.01, n_meters=3) == (3, {"duplicate": 2})
    assert counts(deduplicate=1) == (2, {"duplicate": 3})
