"""Captures with conversations of three kinds, as training data of models."""

from __future__ import annotations

import random
import struct
from pathlib import Path

KINDS = ("bulk load", "chat", "dns")
PORTS = {"bulk load": 443, "chat": 5222, "dns": 53}
NETWORKS = {"bulk load": "192.0.2", "chat": "198.51.100", "dns": "203.0.113"}


def write(path: Path, flows: int, seed: int = 1) -> None:
    """Writes a capture of ``flows`` conversations, whose kind is that of their port."""
    chance = random.Random(seed)
    packets: list[tuple[int, bytes]] = []
    for number in range(flows):
        kind = KINDS[chance.randrange(len(KINDS))]
        packets += _conversation(chance, number, kind, 1_700_000_000_000_000 + number * 3_000)
    packets.sort(key=lambda packet: packet[0])
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for time, packet in packets:
            head = struct.pack("<IIII", time // 10**6, time % 10**6, len(packet), len(packet))
            file.write(head + packet)


def write_truth(path: Path) -> None:
    """Writes the kinds of all conversations as rules for ``nfstream.label_by``."""
    rules = "".join(f"{network}.0/24,{kind}\n" for kind, network in NETWORKS.items())
    path.write_text(f"dst_ip,label\n{rules}")


def _conversation(
    chance: random.Random, number: int, kind: str, time: int
) -> list[tuple[int, bytes]]:
    """Returns the packets of a conversation and their times in microseconds."""
    client = 0x0A000000 + number % 60_000 + 1
    network = int.from_bytes(map(int, NETWORKS[kind].split(".")))
    server = network * 256 + chance.randrange(1, 200)
    sport = 1024 + number % 60_000
    packets = []
    if kind == "dns":
        sizes = [(0, chance.randrange(20, 60)), (1, chance.randrange(60, 400))]
    elif kind == "chat":
        sizes = [(chance.randrange(2), chance.randrange(10, 300)) for _ in range(5)]
    else:
        sizes = [(1, chance.randrange(300, 1400)) for _ in range(chance.randrange(3, 9))]
        sizes.insert(0, (0, chance.randrange(80, 700)))
    for direction, size in sizes:
        ends = (client, server, sport, PORTS[kind])
        if direction:
            ends = (server, client, PORTS[kind], sport)
        packets.append((time, _packet(*ends, size, is_udp=kind == "dns")))
        time += chance.randrange(50, 20_000 if kind == "chat" else 2_000)
    return packets


def _packet(src: int, dst: int, sport: int, dport: int, size: int, *, is_udp: bool) -> bytes:
    payload = bytes(size)
    if is_udp:
        transport = struct.pack("!HHHH", sport, dport, 8 + size, 0) + payload
    else:
        transport = struct.pack("!HHIIBBHHH", sport, dport, 1, 1, 0x50, 0x18, 4096, 0, 0) + payload
    protocol = 17 if is_udp else 6
    return (
        struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(transport), 0, 0, 64, protocol, 0, src, dst)
        + transport
    )
