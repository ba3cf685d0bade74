"""HTML of streamers and counts, for notebooks."""

from __future__ import annotations

import html
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from nfstream._engine import NFlow
from nfstream.frames import NANOSECONDS

ROWS = 10
"""Flows in the table of a streamer."""

_PROTOCOLS = {1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 47: "GRE", 58: "ICMP6", 132: "SCTP"}
_LEFT = ' style="text-align:left"'
_COLOURS = ("#4c6ef5", "#12b886", "#f59f00", "#e64980", "#ae3ec9", "#15aabf", "#868e96")


def text(value: object, longest: int = 80) -> str:
    """Returns a value as HTML text, shortened; characters that control text are escaped."""
    shown = str(value)
    if len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    return html.escape("".join(_visible(character) for character in shown))


def _visible(character: str) -> str:
    is_control = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    return f"\\u{{{ord(character):x}}}" if is_control else character


def size(number: float) -> str:
    """Returns a number of bytes with its unit: ``3.42 kB``."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    digits = 0 if unit == "B" or number >= 100 else 1 if number >= 10 else 2
    return f"{number:.{digits}f} {unit}"


def fold(title: str, names: Mapping[str, object]) -> str:
    """Returns a table of names and values that a click on the title opens."""
    rows = "".join(
        f"<tr><th{_LEFT}>{text(name)}</th><td{_LEFT}>{text(value, 400)}</td></tr>"
        for name, value in names.items()
    )
    return (
        f"<details><summary>{text(title)}</summary><table><tbody>{rows}</tbody></table></details>"
    )


def flow_table(flows: Sequence[NFlow], unit: str) -> str:
    """Returns the first flows as a table with the columns that the command shows."""
    rows = [_cells(flow, unit) for flow in flows[:ROWS]]
    # As in the command, names have a column only if flows are labelled.
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th{_LEFT}>{text(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td{_LEFT}>{text(row.get(name, ''))}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return (
        '<div style="overflow-x:auto"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(flow: NFlow, unit: str) -> dict[str, str]:
    nanoseconds = flow.first_seen * NANOSECONDS[unit]
    try:
        start = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(
            microseconds=nanoseconds // 1000
        )
        time = start.strftime("%Y-%m-%d %H:%M:%S.") + f"{start.microsecond // 1000:03}"
    except OverflowError:
        time = str(flow.first_seen)
    cells = {
        "id": f"{flow.id:,}",
        "start (UTC)": time,
        "duration": f"{flow.duration * NANOSECONDS[unit] / 1e9:,.3f} s",
        "proto": _PROTOCOLS.get(flow.protocol, str(flow.protocol)),
        "source": _endpoint(flow.src_ip, flow.src_port),
        "destination": _endpoint(flow.dst_ip, flow.dst_port),
        "packets": f"{flow.total_packets:,}",
        "bytes": size(flow.total_bytes),
    }
    if "application_name" in flow.keys():  # noqa: SIM118
        cells["application"] = flow.application_name
        client, server = flow.client_info, flow.server_info
        # In these protocols the client's text names the client; in others it names the server.
        is_of_client = flow.application_name.startswith(("HTTP", "SSH"))
        cells["about"] = (server or client) if is_of_client else (client or server)
    return cells


def _endpoint(address: str, port: int) -> str:
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def bars(title: str, amounts: Iterable[tuple[str, int]]) -> str:
    """Returns an SVG bar chart of bytes by name, the largest first."""
    total: Counter[str] = Counter()
    for name, amount in amounts:
        total[name] += amount
    most = total.most_common()
    shown, rest = most[:6], sum(amount for _, amount in most[6:])
    if rest:
        shown.append(("others", rest))
    largest = max((amount for _, amount in shown), default=0)
    if not largest:
        return ""
    lines = "".join(
        f'<text x="0" y="{20 * place + 14}">{text(name or "(none)", 24)}</text>'
        f'<rect x="170" y="{20 * place + 3}" width="{max(1, 200 * amount / largest):.1f}" '
        f'height="14" rx="3" fill="{_COLOURS[place]}"/>'
        f'<text x="{178 + 200 * amount / largest:.1f}" y="{20 * place + 14}">{size(amount)}</text>'
        for place, (name, amount) in enumerate(shown)
    )
    spoken = ", ".join(f"{text(name or '(none)', 24)} {size(amount)}" for name, amount in shown)
    return (
        f'<svg role="img" aria-label="{text(title)}: {spoken}" width="460" '
        f'height="{20 * len(shown) + 4}" style="font:12px sans-serif;fill:currentColor">'
        f"<title>{text(title)}</title>{lines}</svg>"
    )


def counts(numbers: Mapping[str, Any]) -> str:
    """Returns the counts of a run: a bar of packets by fate, and a table of the others."""
    ignored: Mapping[str, int] = numbers["ignored"]
    fates = {"in flows": numbers["flow_packets"]} | {
        f"ignored: {reason.replace('_', ' ')}": packets for reason, packets in ignored.items()
    }
    others = {
        name.replace("_", " "): f"{number:,}"
        for name, number in numbers.items()
        if name != "ignored" and (number or name in ("packets", "flows"))
    }
    rows = "".join(
        f"<tr><th{_LEFT}>{text(name)}</th><td{_LEFT}>{text(number)}</td></tr>"
        for name, number in others.items()
    )
    return f"<table><tbody>{rows}</tbody></table>{_fates(fates)}"


def _fates(fates: Mapping[str, int]) -> str:
    total = sum(fates.values())
    if not total:
        return ""
    x, parts, legend = 0.0, [], []
    for place, (name, packets) in enumerate(fates.items()):
        width, colour = 460 * packets / total, _COLOURS[min(place, len(_COLOURS) - 1)]
        parts.append(
            f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="14" fill="{colour}">'
            f"<title>{text(name)}: {packets:,}</title></rect>"
        )
        legend.append(f'<span style="color:{colour}">■</span> {text(name)}: {packets:,}')
        x += width
    return (
        f'<svg role="img" aria-label="Packets by fate" width="460" height="14">{"".join(parts)}'
        f"</svg><div>{' &nbsp; '.join(legend)}</div>"
    )
