"""Compares the CIC features with those of the package cicflowmeter and writes docs/cic.md.

Run by ``make cic``. The package is installed into an environment of its own, ``target/cic``.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

from nfstream import NFStreamer

ROOT = Path(__file__).resolve().parents[1]
CAPTURES = ("redis.pcap", "web.pcap", "ssh.pcap", "long.pcap")
PAGE = ROOT / "docs" / "cic.md"
PARTS = ROOT / "benches" / "cic.md"

# Runs in the other environment: all flows of a capture, read packet by packet.
DRIVER = """
import json, sys
from scapy.utils import PcapReader
from cicflowmeter.flow_session import FlowSession
from cicflowmeter.utils import get_logger
rows = []
class Writer:
    def write(self, row):
        rows.append(row)
session = FlowSession.__new__(FlowSession)
session.flows, session.packets_count, session.fields = {}, 0, None
session.logger, session.output_writer = get_logger(False), Writer()
for packet in PcapReader(sys.argv[1]):
    session.on_packet_received(packet)
session.garbage_collect(None)
print(json.dumps(rows, default=float))
"""

# Names of the package that are not shortened headings, and the reasons for differences.
COLUMNS: dict[str, tuple[str, str]] = {
    "flow_duration": ("flow_duration", ""),
    "tot_fwd_pkts": ("total_fwd_packet", ""),
    "tot_bwd_pkts": ("total_bwd_packets", ""),
    "totlen_fwd_pkts": ("total_length_of_fwd_packet", "frames"),
    "totlen_bwd_pkts": ("total_length_of_bwd_packet", "frames"),
    **{
        f"{way}_pkt_len_{key}": (f"{way}_packet_length_{key}", "frames")
        for way in ("fwd", "bwd")
        for key in ("max", "min", "mean", "std")
    },
    "flow_byts_s": ("flow_bytes_s", "frames"),
    "flow_pkts_s": ("flow_packets_s", ""),
    **{
        f"flow_iat_{key}": (f"flow_iat_{key}", "population" if key == "std" else "single")
        for key in ("mean", "std", "max", "min")
    },
    **{
        f"{way}_iat_{short}": (f"{way}_iat_{key}", "population" if key == "std" else "")
        for way in ("fwd", "bwd")
        for short, key in (
            ("tot", "total"),
            ("mean", "mean"),
            ("std", "std"),
            ("max", "max"),
            ("min", "min"),
        )
    },
    **{
        f"{way}_{flag}_flags": (f"{way}_{flag}_flags", "")
        for flag in ("psh", "urg")
        for way in ("fwd", "bwd")
    },
    "fwd_header_len": ("fwd_header_length", "ip_header"),
    "bwd_header_len": ("bwd_header_length", "ip_header"),
    "fwd_pkts_s": ("fwd_packets_s", ""),
    "bwd_pkts_s": ("bwd_packets_s", ""),
    **{
        f"pkt_len_{key}": (f"packet_length_{key}", "frames")
        for key in ("min", "max", "mean", "std")
    },
    "pkt_len_var": ("packet_length_variance", "frames"),
    **{
        f"{flag}_flag_cnt": (f"{flag}_flag_count", "")
        for flag in ("fin", "syn", "rst", "psh", "ack", "urg", "ece")
    },
    "cwr_flag_count": ("cwr_flag_count", "cwr"),
    "down_up_ratio": ("down_up_ratio", ""),
    "pkt_size_avg": ("average_packet_size", "frames"),
    "fwd_seg_size_avg": ("fwd_segment_size_avg", "frames"),
    "bwd_seg_size_avg": ("bwd_segment_size_avg", "frames"),
    **{
        f"{way}_{short}_avg": (f"{way}_{name}_avg", "bulk")
        for way in ("fwd", "bwd")
        for short, name in (
            ("byts_b", "bytes_bulk"),
            ("pkts_b", "packet_bulk"),
            ("blk_rate", "bulk_rate"),
        )
    },
    "subflow_fwd_pkts": ("subflow_fwd_packets", "subflow"),
    "subflow_fwd_byts": ("subflow_fwd_bytes", "subflow"),
    "subflow_bwd_pkts": ("subflow_bwd_packets", "subflow"),
    "subflow_bwd_byts": ("subflow_bwd_bytes", "subflow"),
    "init_fwd_win_byts": ("fwd_init_win_bytes", "window"),
    "init_bwd_win_byts": ("bwd_init_win_bytes", "window"),
    "fwd_act_data_pkts": ("fwd_act_data_pkts", "data"),
    "fwd_seg_size_min": ("fwd_seg_size_min", "ip_header"),
    **{
        f"{what}_{key}": (f"{what}_{key}", what)
        for what in ("active", "idle")
        for key in ("mean", "std", "max", "min")
    },
}

REASONS = {
    "frames": "the package counts the whole frame, headers included, instead of the payload",
    "single": "the package gives 0 for a flow with one gap instead of that gap",
    "population": "the package divides by n; the fork and nfstream divide by n - 1",
    "ip_header": "the package measures the IP header instead of the TCP or UDP header",
    "cwr": "the package gives 0 instead of counting all packets",
    "bulk": "the package ends bulks by other rules; a bulk is a whole run of at least four packets",
    "subflow": "the package does not divide the totals of the flow by the number of subflows",
    "window": "the package takes the window of the last packets instead of the first ones",
    "data": "the package counts by frame length instead of packets with payload",
    "active": "the package omits the last period and ends periods at shorter gaps",
    "idle": "the package counts gaps of a fraction of a second instead of those of more than 5 s",
}


def theirs(python: str, capture: Path) -> list[dict[str, Any]]:
    """Returns the flows of the package."""
    done = subprocess.run(
        [python, "-c", DRIVER, str(capture)], check=True, capture_output=True, text=True
    )
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def ours(capture: Path) -> list[dict[str, Any]]:
    """Returns our flows of TCP and UDP, by the timeouts of CICFlowMeter."""
    streamer = NFStreamer(
        capture, features="cic", idle_timeout=120, active_timeout=120, dissect=False
    )
    return [flow.to_dict() for flow in streamer if flow.protocol in (6, 17)]


def ends(row: dict[str, Any]) -> tuple[Any, ...]:
    """Returns what identifies a flow in both."""
    names = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol")
    return tuple(row[name] for name in names)


def pairs(python: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Returns the flows that both have once, with the same packets."""
    found = []
    for name in CAPTURES:
        capture = ROOT / "tests" / "captures" / name
        mine, others = ours(capture), theirs(python, capture)
        for row in mine:
            same = [other for other in others if ends(other) == ends(row)]
            is_single = sum(ends(other) == ends(row) for other in mine) == 1
            if is_single and len(same) == 1:
                (other,) = same
                counts = other["tot_fwd_pkts"], other["tot_bwd_pkts"]
                if counts == (row["src2dst_packets"], row["dst2src_packets"]):
                    found.append((row, other))
    return found


def is_equal(mine: float | None, other: float) -> bool:
    """Returns whether two values agree; the package gives 0 where a value is undefined."""
    return math.isclose(mine or 0, other, rel_tol=1e-6, abs_tol=1e-6)


def table(python: str) -> str:
    """Returns the table of columns."""
    rows = pairs(python)
    lines = [
        f"Of the flows of {', '.join(f'`{name}`' for name in CAPTURES)}, {len(rows)} have the same",
        "packets in both programs. The column `equal` counts those with equal values.\n",
        "| column | equal | example: nfstream, package | correct |",
        "|---|---|---|---|",
    ]
    for theirs_name, (name, reason) in COLUMNS.items():
        column = f"cic_{name}"
        different = [
            (mine[column], other[theirs_name])
            for mine, other in rows
            if not is_equal(mine[column], other[theirs_name])
        ]
        equal = f"{len(rows) - len(different)} of {len(rows)}"
        if not different:
            lines.append(f"| `{column}` | {equal} | | both |")
            continue
        example = ", ".join(
            f"{value:.6g}" if value is not None else "null" for value in different[0]
        )
        lines.append(f"| `{column}` | {equal} | {example} | nfstream: {REASONS[reason]} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes the page from its text and the table."""
    (python,) = sys.argv[1:]
    text = PARTS.read_text()
    PAGE.write_text(text.replace("<!-- comparison -->\n", table(python)))
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
