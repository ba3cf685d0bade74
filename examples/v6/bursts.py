"""Counts small packets and the longest silence of each flow, with a plugin, into a data frame.

Usage: python examples/v6/bursts.py CAPTURE
"""
# ruff: noqa: ANN001, ANN201 - as users of nfstream 6 write them

import sys

from nfstream.v6 import NFPlugin, NFStreamer


class Bursts(NFPlugin):
    """Small packets, and the longest silence in milliseconds."""

    def on_init(self, packet, flow):
        """Begins with the first packet."""
        flow.udps.small = int(packet.raw_size < self.limit)
        flow.udps.silence = 0

    def on_update(self, packet, flow):
        """Looks at a further packet."""
        flow.udps.small += int(packet.raw_size < self.limit)
        flow.udps.silence = max(flow.udps.silence, packet.delta_time)

    def on_expire(self, flow):
        """Sets what only the end tells."""
        flow.udps.share = round(flow.udps.small / flow.bidirectional_packets, 2)


if __name__ == "__main__":
    df = NFStreamer(source=sys.argv[1], n_dissections=0, udps=Bursts(limit=100)).to_pandas()
    columns = ["src_port", "dst_port", "udps.small", "udps.silence", "udps.share"]
    print(df[columns].to_string(index=False))
