"""Counts flows and bytes by label, without pandas.

Usage: python examples/labels.py CAPTURE…
       tcpdump -U -w - | python examples/labels.py -
"""

from __future__ import annotations

import sys
from collections import Counter

from nfstream import NFStreamer


def main() -> None:
    """Prints a line for each label, the one with the most bytes first."""
    captures = sys.argv[1:]
    streamer = NFStreamer(captures[0] if len(captures) == 1 else captures)
    flows: Counter[str] = Counter()
    total_bytes: Counter[str] = Counter()
    for flow in streamer:
        flows[flow.application_name] += 1
        total_bytes[flow.application_name] += flow.total_bytes
    for label, count in total_bytes.most_common():
        print(f"{label:20} {flows[label]:8,} flows {count:15,} bytes")
    print(f"{streamer.stats().packets:,} packets read", file=sys.stderr)


if __name__ == "__main__":
    main()
