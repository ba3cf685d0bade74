"""Prints the first bytes that each side of a flow says: a plugin that ends flows early.

Usage: python examples/first_bytes.py CAPTURE
"""

from __future__ import annotations

import sys

from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer


class FirstBytes(NFPlugin):
    """The first payload of each direction; the flow ends when both have spoken."""

    def on_init(self, pkt: NFPacket) -> list[bytes]:
        """Takes what the source says first, if it says anything yet."""
        return [pkt.payload, b""]

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        """Takes the first payload of a direction that has said nothing before."""
        said = flow.first_bytes
        said[pkt.direction] = said[pkt.direction] or pkt.payload
        if all(said):
            flow.expiration_id = -1


def main() -> None:
    """Prints a line for each side that has spoken."""
    for flow in NFStreamer(sys.argv[1], plugins=[FirstBytes("first_bytes")]):
        for arrow, said in zip("→←", flow.first_bytes, strict=True):
            if said:
                print(f"{flow.id:4} {flow.application_name:15} {arrow} {said[:40]!r}")


if __name__ == "__main__":
    main()
