"""Cuts flows into slices of ten packets and prints the TCP flags of each direction.

Usage: python examples/v6/slices.py CAPTURE...
"""

import sys

from nfstream.v6 import NFStreamer
from nfstream.v6.plugins import SPLT, FlowSlicer

if __name__ == "__main__":
    streamer = NFStreamer(
        source=sys.argv[1:],
        n_dissections=0,
        statistical_analysis=True,
        udps=[FlowSlicer(limit=10), SPLT(sequence_length=4, accounting_mode=3)],
    )
    for flow in streamer:
        if flow.protocol != 6:
            continue
        print(
            flow.id,
            flow.expiration_id,
            f"{flow.src_ip}:{flow.src_port} > {flow.dst_ip}:{flow.dst_port}",
            f"syn {flow.src2dst_syn_packets}/{flow.dst2src_syn_packets}",
            f"fin {flow.src2dst_fin_packets}/{flow.dst2src_fin_packets}",
            flow.udps.splt_direction,
            flow.udps.splt_ps,
        )
