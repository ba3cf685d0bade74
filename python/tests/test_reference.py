"""Tests of the reference itself, with handmade packets and captures."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from reference import Decoder, Ignored, Packet, Record, Result, address_text, meter

A, B, C = b"\x0a\0\0\1", b"\x0a\0\0\2", b"\x0a\0\0\3"
A6, B6 = bytes(15) + b"\1", bytes(15) + b"\2"
S = 1_000_000_000
MS = 1_000_000


# Packets


def udp(src_port: int = 1000, dst_port: int = 53, payload: bytes = b"12345678") -> bytes:
    return struct.pack(">HHHH", src_port, dst_port, 8 + len(payload), 0) + payload


def ipv4(
    payload: bytes,
    protocol: int = 17,
    src: bytes = A,
    dst: bytes = B,
    total_length: int | None = None,
    first_byte: int = 0x45,
    fragment: int = 0,
    packet_id: int = 1,
) -> bytes:
    if total_length is None:
        total_length = 20 + len(payload)
    head = struct.pack(
        ">BBHHHBBH", first_byte, 0, total_length, packet_id, fragment, 64, protocol, 0
    )
    return head + src + dst + payload


def ipv6(payload: bytes, protocol: int = 17, payload_length: int | None = None) -> bytes:
    if payload_length is None:
        payload_length = len(payload)
    return struct.pack(">IHBB", 6 << 28, payload_length, protocol, 64) + A6 + B6 + payload


def ethernet(payload: bytes, *types: int) -> bytes:
    return bytes(12) + b"".join(struct.pack(">H", value) for value in types or (0x0800,)) + payload


def there(src_port: int = 1000, dst_port: int = 53) -> bytes:
    return ethernet(ipv4(udp(src_port, dst_port)))


def back(src_port: int = 53, dst_port: int = 1000) -> bytes:
    return ethernet(ipv4(udp(src_port, dst_port), src=B, dst=A))


def decode(data: bytes, link_type: int = 1, wire_length: int | None = None) -> Packet:
    return Decoder().decode(Record(0, link_type, wire_length or len(data), data))


def reason(data: bytes, link_type: int = 1) -> str:
    with pytest.raises(Ignored) as caught:
        decode(data, link_type)
    return str(caught.value)


def five_tuple(packet: Packet) -> tuple[str, int, str, int, int]:
    ends = packet.endpoints
    src, dst = address_text(ends.src), address_text(ends.dst)
    return src, ends.src_port, dst, ends.dst_port, ends.protocol


PLAIN = ("10.0.0.1", 1000, "10.0.0.2", 53, 17)
PLAIN6 = ("::1", 1000, "::2", 53, 17)
LLC = b"\xaa\xaa\x03\0\0\0\x08\0"


def wifi(kind: int, flags: int, extra: bytes = b"") -> bytes:
    return bytes((kind, flags)) + bytes(22) + extra + LLC + ipv4(udp())


@pytest.mark.parametrize(
    ("link_type", "data"),
    [
        (1, ethernet(ipv4(udp()))),
        (1, ethernet(LLC + ipv4(udp()), 44)),
        (1, ethernet(ipv4(udp()), 0x8847, 0, 0x0000, 0, 0x0100)),
        (1, ethernet(b"\x11\0\0\1\0\x26\0\x21" + ipv4(udp()), 0x8864)),
        (1, ethernet(b"\x11\0\0\1\0\x25\x21" + ipv4(udp()), 0x8864)),
        (0, b"\2\0\0\0" + ipv4(udp())),
        (0, b"\0\0\0\2" + ipv4(udp())),
        (108, b"\0\0\0\2" + ipv4(udp())),
        (9, b"\0\x21" + ipv4(udp())),
        (9, b"\xff\3\0\x21" + ipv4(udp())),
        (9, b"\x0f\0\x08\0" + ipv4(udp())),
        (9, b"\xff\3\2\x81\0\0\0\x40\0\0\1\x40" + ipv4(udp())),
        (50, b"\xff\3\x21" + ipv4(udp())),
        (104, b"\x0f\0\x08\0" + ipv4(udp())),
        (12, ipv4(udp())),
        (14, ipv4(udp())),
        (101, ipv4(udp())),
        (228, ipv4(udp())),
        (113, bytes(14) + b"\x08\0" + ipv4(udp())),
        (276, b"\x08\0" + bytes(18) + ipv4(udp())),
        (105, wifi(0x08, 0x01)),
        (105, wifi(0x88, 0x02, bytes(2))),
        (105, wifi(0x88, 0x03, bytes(8))),
        (105, wifi(0x88, 0x81, bytes(6))),
        (127, b"\0\0\x09\0\0\0\0\0\0" + wifi(0x08, 0x01)),
        (1, ethernet(ipv4(ipv4(udp()), 4, C, C))),
        (1, ethernet(ipv6(ipv4(udp()), 4), 0x86DD)),
        (1, ethernet(ipv4(b"\1\1\1\0" + udp(), first_byte=0x46))),
    ],
)
def test_decodes_down_to_ipv4(link_type: int, data: bytes) -> None:
    assert five_tuple(decode(data, link_type)) == PLAIN


@pytest.mark.parametrize(
    ("link_type", "data"),
    [
        (1, ethernet(ipv6(udp()), 0x86DD)),
        (1, ethernet(ipv6(udp()), 0x8847, 0, 0x0100)),
        (0, b"\x1e\0\0\0" + ipv6(udp())),
        (9, b"\0\x57" + ipv6(udp())),
        (101, ipv6(udp())),
        (229, ipv6(udp())),
        (1, ethernet(ipv4(ipv6(udp()), 41))),
        (1, ethernet(ipv6(ipv6(udp()), 41), 0x86DD)),
        (1, ethernet(ipv6(b"\x3c\0" + bytes(6) + b"\x11\1" + bytes(14) + udp(), 0), 0x86DD)),
        (1, ethernet(ipv6(b"\x11\4" + bytes(22) + udp(), 51), 0x86DD)),
        (1, ethernet(ipv6(b"\x11" + bytes(7) + udp(), 44), 0x86DD)),
    ],
)
def test_decodes_down_to_ipv6(link_type: int, data: bytes) -> None:
    assert five_tuple(decode(data, link_type)) == PLAIN6


@pytest.mark.parametrize(
    ("types", "vlan_id"),
    [
        ((0x0800,), 0),
        ((0x8100, 0xE005, 0x0800), 5),
        ((0x88A8, 5, 0x9100, 6, 0x8100, 7, 0x0800), 7),
        ((0x8100, 505, 0x8100, 0, 0x0800), 0),
    ],
)
def test_vlan_id_is_the_innermost(types: tuple[int, ...], vlan_id: int) -> None:
    packet = decode(ethernet(ipv4(udp()), *types))
    assert (packet.vlan_id, five_tuple(packet)) == (vlan_id, PLAIN)


@pytest.mark.parametrize("protocol", [1, 2, 47, 50, 51, 59, 135, 136])
def test_ports_are_0_outside_tcp_udp_sctp(protocol: int) -> None:
    assert five_tuple(decode(ethernet(ipv4(udp(), protocol)))) == (
        "10.0.0.1", 0, "10.0.0.2", 0, protocol,
    )  # fmt: skip


@pytest.mark.parametrize("protocol", [6, 17, 132])
def test_ports_need_four_captured_bytes(protocol: int) -> None:
    frame = ethernet(ipv4(udp(), protocol))
    assert decode(frame[:38]).endpoints.src_port == 1000
    assert reason(frame[:37]).endswith("ports cut")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (ethernet(b"")[:13], "ethernet header cut"),
        (ethernet(b"", 0x0806), "ethertype 0x0806"),
        (ethernet(b"\x42\x42\x03", 38), "llc without snap"),
        (ethernet(ipv4(udp()))[:33], "ipv4 header cut"),
        (ethernet(ipv4(udp(), first_byte=0x55)), "ipv4 header has another version"),
        (ethernet(ipv4(udp(), first_byte=0x44)), "ipv4 header length below 20"),
        (ethernet(ipv4(udp(), total_length=19)), "ipv4 total length below header length"),
        (ethernet(ipv4(udp(), total_length=23)), "udp ports cut"),
        (ethernet(ipv4(ipv4(udp(), first_byte=0x55), 4)), "ipv4 header has another version"),
        (ethernet(ipv6(udp()), 0x86DD)[:53], "ipv6 header cut"),
        (ethernet(ipv6(b"\x11", 0), 0x86DD), "ipv6 extension header cut"),
        (ethernet(b"\0" * 20, 0x8847, 0, 0x0100), "mpls payload is not ip"),
    ],
)
def test_bad_packets_are_ignored_with_a_reason(data: bytes, why: str) -> None:
    assert reason(data) == why


def test_protected_and_other_wifi_frames_are_ignored() -> None:
    assert reason(wifi(0x08, 0x41), 105) == "802.11 protected frame"
    assert reason(wifi(0x80, 0x00), 105) == "802.11 frame without data"
    assert reason(wifi(0x48, 0x01), 105) == "802.11 frame without data"


def test_payload_excludes_ethernet_padding() -> None:
    packet = decode(ethernet(ipv4(udp(payload=b"ab"))) + bytes(16))
    assert (packet.length, packet.payload_length) == (60, 2)


def test_total_length_0_is_taken_from_the_wire() -> None:
    frame = ethernet(ipv4(udp(), total_length=0))
    assert decode(frame, wire_length=9014).payload_length == 9014 - 14 - 28
    outer = ethernet(ipv4(ipv4(udp(), total_length=0), 4)) + b"padding"
    assert decode(outer).payload_length == 8


def test_address_text_follows_rfc_5952() -> None:
    assert address_text(bytes(10) + b"\xff\xff\1\2\3\4") == "::ffff:1.2.3.4"
    assert address_text(bytes.fromhex("20010db8000000010001000100010001")) == "2001:db8:0:1:1:1:1:1"


# Captures


def pcap(
    packets: Sequence[tuple[int, bytes]], order: str = "<", nano: bool = False, link_type: int = 1
) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    for time_ns, data in packets:
        seconds, rest = divmod(time_ns, S)
        fraction = rest if nano else rest // 1000
        out += struct.pack(order + "IIII", seconds, fraction, len(data), len(data)) + data
    return out


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(
    order: str = "<", link_type: int = 1, snaplen: int = 0, options: bytes = b""
) -> bytes:
    return block(1, struct.pack(order + "HHI", link_type, 0, snaplen) + options, order)


def enhanced(ticks: int, data: bytes, index: int = 0, order: str = "<") -> bytes:
    high, low = divmod(ticks, 1 << 32)
    head = struct.pack(order + "IIIII", index, high, low, len(data), len(data))
    return block(6, head + data, order)


def run(
    path: Path, *captures: bytes, idle_timeout: float = 30, active_timeout: float = 300
) -> Result:
    paths = [path / f"{index}.pcap" for index in range(len(captures))]
    for file, data in zip(paths, captures, strict=True):
        file.write_bytes(data)
    return meter(paths, idle_timeout, active_timeout)


def times(result: Result) -> list[tuple[int, int]]:
    return [(row["first_seen"], row["last_seen"]) for row in result.rows]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("nano", [False, True])
def test_reads_pcap(tmp_path: Path, order: str, nano: bool) -> None:
    result = run(tmp_path, pcap([(1500 * MS, there()), (1501 * MS, back())], order, nano))
    assert times(result) == [(1500, 1501)]
    assert not result.truncated


@pytest.mark.parametrize("cut", [1, 16, 60])
def test_stops_where_a_pcap_is_cut(tmp_path: Path, cut: int) -> None:
    result = run(tmp_path, pcap([(0, there()), (0, there())])[:-cut])
    assert (result.packets, result.truncated) == (1, True)


@pytest.mark.parametrize("order", "<>")
def test_reads_pcapng_time_options(tmp_path: Path, order: str) -> None:
    milli = struct.pack(order + "HHB3x", 9, 1, 3)
    binary = struct.pack(order + "HHB3x", 9, 1, 0x80 | 10)
    offset = struct.pack(order + "HHq", 14, 8, 100)
    result = run(
        tmp_path,
        section(order)
        + interface(order)
        + interface(order, options=milli + offset)
        + interface(order, options=binary)
        + enhanced(5_000_000, there(src_port=1), 0, order)
        + enhanced(5_000, there(src_port=2), 1, order)
        + enhanced(5 * 1024 + 512, there(src_port=3), 2, order)
        + block(99, b"unknown", order),
    )
    assert times(result) == [(5000, 5000), (105_000, 105_000), (5500, 5500)]


def test_pcapng_sections_have_their_own_order_and_interfaces(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        section("<")
        + interface("<")
        + enhanced(1_000_000, there(), 0, "<")
        + section(">")
        + interface(">", link_type=101)
        + enhanced(2_000_000, ipv4(udp()), 0, ">")
        + enhanced(2_000_000, ipv4(udp()), 1, ">"),
    )
    assert result.rows[0]["total_packets"] == 2
    assert result.ignored == {"no interface": 1}


def test_simple_and_obsolete_packet_blocks(tmp_path: Path) -> None:
    frame = there()
    old = struct.pack("<HHIIII", 0, 0, 0, 3_000_000, len(frame), 1500) + frame
    simple = struct.pack("<I", 1500) + frame
    result = run(
        tmp_path,
        section()
        + interface(snaplen=len(frame))
        + block(3, simple)
        + block(2, old)
        + block(3, simple),
        pcap([]),
    )
    assert times(result) == [(0, 3000)]
    assert result.rows[0]["total_bytes"] == 4500


def test_stops_where_a_pcapng_is_cut_and_reads_the_next_file(tmp_path: Path) -> None:
    whole = section() + interface() + enhanced(0, there()) + enhanced(0, there())
    result = run(tmp_path, whole[:-1], pcap([(0, there())]))
    assert (result.packets, result.truncated) == (2, True)


def test_refuses_files_that_are_not_captures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither pcap nor pcapng"):
        run(tmp_path, b"hello")


# Flows


def test_direction_is_by_the_first_sender(tmp_path: Path) -> None:
    result = run(tmp_path, pcap([(0, back()), (S, there()), (2 * S, back())]))
    (row,) = result.rows
    assert (row["src_ip"], row["src_port"]) == ("10.0.0.2", 53)
    assert (row["src2dst_packets"], row["dst2src_packets"]) == (2, 1)


@pytest.mark.parametrize(("gap_ns", "flows"), [(30 * S - 1, 1), (30 * S, 2)])
def test_idle_timeout_is_exact(tmp_path: Path, gap_ns: int, flows: int) -> None:
    result = run(tmp_path, pcap([(0, there()), (gap_ns, back())], nano=True))
    assert [row["id"] for row in result.rows] == list(range(flows))
    assert [row["expiration_id"] for row in result.rows] == [0] * flows


@pytest.mark.parametrize(("last_ns", "flows"), [(300 * S - 1, 1), (300 * S, 2)])
def test_active_timeout_is_exact_and_slices_keep_id_and_direction(
    tmp_path: Path, last_ns: int, flows: int
) -> None:
    packets = [(second * S, there()) for second in range(0, 300, 20)]
    other = (299 * S, there(src_port=7))
    result = run(tmp_path, pcap([*packets, other, (last_ns, back())], nano=True))
    slices = [row for row in result.rows if row["id"] == 0]
    assert [row["expiration_id"] for row in slices] == [1, 0][-flows:]
    assert [row["src_port"] for row in slices] == [1000] * flows
    assert slices[-1]["dst2src_packets"] == 1
    assert [row["id"] for row in result.rows] == [0] * flows + [1]


def test_idle_wins_over_active(tmp_path: Path) -> None:
    result = run(tmp_path, pcap([(0, there()), (400 * S, back())]))
    assert [(row["id"], row["expiration_id"]) for row in result.rows] == [(0, 0), (1, 0)]
    assert result.rows[1]["src_port"] == 53


def test_timeouts_of_0_put_each_packet_in_its_own_flow(tmp_path: Path) -> None:
    capture = pcap([(0, there()), (0, back()), (0, there())])
    both = run(tmp_path, capture, idle_timeout=0, active_timeout=0)
    assert [row["id"] for row in both.rows] == [0, 1, 2]
    slices = run(tmp_path, capture, active_timeout=0)
    assert [row["id"] for row in slices.rows] == [0, 0, 0]
    assert [row["dst2src_packets"] for row in slices.rows] == [0, 1, 0]


def test_late_packet_takes_the_last_time_of_its_flow(tmp_path: Path) -> None:
    packets = [(5 * S, there()), (3 * S, back()), (1 * S, there(src_port=7)), (6 * S, there())]
    result = run(tmp_path, pcap(packets))
    assert times(result) == [(5000, 6000), (1000, 1000)]
    assert result.late == 1


def test_duration_is_between_whole_milliseconds(tmp_path: Path) -> None:
    (row,) = run(tmp_path, pcap([(999_999, there()), (1_000_000, there())], nano=True)).rows
    assert (row["first_seen"], row["last_seen"], row["duration"]) == (0, 1, 1)


def fragments(first_id: int = 7, later_id: int = 7, gap_s: int = 0) -> list[tuple[int, bytes]]:
    first = ethernet(ipv4(udp(), fragment=0x2000, packet_id=first_id))
    later = ethernet(ipv4(b"\0\1\0\2more", fragment=2, packet_id=later_id))
    return [(0, first), (gap_s * S, later)]


@pytest.mark.parametrize(
    ("packets", "ports"),
    [
        (fragments(), [1000]),
        (fragments(later_id=8), [1000, 0]),
        (fragments(gap_s=29), [1000]),
        (fragments(gap_s=30), [1000, 0]),
        ([(0, fragments()[1][1]), (0, fragments()[0][1])], [0, 1000]),
    ],
)
def test_fragments_join_their_first(
    tmp_path: Path, packets: list[tuple[int, bytes]], ports: list[int]
) -> None:
    result = run(tmp_path, pcap(packets), idle_timeout=100)
    assert [row["src_port"] for row in result.rows] == ports


def test_fragments_of_a_tunnel_join_the_flow_inside(tmp_path: Path) -> None:
    first = ethernet(ipv4(ipv4(udp()), 4, C, C, fragment=0x2000))
    later = ethernet(ipv4(b"more", 4, C, C, fragment=6))
    (row,) = run(tmp_path, pcap([(0, first), (0, later)])).rows
    assert (row["src_ip"], row["src_port"], row["total_packets"]) == ("10.0.0.1", 1000, 2)


def test_ipv6_fragments_join_their_first(tmp_path: Path) -> None:
    first = ethernet(ipv6(b"\x11\0\0\1\0\0\0\x09" + udp(), 44), 0x86DD)
    later = ethernet(ipv6(b"\x11\0\0\x10\0\0\0\x09more", 44), 0x86DD)
    (row,) = run(tmp_path, pcap([(0, first), (0, later)])).rows
    assert (row["version"], row["src_port"], row["total_packets"]) == (6, 1000, 2)


def test_every_packet_is_accounted_for(tmp_path: Path) -> None:
    arp = ethernet(bytes(28), 0x0806)
    result = run(tmp_path, pcap([(0, there()), (0, arp), (0, arp)]))
    assert (result.packets, result.ignored) == (3, {"ethertype 0x0806": 2})
