"""Makes a data frame with the small packets and the longest silence of each flow, by a plugin.

Usage: python examples/v6/bursts.py CAPTURE
"""
# ruff: noqa: ANN001, ANN201 - as users of nfstream 6 write them

import sys

from nfstream.v6 import NFPlugin, NFStreamer


class Bursts(NFPlugin):
    """Small packets, and the longest silence in milliseconds."""

    def on_init(self, packet, flow):
        """Sets the values for the first packet."""
        flow.udps.small = int(packet.raw_size < self.limit)
        flow.udps.silence = 0

    def on_update(self, packet, flow):
        """Updates the values for a later packet."""
        flow.udps.small += int(packet.raw_size < self.limit)
        flow.udps.silence = max(flow.udps.silence, packet.delta_time)

    def on_expire(self, flow):
        """Sets the share of small packets."""
        flow.udps.share = round(flow.udps.small / flow.bidirectional_packets, 2)


if __name__ == "__main__":
    df = NFStreamer(source=sys.argv[1], n_dissections=0, udps=Bursts(limit=100)).to_pandas()
    columns = ["src_port", "dst_port", "udps.small", "udps.silence", "udps.share"]
    print(df[columns].to_string(index=False))
