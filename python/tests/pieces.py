"""A stream of many kinds of packets, and its pieces as files."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

from conftest import CAPTURES
from frames import write_pcap

NAMES = ("dns", "long", "quic", "redis", "sctp", "ssh", "tunnels", "vlan", "web", "web6")
"""Sample captures of Ethernet frames."""


def busy_packets() -> list[tuple[int, bytes]]:
    """Returns the packets of several sample captures that begin at the same time, as pairs of
    microseconds and frame, in the order of time."""
    packets: list[tuple[int, bytes]] = []
    for name in NAMES:
        found = list(packets_of(CAPTURES / f"{name}.pcap"))
        start = found[0][0]
        packets += [(1_700_000_000_000_000 + time - start, frame) for time, frame in found]
    packets.sort(key=lambda packet: packet[0])
    return packets


def packets_of(path: Path) -> list[tuple[int, bytes]]:
    """Returns the packets of a pcap file of Ethernet frames."""
    content = path.read_bytes()
    magic, link = struct.unpack("<I", content[:4])[0], struct.unpack("<I", content[20:24])[0]
    assert magic in (0xA1B2C3D4, 0xA1B23C4D) and link == 1, path
    divisor = 1 if magic == 0xA1B2C3D4 else 1000
    packets = []
    place = 24
    while place < len(content):
        seconds, fraction, captured, _ = struct.unpack("<IIII", content[place : place + 16])
        frame = content[place + 16 : place + 16 + captured]
        packets.append((seconds * 1_000_000 + fraction // divisor, frame))
        place += 16 + captured
    return packets


def cut(folder: Path, packets: list[tuple[int, bytes]], pieces: int) -> list[Path]:
    """Writes the packets to this many files, and returns their paths in order."""
    bounds = [len(packets) * number // pieces for number in range(pieces + 1)]
    return [
        write_pcap(folder / f"{number:05}.pcap", packets[start:end])
        for number, (start, end) in enumerate(itertools.pairwise(bounds))
    ]
