"""Makes a data set: statistics of flows as CSV, addresses anonymised.

Usage: python examples/v6/dataset.py CAPTURE TABLE
"""

import sys

from nfstream.v6 import NFStreamer

if __name__ == "__main__":
    streamer = NFStreamer(
        source=sys.argv[1],
        n_dissections=0,
        statistical_analysis=True,
        splt_analysis=5,
        idle_timeout=60,
        active_timeout=300,
    )
    total = streamer.to_csv(
        path=sys.argv[2],
        columns_to_anonymize=["src_ip", "src_mac", "dst_ip", "dst_mac"],
    )
    print(total, "flows")
