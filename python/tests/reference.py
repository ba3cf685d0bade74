"""Reference implementation of the flow rules, slow and simple, for comparison with the engine.

It shares no code with the engine: if the two disagree, one of them is wrong. It reads a whole
capture, decodes each packet separately, and ends a flow when a later packet of its key shows that
it has ended, or at the end of input. It has no scans, threads or nDPI.

Details that the rules leave open:

- A simple packet block has no time. It gets that of the previous packet, even of another file, or
  else 0.
- A packet of a pcapng interface that was never described, or of an unknown link type, is read and
  ignored.
- A capture with a damaged structure ends there, like a truncated one. Later files are still read.
- Ports are readable if the capture has their four bytes and the IP length covers them. The rest of
  a TCP, UDP or SCTP header may be truncated, or have a bad TCP data offset or UDP length.
- EtherType, PPP protocol, address family and outer IP header determine the IP version that follows,
  and a header of the other version is bad. After raw IP and MPLS, the header itself determines it.
- A bad inner header of a tunnel makes the packet bad.
- An IPv6 payload length of 0 (jumbogram, segmentation offload) also means the wire length.
- Authentication headers are skipped in IPv6 only. In IPv4 they are protocol 51.
- A first fragment is remembered for less than 30 s after its own time, even if others join it.
  Fragments of an IPv6 packet have the same next header in their fragment headers.
- A late packet gets the time of its flow before the timeouts are checked. This matters only with a
  timeout of 0, when it starts the next flow at that time.
- Only IP-in-IP tunnels are decoded, so the tunnel id is always 0.
- PPP link types may start with ff 03 or not; 0f or 8f makes them Cisco HDLC.
- Radiotap padding, aggregated (A-MSDU) and fragmented 802.11 frames are not decoded.
"""

from __future__ import annotations

import argparse
import csv
import ipaddress
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

COLUMNS = (
    "id",
    "first_seen",
    "last_seen",
    "version",
    "src_port",
    "dst_port",
    "protocol",
    "vlan_id",
    "src_ip",
    "dst_ip",
    "total_packets",
    "total_bytes",
    "duration",
    "src2dst_packets",
    "src2dst_bytes",
    "dst2src_packets",
    "dst2src_bytes",
    "expiration_id",
)


# Captures

ByteOrder = Literal["big", "little"]


@dataclass(frozen=True)
class Record:
    """A packet in a capture."""

    time_ns: int
    link_type: int | None  # None: no description of the interface
    wire_length: int
    data: bytes


class Cut(Exception):
    """The capture ends, or is damaged, before this packet."""


def read_capture(path: Path, last_time_ns: int = 0) -> Iterator[Record]:
    """Yields the packets of a pcap or pcapng file.

    Args:
        path: The file.
        last_time_ns: The time of the packet before this file, for packets without one.

    Returns:
        An iterator over the packets in the order of the file.

    Raises:
        ValueError: The file is not a capture.
        Cut: The file ends within a packet or its structure is damaged.
    """
    data = path.read_bytes()
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return read_pcapng(data, last_time_ns)
    if data[:4] in PCAP_MAGICS and len(data) >= 24:
        return read_pcap(data)
    raise ValueError(f"{path} is neither pcap nor pcapng")


PCAP_MAGICS: dict[bytes, tuple[ByteOrder, int]] = {
    # First four bytes: byte order, nanoseconds per unit of the time's second field.
    b"\xa1\xb2\xc3\xd4": ("big", 1_000),
    b"\xd4\xc3\xb2\xa1": ("little", 1_000),
    b"\xa1\xb2\x3c\x4d": ("big", 1),
    b"\x4d\x3c\xb2\xa1": ("little", 1),
}


def read_pcap(data: bytes) -> Iterator[Record]:
    """Yields the packets of a pcap file."""
    order, unit_ns = PCAP_MAGICS[data[:4]]
    # The upper half is the length of the frame check sequence, which is not needed.
    link_type = number(data, 20, 4, order) & 0xFFFF
    at = 24
    while at < len(data):
        if at + 16 > len(data):
            raise Cut
        time_ns = number(data, at, 4, order) * NS_PER_S + number(data, at + 4, 4, order) * unit_ns
        captured = number(data, at + 8, 4, order)
        wire_length = number(data, at + 12, 4, order)
        at += 16
        if at + captured > len(data):
            raise Cut
        yield Record(time_ns, link_type, wire_length, data[at : at + captured])
        at += captured


@dataclass
class Interface:
    """An interface description block. Ticks are `ticks / units_per_s` seconds."""

    link_type: int
    snaplen: int
    units_per_s: int = 1_000_000
    offset_s: int = 0


BYTE_ORDER_MARKS: dict[bytes, ByteOrder] = {
    b"\x1a\x2b\x3c\x4d": "big",
    b"\x4d\x3c\x2b\x1a": "little",
}
SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6


def read_pcapng(data: bytes, last_time_ns: int) -> Iterator[Record]:
    """Yields the packets of a pcapng file, all sections one after the other."""
    order: ByteOrder = "little"
    interfaces: list[Interface] = []
    at = 0
    while at < len(data):
        if at + 12 > len(data):
            raise Cut
        if number(data, at, 4, order) == SECTION_HEADER:  # reads the same in both byte orders
            if data[at + 8 : at + 12] not in BYTE_ORDER_MARKS:
                raise Cut
            order = BYTE_ORDER_MARKS[data[at + 8 : at + 12]]
            interfaces = []
        kind = number(data, at, 4, order)
        size = number(data, at + 4, 4, order)
        if size < 12 or size % 4 or at + size > len(data):
            raise Cut
        if number(data, at + size - 4, 4, order) != size:
            raise Cut
        body = data[at + 8 : at + size - 4]
        at += size

        if kind == INTERFACE_DESCRIPTION:
            interfaces.append(read_interface(body, order))
        elif kind in (ENHANCED_PACKET, OBSOLETE_PACKET):
            if len(body) < 20:
                raise Cut
            index = number(body, 0, 4 if kind == ENHANCED_PACKET else 2, order)
            ticks = number(body, 4, 4, order) << 32 | number(body, 8, 4, order)
            captured = number(body, 12, 4, order)
            wire_length = number(body, 16, 4, order)
            if 20 + captured > len(body):
                raise Cut
            packet = body[20 : 20 + captured]
            if index >= len(interfaces):
                yield Record(last_time_ns, None, wire_length, packet)
                continue
            interface = interfaces[index]
            last_time_ns = interface.offset_s * NS_PER_S + ticks * NS_PER_S // interface.units_per_s
            yield Record(last_time_ns, interface.link_type, wire_length, packet)
        elif kind == SIMPLE_PACKET:
            if len(body) < 4:
                raise Cut
            wire_length = number(body, 0, 4, order)
            if not interfaces:
                yield Record(last_time_ns, None, wire_length, body[4:])
                continue
            captured = min(wire_length, interfaces[0].snaplen or wire_length)
            if 4 + captured > len(body):
                raise Cut
            yield Record(last_time_ns, interfaces[0].link_type, wire_length, body[4 : 4 + captured])


def read_interface(body: bytes, order: ByteOrder) -> Interface:
    """Reads an interface description block with its if_tsresol and if_tsoffset options."""
    if len(body) < 8:
        raise Cut
    interface = Interface(number(body, 0, 2, order), number(body, 4, 4, order))
    at = 8
    while at + 4 <= len(body):
        code, size = number(body, at, 2, order), number(body, at + 2, 2, order)
        value = body[at + 4 : at + 4 + size]
        at += 4 + (size + 3) // 4 * 4
        if code == 0:
            break
        if code == 9 and len(value) == 1:
            exponent = value[0] & 0x7F
            interface.units_per_s = 2**exponent if value[0] & 0x80 else 10**exponent
        if code == 14 and len(value) == 8:
            interface.offset_s = int.from_bytes(value, order, signed=True)
    return interface


def number(data: bytes, at: int, size: int, order: ByteOrder = "big") -> int:
    """Returns the unsigned number in `size` bytes, which must exist."""
    assert at + size <= len(data)
    return int.from_bytes(data[at : at + size], order)


# Packets


class Ignored(Exception):
    """The packet belongs to no flow. The message is the reason."""


@dataclass(frozen=True)
class Endpoints:
    """Source and destination of a packet. Addresses are 4 or 16 bytes."""

    src: bytes
    src_port: int
    dst: bytes
    dst_port: int
    protocol: int


@dataclass(frozen=True)
class Packet:
    """A decoded packet.

    `length` is the wire length. `payload_length` counts the bytes after the transport header, or
    after the IP headers if there are no ports, by the IP length. `transport` holds the captured
    bytes from the transport header on, none in later fragments; `header_length` is its length.
    """

    time_ns: int
    length: int
    endpoints: Endpoints
    vlans: tuple[int, ...]
    payload_length: int
    transport: bytes = b""
    header_length: int = 0

    @property
    def vlan_id(self) -> int:
        """The innermost VLAN."""
        return self.vlans[-1] if self.vlans else 0


FRAGMENT_LIFE_NS = 30 * NS_PER_S


class FragmentKey(NamedTuple):
    """Fields that all fragments of an IP packet share."""

    src: bytes
    dst: bytes
    protocol: int
    id: int
    vlans: tuple[int, ...]


@dataclass
class Decoder:
    """Decodes packets in the order of the capture, and remembers first fragments."""

    fragments: dict[FragmentKey, tuple[int, Endpoints]] = field(default_factory=dict)

    def decode(self, record: Record) -> Packet:
        """Decodes one packet down to the ports of its innermost IP header.

        Args:
            record: The packet as captured.

        Returns:
            The packet as its flow counts it.

        Raises:
            Ignored: The packet belongs to no flow.
        """
        data = record.data
        version, at, vlans = find_ip(data, record.link_type)
        # End of the packet, by the lengths of the headers read so far.
        end = record.wire_length
        firsts: list[FragmentKey] = []
        transport, header_length = b"", 0
        while True:
            header = (parse_ipv4 if version == 4 else parse_ipv6)(data, at, end)
            at, end = header.payload_at, header.end
            fragment = header.fragment
            if fragment:
                key = FragmentKey(
                    header.src, header.dst, fragment.protocol, fragment.id, separating(vlans)
                )
                if not fragment.is_first:
                    endpoints = self.joined(key, record.time_ns) or Endpoints(
                        header.src, 0, header.dst, 0, fragment.protocol
                    )
                    payload_length = end - at
                    break
                firsts.append(key)
            if header.protocol in IP_IN_IP:
                version = IP_IN_IP[header.protocol]
                continue
            src_port, dst_port, payload_at = parse_ports(data, at, end, header.protocol)
            endpoints = Endpoints(header.src, src_port, header.dst, dst_port, header.protocol)
            payload_length = end - payload_at
            transport, header_length = data[at:], payload_at - at
            break
        for key in firsts:
            self.fragments[key] = (record.time_ns, endpoints)
        return Packet(
            record.time_ns,
            record.wire_length,
            endpoints,
            vlans,
            max(payload_length, 0),
            transport,
            header_length,
        )

    def joined(self, key: FragmentKey, time_ns: int) -> Endpoints | None:
        """Returns the endpoints of the first fragment, unless it is unknown or too old."""
        if key not in self.fragments:
            return None
        first_time_ns, endpoints = self.fragments[key]
        return endpoints if time_ns - first_time_ns < FRAGMENT_LIFE_NS else None


# From the link layer to the IP header


def need(data: bytes, at: int, size: int, layer: str, end: int | None = None) -> None:
    """Checks that bytes were captured and, if `end` is given, that they lie before it."""
    available = len(data) if end is None else min(len(data), end)
    if at + size > available:
        raise Ignored(f"{layer} cut")


def find_ip(data: bytes, link_type: int | None) -> tuple[int, int, tuple[int, ...]]:
    """Finds the outermost IP header.

    Args:
        data: The frame.
        link_type: Its LINKTYPE_ (or old DLT_) number.

    Returns:
        IP version, offset of the IP header, VLAN ids from the outside in.

    Raises:
        Ignored: There is no IP header.
    """
    if link_type == 1:  # Ethernet
        need(data, 0, 14, "ethernet header")
        return by_ethertype(data, 14, number(data, 12, 2))
    if link_type == 0:  # BSD loopback, in the byte order of the machine that captured
        need(data, 0, 4, "loopback header")
        family = number(data, 0, 4, "little")
        return by_family(family if family <= 0xFFFF else number(data, 0, 4))
    if link_type == 108:  # OpenBSD loopback
        need(data, 0, 4, "loopback header")
        return by_family(number(data, 0, 4))
    if link_type in (9, 50):  # PPP, or another protocol on a serial line
        if data[:1] in (b"\x0f", b"\x8f"):
            return find_ip(data, 104)
        return by_ppp(data, 0)
    if link_type == 104:  # Cisco HDLC
        need(data, 0, 4, "cisco hdlc header")
        return by_ethertype(data, 4, number(data, 2, 2))
    if link_type in (12, 14, 101):  # raw IP
        return by_nibble(data, 0, (), "raw ip")
    if link_type == 228:
        return 4, 0, ()
    if link_type == 229:
        return 6, 0, ()
    if link_type == 113:  # Linux cooked
        need(data, 0, 16, "linux cooked header")
        return by_ethertype(data, 16, number(data, 14, 2))
    if link_type == 276:  # Linux cooked, second version
        need(data, 0, 20, "linux cooked header")
        return by_ethertype(data, 20, number(data, 0, 2))
    if link_type == 127:  # radiotap, little endian
        need(data, 0, 8, "radiotap header")
        return by_wifi(data, number(data, 2, 2, "little"))
    if link_type == 105:
        return by_wifi(data, 0)
    raise Ignored("no interface" if link_type is None else f"link type {link_type}")


def by_ethertype(data: bytes, at: int, ethertype: int) -> tuple[int, int, tuple[int, ...]]:
    """Skips EtherTypes, VLAN tags and LLC/SNAP headers. `at` is the byte after the type."""
    vlans: tuple[int, ...] = ()
    while True:
        if ethertype in (0x8100, 0x88A8, 0x9100):
            need(data, at, 4, "vlan tag")
            vlans += (number(data, at, 2) & 0xFFF,)
            ethertype = number(data, at + 2, 2)
            at += 4
        elif ethertype <= 1500:  # a length (IEEE 802.3)
            need(data, at, 3, "llc header")
            if data[at : at + 3] != b"\xaa\xaa\x03":
                raise Ignored("llc without snap")
            need(data, at, 8, "snap header")
            if data[at + 3 : at + 6] not in (b"\0\0\0", b"\0\0\xf8"):
                raise Ignored("snap of another organisation")
            ethertype = number(data, at + 6, 2)
            at += 8
            if ethertype <= 1500:
                raise Ignored(f"ethertype 0x{ethertype:04x}")
        elif ethertype == 0x0800:
            return 4, at, vlans
        elif ethertype == 0x86DD:
            return 6, at, vlans
        elif ethertype in (0x8847, 0x8848):
            return by_label(data, at, vlans)
        elif ethertype == 0x8903:  # FabricPath: a tag, then the frame inside
            need(data, at, 16, "fabricpath header")
            ethertype = number(data, at + 14, 2)
            at += 16
        elif ethertype == 0x8864:
            need(data, at, 6, "pppoe header")
            version, at, _ = by_ppp(data, at + 6)
            return version, at, vlans
        else:
            raise Ignored(f"ethertype 0x{ethertype:04x}")


def by_label(data: bytes, at: int, vlans: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
    """Skips MPLS labels down to the bottom of their stack (RFC 3032)."""
    while True:
        need(data, at, 4, "mpls label")
        at += 4
        if data[at - 2] & 1:
            return by_nibble(data, at, vlans, "mpls")


def by_nibble(
    data: bytes, at: int, vlans: tuple[int, ...], layer: str
) -> tuple[int, int, tuple[int, ...]]:
    """Reads the IP version from the header itself."""
    need(data, at, 1, "ip header")
    version = data[at] >> 4
    if version not in (4, 6):
        raise Ignored(f"{layer} payload is not ip")
    return version, at, vlans


def by_family(family: int) -> tuple[int, int, tuple[int, ...]]:
    """Reads the IP version from an address family; IPv6 has different numbers in each system."""
    if family == 2:
        return 4, 4, ()
    if family in (10, 23, 24, 28, 30):
        return 6, 4, ()
    raise Ignored(f"address family {family}")


def by_ppp(data: bytes, at: int) -> tuple[int, int, tuple[int, ...]]:
    """Reads a PPP header; address and control fields and the protocol's upper byte are optional."""
    if data[at : at + 2] == b"\xff\x03":
        at += 2
    need(data, at, 1, "ppp header")
    size = 1 if data[at] & 1 else 2
    need(data, at, size, "ppp header")
    protocol = number(data, at, size)
    if protocol == 0x0021:
        return 4, at + size, ()
    if protocol == 0x0057:
        return 6, at + size, ()
    if protocol in (0x0281, 0x0283):  # RFC 3032
        return by_label(data, at + size, ())
    raise Ignored(f"ppp protocol 0x{protocol:04x}")


def by_wifi(data: bytes, at: int) -> tuple[int, int, tuple[int, ...]]:
    """Reads an IEEE 802.11 data frame up to its LLC header."""
    need(data, at, 24, "802.11 header")
    kind, subtype, flags = data[at] >> 2 & 3, data[at] >> 4, data[at + 1]
    if data[at] & 3 or kind != 2 or subtype & 4:
        raise Ignored("802.11 frame without data")
    if flags & 0x40:
        raise Ignored("802.11 protected frame")
    if data[at + 22] & 0x0F:
        raise Ignored("802.11 fragment")
    at += 24
    if flags & 3 == 3:  # fourth address
        at += 6
    if subtype & 8:  # quality of service
        need(data, at, 2, "802.11 header")
        if data[at] & 0x80:
            raise Ignored("802.11 aggregated frame")
        at += 2
        if flags & 0x80:  # HT control
            at += 4
    return by_ethertype(data, at, 0)


# Network and transport layer


@dataclass(frozen=True)
class Fragment:
    """Fragment fields of an IP header. The first one has offset 0 and more to follow."""

    protocol: int
    id: int
    is_first: bool


@dataclass(frozen=True)
class IpHeader:
    """An IP header. `end` is the end of the packet by the IP length, from the frame's start."""

    src: bytes
    dst: bytes
    protocol: int
    payload_at: int
    end: int
    fragment: Fragment | None


IP_IN_IP = {4: 4, 41: 6}
TCP, UDP, SCTP = 6, 17, 132


def parse_ipv4(data: bytes, at: int, end: int) -> IpHeader:
    """Parses an IPv4 header (RFC 791) in a carrier that ends at `end`."""
    need(data, at, 1, "ipv4 header", end)
    if data[at] >> 4 != 4:
        raise Ignored("ipv4 header has another version")
    need(data, at, 20, "ipv4 header", end)
    header_length = (data[at] & 0x0F) * 4
    if header_length < 20:
        raise Ignored("ipv4 header length below 20")
    total_length = number(data, at + 2, 2)
    if total_length == 0:
        total_length = end - at
    if total_length < header_length:
        raise Ignored("ipv4 total length below header length")
    bits = number(data, at + 6, 2)
    offset, more = bits & 0x1FFF, bits & 0x2000
    protocol = data[at + 9]
    fragment = Fragment(protocol, number(data, at + 4, 2), not offset) if offset or more else None
    return IpHeader(
        src=data[at + 12 : at + 16],
        dst=data[at + 16 : at + 20],
        protocol=protocol,
        payload_at=at + header_length,
        end=at + total_length,
        fragment=fragment,
    )


def parse_ipv6(data: bytes, at: int, end: int) -> IpHeader:
    """Parses an IPv6 header with its extension headers (RFC 8200) in a carrier up to `end`."""
    need(data, at, 1, "ipv6 header", end)
    if data[at] >> 4 != 6:
        raise Ignored("ipv6 header has another version")
    need(data, at, 40, "ipv6 header", end)
    payload_length = number(data, at + 4, 2)
    if payload_length:
        end = at + 40 + payload_length
    src, dst = data[at + 8 : at + 24], data[at + 24 : at + 40]
    protocol = data[at + 6]
    fragment = None
    at += 40
    while protocol in (0, 43, 44, 51, 60, 135, 139, 140):
        if protocol == 44:
            need(data, at, 8, "ipv6 extension header", end)
            bits = number(data, at + 2, 2)
            if bits >> 3:
                protocol = data[at]
                fragment = Fragment(protocol, number(data, at + 4, 4), is_first=False)
                at += 8
                break
            if bits & 1:
                fragment = Fragment(data[at], number(data, at + 4, 4), is_first=True)
            size = 8
        else:
            need(data, at, 2, "ipv6 extension header", end)
            size = (data[at + 1] + 2) * 4 if protocol == 51 else (data[at + 1] + 1) * 8
        protocol = data[at]
        at += size
    return IpHeader(src, dst, protocol, at, end, fragment)


def parse_ports(data: bytes, at: int, end: int, protocol: int) -> tuple[int, int, int]:
    """Returns source port, destination port and the start of the payload."""
    names = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}
    if protocol not in names:
        return 0, 0, at
    need(data, at, 4, f"{names[protocol]} ports", end)
    header_length = {TCP: 20, UDP: 8, SCTP: 12}[protocol]
    if protocol == TCP and at + 12 < min(end, len(data)):
        header_length = max(header_length, (data[at + 12] >> 4) * 4)
    return number(data, at, 2), number(data, at + 2, 2), at + header_length


# Flows


@dataclass
class Flow:
    """The packets of one key between two expirations. Counts are [src2dst, dst2src]."""

    id: int
    endpoints: Endpoints
    vlan_id: int
    first_ns: int
    last_ns: int
    packets: list[int] = field(default_factory=lambda: [0, 0])
    bytes: list[int] = field(default_factory=lambda: [0, 0])
    expiration_id: int = 0
    # Direction, time and packet, in order.
    history: list[tuple[int, int, Packet]] = field(default_factory=list)

    def add(self, packet: Packet, time_ns: int) -> None:
        """Counts a packet, by its direction."""
        ours, its = self.endpoints, packet.endpoints
        is_src2dst = (its.src, its.src_port) == (ours.src, ours.src_port)
        direction = 0 if is_src2dst else 1
        self.last_ns = time_ns
        self.packets[direction] += 1
        self.bytes[direction] += packet.length
        self.history.append((direction, time_ns, packet))

    def row(self) -> dict[str, Any]:
        """Returns the base columns, in their order."""
        first_seen = self.first_ns // NS_PER_MS
        last_seen = self.last_ns // NS_PER_MS
        values = (
            self.id,
            first_seen,
            last_seen,
            4 if len(self.endpoints.src) == 4 else 6,
            self.endpoints.src_port,
            self.endpoints.dst_port,
            self.endpoints.protocol,
            self.vlan_id,
            address_text(self.endpoints.src),
            address_text(self.endpoints.dst),
            sum(self.packets),
            sum(self.bytes),
            last_seen - first_seen,
            self.packets[0],
            self.bytes[0],
            self.packets[1],
            self.bytes[1],
            self.expiration_id,
        )
        return dict(zip(COLUMNS, values, strict=True))


def address_text(address: bytes) -> str:
    """Returns an address as text. IPv4-mapped IPv6 has its IPv4 part with dots (RFC 5952 §5)."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        return f"::ffff:{parsed.ipv4_mapped}"
    return str(parsed)


def separating(vlans: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the VLANs that separate networks: 0 is a tag that only carries a priority."""
    return tuple(vlan for vlan in vlans if vlan)


def flow_key(packet: Packet) -> tuple[Any, ...]:
    """Returns the key, which is the same for both directions. The tunnel id is always 0."""
    ends = packet.endpoints
    pair = sorted([(ends.src, ends.src_port), (ends.dst, ends.dst_port)])
    return (*pair, ends.protocol, separating(packet.vlans))


@dataclass
class Result:
    """Result of a run. `packets` counts all packets read, `late` those with a raised time."""

    rows: list[dict[str, Any]]
    packets: int
    ignored: Counter[str]
    late: int
    truncated: bool
    flows: list[Flow] = field(default_factory=list)


def meter(
    paths: Sequence[str | Path] | str | Path,
    idle_timeout: float = 30,
    active_timeout: float = 300,
) -> Result:
    """Turns captures into flows.

    Args:
        paths: Files read as one capture, in this order.
        idle_timeout: Seconds of silence after which a key's next packet starts a new flow.
        active_timeout: Seconds after a flow's first packet at which its next slice starts.

    Returns:
        The rows by id and first time, and the counts of packets read, ignored and late.

    Raises:
        ValueError: A file is not a capture.

    >>> meter([]).rows
    []
    """
    if isinstance(paths, (str, Path)):
        paths = [paths]
    idle_ns, active_ns = int(idle_timeout * NS_PER_S), int(active_timeout * NS_PER_S)
    decoder = Decoder()
    flows: list[Flow] = []  # all flows, in order of their first packets
    latest: dict[tuple[Any, ...], Flow] = {}  # the last flow of each key
    result = Result(rows=[], packets=0, ignored=Counter(), late=0, truncated=False)
    next_id = 0

    for record in read_all(paths, result):
        result.packets += 1
        try:
            packet = decoder.decode(record)
        except Ignored as reason:
            result.ignored[str(reason)] += 1
            continue

        key = flow_key(packet)
        time_ns = packet.time_ns
        flow = latest.get(key)
        if flow and time_ns < flow.last_ns:
            time_ns = flow.last_ns
            result.late += 1

        if flow is None or time_ns - flow.last_ns >= idle_ns:
            flow = Flow(next_id, packet.endpoints, packet.vlan_id, time_ns, time_ns)
            next_id += 1
            flows.append(flow)
        elif time_ns - flow.first_ns >= active_ns:
            flow.expiration_id = 1
            flow = Flow(flow.id, flow.endpoints, flow.vlan_id, time_ns, time_ns)
            flows.append(flow)
        latest[key] = flow
        flow.add(packet, time_ns)

    # Slices are in order of time, and sorting is stable.
    result.flows = sorted(flows, key=lambda flow: (flow.id, flow.first_ns))
    result.rows = [flow.row() for flow in result.flows]
    counted = sum(row["total_packets"] for row in result.rows)
    assert counted + sum(result.ignored.values()) == result.packets
    return result


def read_all(paths: Sequence[str | Path], result: Result) -> Iterator[Record]:
    """Yields the packets of all files, and records in the result whether one is truncated."""
    last_time_ns = 0
    for path in paths:
        try:
            for record in read_capture(Path(path), last_time_ns):
                last_time_ns = record.time_ns
                yield record
        except Cut:
            result.truncated = True


def main() -> None:
    """Writes the flows of captures to stdout as CSV, and counts of other packets to stderr."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--idle-timeout", type=float, default=30, help="seconds (default: 30)")
    parser.add_argument("--active-timeout", type=float, default=300, help="seconds (default: 300)")
    arguments = parser.parse_args()
    result = meter(arguments.files, arguments.idle_timeout, arguments.active_timeout)
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(result.rows)
    print(f"{result.packets} packets read, {result.late} late", file=sys.stderr)
    for reason, count in sorted(result.ignored.items()):
        print(f"{count} ignored: {reason}", file=sys.stderr)
    if result.truncated:
        print("capture is truncated", file=sys.stderr)


if __name__ == "__main__":
    main()
