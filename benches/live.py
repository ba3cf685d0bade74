#!/usr/bin/env python3
"""Packets lost by live capture at rising rates, beside nfstream 6 and tcpdump; and a soak.

`make bench-live` calls it without a command: it builds everything, makes the trace, measures both
and writes `docs/benchmarks-live.md`. For itself each part prints its section of that page:

    python benches/live.py load trace.pcap --nf6 bench-data/peer-venv/bin/python
    python benches/live.py soak trace.pcap --rate 20000 --seconds 600

Everything happens in a network namespace of its own: tcpreplay sends slices of a capture into one
end of a veth pair, each program in turn listens at the other. Needs root, iproute2, tcpdump and
tcpreplay.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from programs import ROOT, prepare, say
from report import machine
from run import make_traces

OURS = """
import json, sys
from nfstream import NFStreamer
streamer = NFStreamer("here", n_meters={meters})
flows, said = 0, False
print("ready", flush=True)
for flow in streamer:
    flows += 1
stats = streamer.stats()
counts = {{name: getattr(stats, name) for name in
           ("received", "packets", "flow_packets", "dropped_by_kernel", "flows")}}
counts["ignored"] = sum(stats.ignored.values())
print(json.dumps(counts), flush=True)
"""

NF6 = """
import sys
from nfstream import NFStreamer
if __name__ == "__main__":
    print("ready", flush=True)
    for flow in NFStreamer(source="here", performance_report=1):
        pass
"""


HEAD = """\
# Live capture, measured

Written by `make bench-live`. Do not edit: run it again. tcpreplay sends a trace of our own making
(`benches/traces.py`) from memory into one end of a pair of virtual interfaces, and one program at a
time listens at the other. Sender and listener share the machine.
"""

LOAD = """\
## Packets lost

The share of the packets sent in {seconds:g} s that a program did not get to see; *reached* is the
least rate that the sender came to beside any of them. nfstream and nfstream 6.6 make labelled flows
with their default parameters, nfstream from a buffer of 64 MiB; tcpdump, with as large a buffer,
throws the packets away.

| packets/s | reached | {heads} |
|{lines}
{rows}
"""

SOAK = """\
## A long run

{seconds:g} s of {rate:,} packets/s, over and over the same trace, with pauses in which tcpreplay
reads it anew. The memory is that of the whole program, 64 MiB of it the socket's buffer:

| seconds | packets sent | MiB resident |
|---:|---:|---:|
{rows}

Of {sent:,} packets sent, {flow_packets:,} are in {flows:,} flows, {ignored:,} were ignored as no IP
packets, {dropped_by_kernel:,} were dropped by the kernel: none is missing.
"""


@dataclass
class Loss:
    """What a program has counted."""

    received: int
    dropped: int

    def text(self, sent: int) -> str:
        """Returns the share of the sent packets that was lost."""
        lost = max(self.dropped, sent - (self.received - self.dropped))
        return f"{100 * lost / max(sent, 1):.2f} %"


Measure = Callable[[Path, int, float], tuple[Loss, int, float]]


def quiet(*command: str) -> None:
    """Runs a command that says nothing if it works."""
    subprocess.run(command, check=True, capture_output=True)


def network() -> None:
    """Makes the pair of interfaces, without chatter."""
    Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
    quiet("ip", "link", "set", "lo", "up")
    ends = "there mtu 9000 type veth peer name here mtu 9000"
    subprocess.run(f"ip link add {ends}", shell=True, check=True)
    for end in ("there", "here"):
        quiet("ip", "link", "set", end, "up")


def send(path: Path, rate: int, seconds: float) -> tuple[int, float]:
    """Sends packets at a rate; returns how many were sent and the rate that was reached."""
    limit = max(int(rate * seconds), 1)
    command = ["tcpreplay", "-q", "-K", "-i", "there", f"--pps={rate}", "--loop=0"]
    done = subprocess.run(
        [*command, f"--limit={limit}", str(path)], capture_output=True, text=True, check=True
    )
    text = done.stdout + done.stderr
    sent = re.search(r"Successful packets:\s+(\d+)", text)
    reached = re.search(r"([\d.]+) pps", text)
    if sent is None or reached is None:
        raise RuntimeError(text)
    return int(sent[1]), float(reached[1])


def ours(
    path: Path, rate: int, seconds: float, python: str, meters: int
) -> tuple[Loss, int, float]:
    """Measures this package."""
    command = [python, "-c", OURS.format(meters=meters)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(2)
        sent, reached = send(path, rate, seconds)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        counts = json.loads(process.stdout.readline())
    assert counts["received"] == counts["packets"] + counts["dropped_by_kernel"], counts
    assert counts["packets"] == counts["flow_packets"] + counts["ignored"], counts
    return Loss(counts["received"], counts["dropped_by_kernel"]), sent, reached


def tcpdump(path: Path, rate: int, seconds: float) -> tuple[Loss, int, float]:
    """Measures tcpdump, which does nothing with the packets."""
    command = ["tcpdump", "-i", "here", "-w", "/dev/null", "-Z", "root", "-B", "65536"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(1)
        sent, reached = send(path, rate, seconds)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        text = process.stderr.read()
    numbers = {
        name: int(count)
        for count, name in re.findall(r"(\d+) packets (captured|received|dropped)", text)
    }
    return Loss(numbers["captured"] + numbers["dropped"], numbers["dropped"]), sent, reached


def nf6(path: Path, rate: int, seconds: float, python: str) -> tuple[Loss, int, float]:
    """Measures nfstream 6 by its own report."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "nf6.py"
        script.write_text(NF6)
        process = subprocess.Popen(
            [python, "-B", str(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": ""},
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(6)
        sent, reached = send(path, rate, seconds)
        # It may have a queue to work on, and counts only while packets come.
        time.sleep(2)
        # Not among those sent: the last of these it has no occasion to count.
        send(path, 20, 3)
        time.sleep(2)
        os.killpg(process.pid, signal.SIGKILL)
        lines = process.stdout.read().splitlines()
        process.wait()
    best = Loss(0, 0)
    for line in lines:
        match = re.search(r"\{.*\}", line)
        if match is None:
            continue
        report = json.loads(match[0].replace("'", '"'))
        handled = report["packets_processed"] + report.get("packets_ignored", 0)
        dropped = next((v for k, v in report.items() if "drop" in k), 0)
        best = Loss(max(best.received, handled + dropped), max(best.dropped, dropped))
    return best, sent, reached


def load(arguments: argparse.Namespace) -> str:
    """Returns the section of losses, a row for each rate."""
    heads, measures = zip(*runners(arguments), strict=True)
    rows = []
    for rate in arguments.rates:
        cells, least = [], float(rate)
        for head, measure in zip(heads, measures, strict=True):
            say(f"{head}, {rate:,} packets/s")
            loss, sent, reached = measure(arguments.file, rate, arguments.load_seconds)
            cells.append(loss.text(sent))
            least = min(least, reached)
        rows.append(f"| {rate:,} | {least:,.0f} | {' | '.join(cells)} |")
    return LOAD.format(
        seconds=arguments.load_seconds,
        heads=" | ".join(heads),
        lines="---:|" * (2 + len(heads)),
        rows="\n".join(rows),
    )


def runners(arguments: argparse.Namespace) -> Iterator[tuple[str, Measure]]:
    """Gives what is compared, in the order of the columns."""
    yield "nfstream", lambda *args: ours(*args, arguments.python, arguments.meters)
    if arguments.nf6:
        yield "nfstream 6.6", lambda *args: nf6(*args, arguments.nf6)
    yield "tcpdump -w /dev/null", tcpdump


def soak(arguments: argparse.Namespace) -> str:
    """Returns the section of a long run: memory, and whether every packet is accounted for."""
    command = [arguments.python, "-c", OURS.format(meters=arguments.meters)]
    step = max(arguments.seconds / 10, 1)
    rows = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(2)
        total, start = 0, time.monotonic()
        while (passed := time.monotonic() - start) < arguments.seconds:
            sent, _ = send(arguments.file, arguments.rate, min(step, arguments.seconds - passed))
            total += sent
            status = Path(f"/proc/{process.pid}/status").read_text()
            resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]
            passed = time.monotonic() - start
            say(f"{passed:.0f} s, {total:,} packets sent, {resident / 1024:.0f} MiB")
            rows.append(f"| {passed:.0f} | {total:,} | {resident / 1024:.0f} |")
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        counts = json.loads(process.stdout.readline())
    handled = counts["flow_packets"] + counts["ignored"] + counts["dropped_by_kernel"]
    assert total == handled, f"{total - handled} of {total} packets are not accounted for: {counts}"
    return SOAK.format(
        rate=arguments.rate, seconds=arguments.seconds, rows="\n".join(rows), sent=total, **counts
    )


def whole(arguments: argparse.Namespace) -> None:
    """Builds and makes what is needed, measures both parts and writes the page."""
    programs = prepare()
    captures, _ = make_traces(programs.paths["OURS"], quick=False)
    captures = {"mix": captures["mix"]}
    versions = {
        name: version
        for name, version in programs.versions.items()
        if "nfstream" in name or name in ("rustc", "libndpi", "Python")
    }
    for program, option in (("tcpdump", "--version"), ("tcpreplay", "-V")):
        told = subprocess.run([program, option], capture_output=True, text=True, check=False)
        version = re.search(r"version:? (\S+)", told.stdout + told.stderr)
        versions[program] = version[1] if version else "unknown"
    options = ["--python", programs.paths["OURS"]]
    if "PEER" in programs.paths:
        options += ["--nf6", programs.paths["PEER"]]
    for name in ("load_seconds", "seconds", "rate", "meters"):
        options += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
    options += ["--rates", *map(str, arguments.rates)]
    parts = [HEAD, "\n".join(machine(versions)) + "\n"]
    for part in ("load", "soak"):
        command = [sys.executable, __file__, part, str(captures["mix"]), *options]
        parts.append(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    page = "\n".join(parts)
    target = Path(arguments.page).resolve()
    target.write_text(page)
    print(page)
    say(f"written to {target}")


def main() -> None:
    """Runs what the command line asks for, what captures in a namespace of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", choices=["load", "soak"])
    parser.add_argument("file", nargs="?", type=Path)
    rates = [10_000, 20_000, 40_000, 80_000, 160_000, 320_000]
    parser.add_argument("--rates", type=int, nargs="+", default=rates)
    parser.add_argument("--load-seconds", type=float, default=6, help="for each rate")
    parser.add_argument("--rate", type=int, default=20_000, help="of the soak")
    parser.add_argument("--seconds", type=float, default=600, help="of the soak")
    parser.add_argument("--meters", type=int, default=0)
    parser.add_argument("--python", default=sys.executable, help="a Python that has nfstream")
    parser.add_argument("--nf6", help="a Python that has nfstream 6")
    parser.add_argument("--page", default=ROOT / "docs/benchmarks-live.md")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part is None:
        whole(arguments)
        return
    if arguments.file is None:
        parser.error(f"{arguments.part} needs a capture")
    if not arguments.inside:
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv, "--inside"])
    network()
    print({"load": load, "soak": soak}[arguments.part](arguments), flush=True)


if __name__ == "__main__":
    main()
