"""Databases of IPv4 addresses in MaxMind's format, version 2.0."""

from __future__ import annotations

import ipaddress
import struct
from typing import Any

KINDS: dict[type, int] = {str: 2, int: 6, dict: 7}


def write(value: Any) -> bytes:
    """Returns a value as the data section has it: text, a number of 32 bits, or a map."""
    if isinstance(value, dict):
        body = b"".join(write(name) + write(field) for name, field in value.items())
    else:
        body = value.encode() if isinstance(value, str) else struct.pack(">I", value)
    size = len(value) if isinstance(value, dict) else len(body)
    assert size < 285
    kind = KINDS[type(value)] << 5
    return (bytes([kind | size]) if size < 29 else bytes([kind | 29, size - 29])) + body


def short(number: int) -> bytes:
    """Returns a number of 16 bits."""
    return b"\xa2" + struct.pack(">H", number)


def database(kind: str, networks: dict[str, dict[str, Any]]) -> bytes:
    """Returns a database with a record for each network, none of which is inside another."""
    nodes: list[list[int | None]] = [[None, None]]
    data = b""
    found: dict[tuple[int, int], int] = {}
    for name, record in networks.items():
        network = ipaddress.IPv4Network(name)
        node = 0
        for depth in range(network.prefixlen):
            side = int(network.network_address) >> (31 - depth) & 1
            if depth + 1 == network.prefixlen:
                found[node, side] = len(data)
                break
            child = nodes[node][side]
            if child is None:
                nodes.append([None, None])
                child = nodes[node][side] = len(nodes) - 1
            node = child
        data += write(record)
    tree = b""
    for node, children in enumerate(nodes):
        for side, child in enumerate(children):
            if (node, side) in found:
                child = len(nodes) + 16 + found[node, side]
            tree += struct.pack(">I", len(nodes) if child is None else child)
    fields = {
        "binary_format_major_version": short(2),
        "binary_format_minor_version": short(0),
        "build_epoch": b"\x08\x02" + struct.pack(">Q", 1_700_000_000),
        "database_type": write(kind),
        "description": write({}),
        "ip_version": short(4),
        "languages": b"\x00\x04",
        "node_count": write(len(nodes)),
        "record_size": short(32),
    }
    metadata = bytes([0xE0 | len(fields)])
    metadata += b"".join(write(name) + field for name, field in fields.items())
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + metadata
