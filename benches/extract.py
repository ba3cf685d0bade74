"""Compares `extract` with tshark's display filter: the same packets, byte for byte.

For each of 30 captures, the busiest flows over TCP and UDP are extracted, and compared with the
packets that tshark selects by the same addresses and ports.
"""

from __future__ import annotations

import ipaddress
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from nfstream import NFlow, NFStreamer

CAPTURES = 30
LONG = 10**7

LATEST = "9223372036.854775807"
"""The last time that fits 64 bits of nanoseconds, in the year 2262; later ones become this one."""


def packets(capture: Path, display: str) -> list[str]:
    """Returns time, lengths and bytes of the packets that tshark selects."""
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as chosen:
        command = ["tshark", "-n", "-r", str(capture), "-w", chosen.name]
        command += ["-Y", display] if display else []
        subprocess.run(command, check=True, capture_output=True)
        fields = ("frame.time_epoch", "frame.len", "frame.cap_len", "frame.md5_hash")
        command = ["tshark", "-n", "-r", chosen.name, "-o", "frame.generate_md5_hash:TRUE"]
        command += ["-T", "fields", *(word for name in fields for word in ("-e", name))]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        lines = [line.partition("\t") for line in done.stdout.splitlines()]
        return sorted(f"{min(time, LATEST, key=Decimal)}\t{rest}" for time, _, rest in lines)


def display(flow: NFlow) -> str:
    """Returns the display filter for a flow without tunnels and fragments."""
    layer = {6: "tcp", 17: "udp"}[flow.protocol]
    ip = "ip" if ipaddress.ip_address(flow.src_ip).version == 4 else "ipv6"

    def one(src: str, sport: int, dst: str, dport: int) -> str:
        return (
            f"({ip}.src=={src} && {layer}.srcport=={sport} && "
            f"{ip}.dst=={dst} && {layer}.dstport=={dport})"
        )

    there = one(flow.src_ip, flow.src_port, flow.dst_ip, flow.dst_port)
    back = one(flow.dst_ip, flow.dst_port, flow.src_ip, flow.src_port)
    return f"({there} || {back}) && !icmp && !icmpv6"


def main(folder: str) -> int:
    """Compares the captures of a folder, and returns whether all were equal."""
    compared = failed = total = 0
    for capture in sorted(Path(folder).rglob("*.pcap*")):
        if compared == CAPTURES:
            break
        if capture.stat().st_size > 20_000_000:
            continue
        try:
            streamer = NFStreamer(
                capture, dissect=False, idle_timeout=LONG, active_timeout=LONG, key="endpoints",
                decode_tunnels=False,
            )  # fmt: skip
            flows = [flow for flow in streamer if flow.protocol in (6, 17)]
        except (OSError, ValueError):
            continue
        if not flows:
            continue
        flow = max(flows, key=lambda flow: flow.total_packets)
        with tempfile.TemporaryDirectory() as temporary:
            ours = Path(temporary) / "flow.pcapng"
            count, _ = streamer.extract(ours, ids=[flow.id])
            expected, found = packets(capture, display(flow)), packets(ours, "")
        compared += 1
        total += count
        if expected != found:
            failed += 1
            print(f"{capture.name}: tshark {len(expected)} packets, extract {len(found)}")
    print(f"{compared} captures, {total:,} packets, {failed} different")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "../shared/pcaps"))
