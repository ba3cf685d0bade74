"""Makes captures for the benchmarks from the sample captures of this repository.

The captures are reproducible byte for byte.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Packet = tuple[int, bytes, bytes]
"""Microseconds since the start, the first bytes of the frame, and the remaining bytes."""

EPOCH_S = 1_700_000_000
SECOND = 1_000_000
SAMPLES = ("dns", "nanoseconds", "quic", "redis", "ssh", "vlan", "web", "web6")
BULK = random.Random(1).randbytes(1448)
VOICE = random.Random(2).randbytes(172)

ETHERNET = bytes.fromhex("020000000002 020000000001 0800")
TCP, UDP = 6, 17
FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10


def mix(path: Path, captures: Path, packets: int) -> None:
    """Write a mix of many small and few large conversations.

    About half of the packets are replicas of the sample captures with new addresses. The others
    are downloads of Pareto-distributed sizes, up to 20 000 segments, and voice calls of 600
    datagrams.
    """
    chance = random.Random(7)
    span = packets * 400  # microseconds: 2500 packets a second
    out: list[Packet] = []
    samples = [list(_read(captures / f"{name}.pcap")) for name in SAMPLES]
    replica = 0
    while len(out) < packets // 2:
        for sample in samples:
            out.extend(_replica(sample, replica, chance.randrange(span)))
            replica += 1
    number = 0
    while len(out) < packets * 9 // 10:
        segments = min(int(20 * chance.paretovariate(1.1)), 20_000, packets // 20)
        out.extend(_download(number, chance.randrange(span), segments))
        number += 1
    while len(out) < packets:
        out.extend(_call(number, chance.randrange(span)))
        number += 1
    out.sort(key=lambda packet: packet[0])
    _write(path, out[:packets])


def concurrent(path: Path, flows: int, *, settled: bool) -> None:
    """Write conversations that are all active when the capture ends.

    Each is one SYN, so that nDPI waits for more packets; or, if `settled`, an HTTP exchange of 12
    packets, after which nDPI has finished.
    """
    step = 10 * SECOND / flows

    def packets() -> Iterator[Packet]:
        for number in range(flows):
            conversation = _download(number, int(number * step), 7)
            yield from conversation[: 12 if settled else 1]

    # Gaps within a conversation are shorter than those between conversations.
    _write(path, ((int(index * 10), head, tail) for index, (_, head, tail) in enumerate(packets())))


def _write(path: Path, packets: Iterable[Packet]) -> None:
    part = path.with_suffix(".part")
    with part.open("wb", buffering=1 << 22) as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for time, head, tail in packets:
            length = len(head) + len(tail)
            seconds, microseconds = divmod(time, SECOND)
            file.write(struct.pack("<4I", EPOCH_S + seconds, microseconds, length, length))
            file.write(head)
            file.write(tail)
        file.flush()
        # The page cache cannot drop pages that are not on the disk yet.
        os.fsync(file.fileno())
    part.rename(path)


def _read(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield times, in microseconds since the first, and frames of a little-endian pcap file."""
    data = path.read_bytes()
    nanoseconds = data[:4] == bytes.fromhex("4d3cb2a1")
    if data[:4] != bytes.fromhex("d4c3b2a1") and not nanoseconds:
        raise ValueError(f"{path} is not a little-endian pcap file")
    at, first = 24, None
    while at + 16 <= len(data):
        seconds, fraction, captured, _ = struct.unpack_from("<4I", data, at)
        time = seconds * SECOND + (fraction // 1000 if nanoseconds else fraction)
        first = time if first is None else first
        yield time - first, data[at + 16 : at + 16 + captured]
        at += 16 + captured


def _replica(sample: list[tuple[int, bytes]], number: int, start: int) -> Iterator[Packet]:
    """Yield a sample's packets with new addresses; transport checksums stay unchanged."""
    known: dict[bytes, bytes] = {}

    def renamed(address: bytes) -> bytes:
        if address not in known:
            host = len(known) + 1
            prefix = b"\x0a" if len(address) == 4 else bytes.fromhex("20010db8") + bytes(9)
            known[address] = prefix + number.to_bytes(2, "big") + host.to_bytes(1, "big")
        return known[address]

    for time, frame in sample:
        yield start + time, _readdressed(frame, renamed), b""


def _readdressed(frame: bytes, renamed: Callable[[bytes], bytes]) -> bytes:
    at = 12
    while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    kind, at = frame[at : at + 2], at + 2
    if kind == b"\x86\xdd":
        ends = renamed(frame[at + 8 : at + 24]) + renamed(frame[at + 24 : at + 40])
        return frame[: at + 8] + ends + frame[at + 40 :]
    if kind != b"\x08\x00":
        return frame
    header = bytearray(frame[at : at + 4 * (frame[at] & 0x0F)])
    header[12:16] = renamed(bytes(header[12:16]))
    header[16:20] = renamed(bytes(header[16:20]))
    return frame[:at] + _checked(header) + frame[at + len(header) :]


def _checked(header: bytearray) -> bytes:
    """Return an IPv4 header with the correct checksum (RFC 1071)."""
    header[10:12] = b"\0\0"
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    total = (total & 0xFFFF) + (total >> 16)
    header[10:12] = (~((total & 0xFFFF) + (total >> 16)) & 0xFFFF).to_bytes(2, "big")
    return bytes(header)


def _ends(number: int) -> tuple[bytes, bytes, int]:
    """Return the addresses of a client and a server, and the client's port."""
    client = bytes([172, 16 + (number >> 16 & 15), number >> 8 & 255, number & 255])
    server = bytes([198, 18, number >> 5 & 255, number & 31])
    return client, server, 32_768 + number * 7 % 28_000


def _ip(src: bytes, dst: bytes, protocol: int, length: int) -> bytes:
    header = struct.pack(">BBHIBBH", 0x45, 0, 20 + length, 0, 64, protocol, 0) + src + dst
    return ETHERNET + _checked(bytearray(header))


def _download(number: int, start: int, segments: int) -> list[Packet]:
    """Return an HTTP download: handshake, request, and an ACK for every second segment."""
    client, server, port = _ends(number)
    sequence = {True: 1000, False: 2000}
    out: list[Packet] = []

    def send(from_client: bool, flags: int, head: bytes = b"", tail: bytes = b"") -> None:
        src, dst = (client, server) if from_client else (server, client)
        ports = (port, 80) if from_client else (80, port)
        length = len(head) + len(tail)
        numbers = sequence[from_client], sequence[not from_client] if flags & ACK else 0
        tcp = struct.pack(">HHIIBBHHH", *ports, *numbers, 5 << 4, flags, 65_535, 0, 0)
        frame = _ip(src, dst, TCP, 20 + length) + tcp + head
        out.append((start + len(out) * 900, frame, tail))
        sequence[from_client] += length + (1 if flags & (SYN | FIN) else 0)

    send(True, SYN)
    send(False, SYN | ACK)
    send(True, ACK)
    host = f"host{number % 97}.example.com"
    request = f"GET /{number} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: benchmark\r\n\r\n"
    send(True, PSH | ACK, request.encode())
    length = segments * len(BULK)
    answer = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: "
    send(False, PSH | ACK, f"{answer}{length}\r\n\r\n".encode())
    for segment in range(segments):
        send(False, ACK, tail=BULK)
        if segment % 2:
            send(True, ACK)
    send(False, FIN | ACK)
    send(True, FIN | ACK)
    return out


def _call(number: int, start: int) -> list[Packet]:
    """Return a voice call: RTP in both directions, a packet every 20 ms each."""
    client, server, port = _ends(number)
    out: list[Packet] = []
    for index in range(600):
        from_client = index % 2 == 0
        src, dst = (client, server) if from_client else (server, client)
        ports = (port, 4000) if from_client else (4000, port)
        rtp = struct.pack(">BBHII", 0x80, 0, index // 2, index // 2 * 160, number << 1 | index % 2)
        udp = struct.pack(">HHHH", *ports, 8 + len(rtp) + len(VOICE), 0)
        frame = _ip(src, dst, UDP, len(udp) + len(rtp) + len(VOICE)) + udp + rtp
        out.append((start + index * 10_000, frame, VOICE))
    return out
