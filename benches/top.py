#!/usr/bin/env python3
"""Compares the counts on the screen of `nfstream top` with those of `stats()`, in tmux.

`make compare-top` calls it without arguments. tcpreplay sends a trace into one end of a pair of
virtual interfaces; `nfstream top` and a streamer of the package listen at the other. Afterwards
both must have the same numbers, at every size of the terminal. It also prints the share of a
processor that the threads of the screen take, and the packets dropped at a high rate:

    python benches/top.py --program target/release/nfstream --rate 400000

Needs root, iproute2, tcpreplay and tmux.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python" / "tests"))

from live import send  # noqa: E402
from traces import mix  # noqa: E402

from network import Live, namespace, pair, wait_for, why_not  # noqa: E402

SIZES = ((80, 24), (120, 40), (200, 50))
SCREEN_THREADS = ("nfstream", "nfstream-keys", "nfstream-survey")
"""Names of the threads that draw, read keys and look at the flows."""

PACKETS = 100_000
"""Packets of the trace, which tcpreplay sends from memory, again and again."""

SERVERS = itertools.count()

Counts = dict[str, int]


class Screen:
    """`nfstream top` in a terminal of tmux."""

    def __init__(self, program: str, size: tuple[int, int], arguments: list[str]) -> None:
        width, height = size
        # A server of its own: the last one may not have ended yet.
        self.label = f"nfstream-{os.getpid()}-{next(SERVERS)}"
        command = f"exec {program} top {' '.join(arguments)}"
        geometry = ["-x", str(width), "-y", str(height)]
        self._tmux("-u", "-f", "/dev/null", "new-session", "-d", *geometry, command)
        self.process = int(self._tmux("list-panes", "-F", "#{pane_pid}"))

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self.label, *arguments]
        environment = os.environ | {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT / "python")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr}")
        return done.stdout

    def press(self, keys: str) -> None:
        """Presses keys."""
        self._tmux("send-keys", keys)

    def text(self) -> str:
        """Returns what is on the screen."""
        return self._tmux("capture-pane", "-p")

    def counts(self) -> Counts:
        """Returns the counts of the line of the account."""
        line = next((line for line in self.text().splitlines() if " packets · " in line), "")
        found = re.findall(r"([\d,]+) (packets|dropped|ignored|active|ended)", line)
        return {name: int(number.replace(",", "")) for number, name in found}

    def busy(self) -> float:
        """Returns the processor time of the threads of the screen, in seconds."""
        total = 0
        for task in Path(f"/proc/{self.process}/task").iterdir():
            if (task / "comm").read_text().strip() in SCREEN_THREADS:
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def close(self) -> None:
        """Ends the program and the terminal."""
        self._tmux("kill-server")


@contextmanager
def screen(program: str, size: tuple[int, int], arguments: list[str]) -> Iterator[Screen]:
    """Returns a screen once it shows counts."""
    opened = Screen(program, size, arguments)
    try:
        wait_for(lambda: "packets" in opened.counts())
        yield opened
    finally:
        opened.close()


def beside_stats(program: str, size: tuple[int, int], trace: Path, rate: int) -> bool:
    """Compares the counts of the screen with those of a streamer, and prints both."""
    long = ["--idle-timeout", "3600", "--active-timeout", "7200"]
    with screen(program, size, ["here", *long]) as top:
        live = Live("here", idle_timeout=3600, active_timeout=7200)
        started, before = time.monotonic(), top.busy()
        sent, reached = send(trace, rate, 8)
        share = (top.busy() - before) / (time.monotonic() - started)
        live.wait_for_packets(sent)
        wait_for(lambda: top.counts()["packets"] >= sent)
        # Counts of flows follow those of packets.
        time.sleep(2.5)
        shown, stats = top.counts(), live.streamer.stats()
        live.end()
    counted = {
        "packets": stats.packets,
        "dropped": stats.dropped_by_kernel,
        "ignored": sum(stats.ignored.values()),
        "active": stats.active_flows,
        "ended": stats.flows,
    }
    same = all(counted[name] == number for name, number in shown.items())
    # A narrow screen leaves out the last parts.
    same = same and {"packets", "dropped", "ignored", "active"} <= shown.keys()
    print(f"{size[0]}×{size[1]}: {sent:,} packets sent, {reached:,.0f}/s", flush=True)
    print(f"  top      {shown}\n  stats()  {counted}  {'same' if same else 'DIFFERENT'}")
    print(f"  screen: {100 * share:.1f} % of a processor", flush=True)
    return same


def drops(program: str, trace: Path, rate: int) -> None:
    """Prints the drops at a rate, without another listener."""
    with screen(program, (120, 40), ["here", "--idle-timeout", "30"]) as top:
        started, before = time.monotonic(), top.busy()
        sent, reached = send(trace, rate, 10)
        share = (top.busy() - before) / (time.monotonic() - started)
        time.sleep(3)
        shown = top.counts()
    print(
        f"{sent:,} packets sent, {reached:,.0f}/s: top has {shown['packets']:,} and "
        f"{shown['dropped']:,} dropped; the screen took {100 * share:.1f} % of a processor"
    )


def main() -> int:
    """Runs all comparisons, and returns whether one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=str(Path(sys.executable).parent / "nfstream"))
    parser.add_argument("--rate", type=int, default=400_000, help="packets a second, for drops")
    options = parser.parse_args()
    if reason := why_not():
        print(f"error: {reason}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, namespace():
        trace = Path(folder) / "mix.pcap"
        mix(trace, ROOT / "tests" / "captures", PACKETS)
        pair("there", "here")
        same = [beside_stats(options.program, size, trace, 5_000) for size in SIZES]
        drops(options.program, trace, options.rate)
    return int(not all(same))


if __name__ == "__main__":
    sys.exit(main())
