"""Makes packets and captures for cases that the sample captures do not have."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

ETHERNET = 1


def udp_frame(src_port: int = 1000, dst_port: int = 2000, payload: bytes = b"payload") -> bytes:
    """Returns an Ethernet frame from 10.0.0.1 to 10.0.0.2."""
    datagram = struct.pack(">HHHH", src_port, dst_port, 8 + len(payload), 0) + payload
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0)
    return bytes(12) + b"\x08\x00" + header + b"\x0a\0\0\1" + b"\x0a\0\0\2" + datagram


def file_header(link_type: int = ETHERNET) -> bytes:
    """Returns the header of a pcap file."""
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type)


def record(time_us: int, frame: bytes, captured: int | None = None) -> bytes:
    """Returns a record of a pcap file; `captured` replaces its captured length."""
    claimed = len(frame) if captured is None else captured
    return struct.pack("<IIII", *divmod(time_us, 1_000_000), claimed, len(frame)) + frame


def write_pcap(path: Path, packets: Iterable[tuple[int, bytes]], link_type: int = ETHERNET) -> Path:
    """Writes packets, as pairs of microseconds and frame, to a pcap file."""
    with path.open("wb") as file:
        file.write(file_header(link_type))
        for time_us, frame in packets:
            file.write(record(time_us, frame))
    return path


def write_large_pcap(path: Path, packets: int) -> Path:
    """Writes a file of many packets from 20,000 different ports, a microsecond apart."""
    frames = [udp_frame(src_port=port) for port in range(20_000)]
    with path.open("wb") as file:
        file.write(file_header())
        for start in range(0, packets // 20_000 * 20_000, 20_000):
            file.write(b"".join(record(start + port, frame) for port, frame in enumerate(frames)))
    return path
