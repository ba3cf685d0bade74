"""Shows labelled flows, a data frame and a plugin for a capture, with the code that makes them.

Usage: python examples/demo.py [CAPTURE]
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "captures" / "web.pcap"
PROGRAM = Path(sys.executable).parent / "nfstream"

FRAME = """\
from nfstream import NFStreamer

flows = NFStreamer({capture!r}).to_pandas()
labels = flows.groupby("application_name")["total_bytes"].agg(["count", "sum"])
print(labels.nlargest(5, "sum"))
"""

PLUGIN = """\
from nfstream import NFPlugin, NFStreamer

class ack_count(NFPlugin):
    def on_init(self, pkt):
        return pkt.tcpflags.ack

    def on_update(self, pkt, flow):
        flow.ack_count += pkt.tcpflags.ack

for flow in NFStreamer({capture!r}, plugins=[ack_count()]):
    if flow.ack_count > 15:
        print(flow.ack_count, flow.application_name, flow.client_info)
"""

NEXT = """\
  .venv/bin/nfstream flows YOUR.pcap -o flows.csv    the flows of your own capture
  .venv/bin/nfstream summary YOUR.pcap               a summary of it
  examples/demo.ipynb                                a notebook: features, filters, a model
  docs/tour.md                                       an overview in ten minutes
  docs/plugins.md                                    writing plugins
"""


def main() -> None:
    """Shows three views of a capture."""
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE
    capture = os.path.relpath(given)

    title("The largest flows of a capture, each with its application")
    command = ["flows", capture, "--format", "table", "--sort", "total_bytes:desc", "--limit", "12"]
    print(f"$ nfstream {' '.join(command)}\n", flush=True)
    subprocess.run([PROGRAM, *command], check=True)

    title("The same capture as a pandas data frame")
    run(FRAME.format(capture=capture))

    title("A feature of your own: the number of packets with the ACK flag")
    run(PLUGIN.format(capture=capture))

    title("Where to go next")
    print(NEXT, end="")


def title(text: str) -> None:
    """Prints the title of a part, underlined."""
    print(f"\n{text}\n{'─' * len(text)}\n")


def run(code: str) -> None:
    """Prints a piece of code and then runs it."""
    print("".join(f"  {line}".rstrip() + "\n" for line in code.splitlines(keepends=False)))
    exec(compile(code, "<demo>", "exec"), {"__name__": "demo"})


if __name__ == "__main__":
    main()
