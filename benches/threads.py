#!/usr/bin/env python3
"""Counts the instructions of each thread of a run with several meters, per packet.

The thread with most of them limits a run, however many processors there are. Reading and decoding
are divided among the decoders as they come, so their share is the mean; packets belong to meters by
their addresses, so the busiest meter counts. Needs valgrind.

usage: benches/threads.py PASSES CAPTURE [--meters N] [--passes-arguments ARGUMENTS]

PASSES is the benchmark of that name (`cargo bench --no-run --bench passes` prints its path).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from pathlib import Path


def count(command: list[str]) -> tuple[int, list[int], int]:
    """Return the packets, the instructions of each thread, and those of the work in order."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        valgrind = ["valgrind", "--tool=callgrind", "--separate-threads=yes"]
        done = subprocess.run(
            [*valgrind, f"--callgrind-out-file={out}", *command],
            capture_output=True,
            text=True,
            check=True,
        )
        packets = json.loads(done.stdout)["packets"]
        threads = []
        in_order = 0
        for path in sorted(Path(folder).glob("out-*")):
            found = re.search(r"^(?:totals|summary): (\d+)", path.read_text(), re.MULTILINE)
            threads.append(int(found[1]) if found else 0)
            text = subprocess.run(
                ["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(path)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            lines = [line for line in text.splitlines() if "dispatch::Dispatch::send" in line]
            numbers = [int(line.split()[0].replace(",", "")) for line in lines]
            in_order += max(numbers, default=0)
        return packets, threads, in_order


def main() -> None:
    """Count, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("passes", metavar="PASSES")
    parser.add_argument("capture", metavar="CAPTURE")
    parser.add_argument("--meters", type=int, default=16)
    parser.add_argument("--decoders", type=int, help="threads that decode, by default 3/4 N")
    parser.add_argument("--passes-arguments", default="", help="such as --inspect")
    arguments = parser.parse_args()
    meters = arguments.meters
    decoders = arguments.decoders or -(-3 * meters // 4)
    command = [arguments.passes, "flows", *arguments.passes_arguments.split()]
    packets, one, _ = count([*command, "--meters", "1", arguments.capture])
    _, threads, in_order = count([*command, "--meters", str(meters), arguments.capture])
    # In the order in which they start; the start of the program counts as the merge.
    merge, reader, *rest = (instructions / packets for instructions in threads)
    front, metering = rest[:decoders], rest[decoders:]
    total = sum(threads) / packets
    most = {
        "merge, and the start of the program": merge,
        "reader": reader,
        f"each of {decoders} decoders, on average": sum(front) / decoders,
        "work in order, in the decoders": in_order / packets,
        f"busiest of {meters} meters": max(metering),
    }
    for name, instructions in most.items():
        print(f"{name:<40} {instructions:>7.1f}")
    print(f"{'all threads':<40} {total:>7.1f}")
    print(f"{'one meter, one thread':<40} {sum(one) / packets:>7.1f}")
    limit = max(most.values())
    print(f"all threads / the most loaded one: {total / limit:.1f}")
    bound = max(limit, total / 16)
    print(f"one thread / 16 processors at best: {sum(one) / packets / bound:.1f}")


if __name__ == "__main__":
    main()
