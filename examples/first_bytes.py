"""Prints the first bytes that each side of a flow sends: a plugin that ends flows early.

Usage: python examples/first_bytes.py CAPTURE
"""

from __future__ import annotations

import sys

from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer


class FirstBytes(NFPlugin):
    """The first payload of each direction; ends the flow when it has both."""

    def on_init(self, pkt: NFPacket) -> list[bytes]:
        """Keeps the payload of the first packet, which may be empty."""
        return [pkt.payload, b""]

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        """Keeps the first payload of each direction."""
        first = flow.first_bytes
        first[pkt.direction] = first[pkt.direction] or pkt.payload
        if all(first):
            flow.expiration_id = -1


def main() -> None:
    """Prints a line for each side that has sent payload."""
    for flow in NFStreamer(sys.argv[1], plugins=[FirstBytes("first_bytes")]):
        for arrow, payload in zip("→←", flow.first_bytes, strict=True):
            if payload:
                print(f"{flow.id:4} {flow.application_name:15} {arrow} {payload[:40]!r}")


if __name__ == "__main__":
    main()
