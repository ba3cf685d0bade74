#!/usr/bin/env python3
"""Counts instructions per packet and per flow, to catch gradual slowdowns.

Counts do not depend on the load of the machine. They do depend on the compiler and libndpi: the
baseline records both versions. Run it by hand; the tests do not. Needs valgrind.

usage: benches/instructions.py [--update]

Fails if a count is more than 3 % above `instructions.json`; --update replaces that file.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import traces
from programs import BENCHES, DATA, ROOT, Programs, prepare, say

BASELINE = BENCHES / "instructions.json"
TOLERANCE = 0.03
PACKETS = 50_000
FLOWS = 4_000
REPEATS = (1, 3)

STAGES = {
    "read": "read",
    "decode": "decode",
    "metering without labels": "flows",
    "metering with labels": "flows --inspect",
    "metering with nDPI": "flows --dissector ndpi",
    "Arrow table without labels": "arrow",
    "Arrow table with statistics and SPLT": (
        "arrow --features statistics,tcp_flags,splt --splt-packets 20"
    ),
    "Arrow table with labels": "arrow --inspect",
    "Arrow table with nDPI": "arrow --dissector ndpi",
}
"""Arguments of `passes`. Each stage includes those before it; labels are those of the default."""

ITERATE = """
import sys
from nfstream import NFStreamer
flows = iter(NFStreamer(sys.argv[1], dissect=False, n_meters=1))
for _ in range(int(sys.argv[2])):
    next(flows)
"""


def instructions(command: list[str]) -> int:
    """Return the number of instructions that a command executes."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    done = subprocess.run(valgrind, capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        raise SystemExit(f"{' '.join(valgrind)} failed:\n{done.stderr}")
    return int(found[1])


def count(programs: Programs, folder: Path) -> dict[str, int]:
    """Return the instructions per packet or flow, by stage."""
    capture = folder / "mix.pcap"
    traces.mix(capture, ROOT / "tests/captures", PACKETS)
    passes = programs.paths["PASSES"]
    counts = {}
    for name, stage in STAGES.items():
        say(name)
        # The difference between runs leaves out the start and end of the program.
        few, many = (
            instructions([passes, *stage.split(), "--repeat", str(repeat), str(capture)])
            for repeat in REPEATS
        )
        counts[f"{name}, a packet"] = round((many - few) / (REPEATS[1] - REPEATS[0]) / PACKETS)
    say("iteration in Python")
    capture = folder / "open.pcap"
    traces.concurrent(capture, FLOWS, settled=False)
    # All flows end with the capture, so the first one arrives when all are ready.
    python = [programs.paths["OURS"], "-c", ITERATE, str(capture)]
    few, many = (instructions([*python, str(flows)]) for flows in (1, FLOWS))
    counts["iteration in Python, a flow"] = round((many - few) / (FLOWS - 1))
    return counts


def main() -> None:
    """Count instructions, and compare them with the baseline or replace it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--update", action="store_true", help="replace the baseline")
    arguments = parser.parse_args()
    programs = prepare()
    with tempfile.TemporaryDirectory(dir=DATA) as folder:
        counts = count(programs, Path(folder))
    versions = {name: programs.versions[name] for name in ("rustc", "libndpi", "Python")}
    before = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    failed = False
    for name, value in counts.items():
        line = f"{name:<46} {value:>8}"
        if (old := before.get("instructions", {}).get(name)) is not None:
            change = value / old - 1
            failed |= change > TOLERANCE
            line += f" {change:>+8.1%}{'  too many' if change > TOLERANCE else ''}"
        print(line)
    for name, version in versions.items():
        if (old := before.get("versions", {}).get(name, version)) != version:
            say(f"{name} is {version}, the baseline was made with {old}")
    if arguments.update:
        text = json.dumps({"versions": versions, "instructions": counts}, indent=2)
        BASELINE.write_text(text + "\n")
    elif failed:
        sys.exit("more instructions than the baseline allows")


if __name__ == "__main__":
    main()
