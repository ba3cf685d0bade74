"""Packets lost by live capture at rising rates, beside nfstream 6 and tcpdump; and a soak.

Everything happens in a network namespace of its own: tcpreplay sends slices of a capture into one
end of a veth pair, each program in turn listens at the other. Needs root, iproute2 and tcpreplay.

    python benches/live.py load /tmp/standard.pcap --nf6 /tmp/nf6/bin/python
    python benches/live.py soak /tmp/standard.pcap --rate 20000 --seconds 600
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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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


@dataclass
class Loss:
    """What a program has counted."""

    received: int
    dropped: int

    def text(self, sent: int) -> str:
        """Returns the share of the sent packets that was lost."""
        lost = max(self.dropped, sent - (self.received - self.dropped))
        return f"{100 * lost / max(sent, 1):.2f} %"


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
    limit = int(rate * seconds)
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


def ours(path: Path, rate: int, seconds: float, meters: int) -> tuple[Loss, int, float]:
    """Measures this package."""
    command = [sys.executable, "-c", OURS.format(meters=meters)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(2)
        sent, reached = send(path, rate, seconds)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        counts = json.loads(process.stdout.readline())
    assert counts["received"] == counts["packets"] + counts["dropped_by_kernel"], counts
    assert counts["packets"] == counts["flow_packets"] + counts["ignored"], counts
    return Loss(counts["received"], counts["dropped_by_kernel"]), sent, reached


def tcpdump(path: Path, rate: int, seconds: float) -> tuple[Loss, int, float]:
    """Measures tcpdump, which does nothing with the packets."""
    command = ["tcpdump", "-i", "here", "-w", "/dev/null", "-Z", "root"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(1)
        sent, reached = send(path, rate, seconds)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
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
        trickle, _ = send(path, 100, 3)
        sent += trickle
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


def load(arguments: argparse.Namespace) -> None:
    """Prints a row for each rate."""
    print("| packets/s asked | reached | nfstream | nfstream 6.6 | tcpdump -w /dev/null |")
    print("|---:|---:|---:|---:|---:|", flush=True)
    for rate in arguments.rates:
        cells = []
        best = 0.0
        for measure in runners(arguments):
            try:
                loss, sent, reached = measure(arguments.file, rate, arguments.seconds)
                cells.append(loss.text(sent))
                best = max(best, reached)
            except Exception as error:
                cells.append(f"{type(error).__name__}")
                print(f"<!-- {error} -->")
        print(f"| {rate:,} | {best:,.0f} | {' | '.join(cells)} |", flush=True)


def runners(arguments: argparse.Namespace) -> Iterable:
    """Returns what is compared, in the order of the columns."""
    yield lambda *args: ours(*args, arguments.meters)
    if arguments.nf6:
        yield lambda *args: nf6(*args, arguments.nf6)
    yield tcpdump


def soak(arguments: argparse.Namespace) -> None:
    """Prints memory once in a while, and at the end whether every packet is accounted for."""
    command = [sys.executable, "-c", OURS.format(meters=arguments.meters)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(2)
        total, end = 0, time.monotonic() + arguments.seconds
        while time.monotonic() < end:
            sent, _ = send(arguments.file, arguments.rate, 10)
            total += sent
            status = Path(f"/proc/{process.pid}/status").read_text()
            resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]
            print(f"{total:,} packets sent, {resident / 1024:.0f} MiB resident", flush=True)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        counts = json.loads(process.stdout.readline())
    print(counts)
    handled = counts["flow_packets"] + counts["ignored"] + counts["dropped_by_kernel"]
    assert total == handled, f"{total - handled} packets are not accounted for"


def main() -> None:
    """Runs what the command line asks for, in a namespace of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["load", "soak"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rates", type=int, nargs="+", default=[10_000, 20_000, 40_000, 80_000])
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--meters", type=int, default=0)
    parser.add_argument("--nf6", help="a Python that has nfstream 6")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv, "--inside"])
    network()
    {"load": load, "soak": soak}[arguments.what](arguments)


if __name__ == "__main__":
    main()
