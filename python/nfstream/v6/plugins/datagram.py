"""Payload of UDP over IPv4, for the bundled plugins."""

from __future__ import annotations

from nfstream._engine import Nfstream6Packet

_UDP = 17


def payload(packet: Nfstream6Packet) -> bytes:
    """Returns the captured bytes after the UDP header, or nothing for other packets."""
    if packet.ip_version != 4 or packet.protocol != _UDP:
        return b""
    data = packet.ip_packet
    header_len = (data[0] & 0x0F) * 4 if data else 0
    return data[header_len + 8 :]
