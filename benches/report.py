"""The page that tells what was measured."""

# ruff: noqa: RUF001

from __future__ import annotations

import datetime
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from works import START, TARGETS, WORKS, Target

if TYPE_CHECKING:
    from run import Series

NO_FIGURE = "–"
"""Stands where there is none."""

NOTES = """\
## How to read this

- **Work and process.** *Work* is the time that a program tells itself, without its start: from
  opening the capture to the last flow or the finished frame. Python against Python and the engine
  against walking the file are compared by it, so imports count for neither side (they have rows
  of their own). Beside C programs the whole process counts, start included, on both sides; ours
  is `passes`, the engine without Python.
- **Ratios** are taken within each round and the median of them is given, with the least and the
  greatest. In every round all programs run one after the other in a process of their own; the
  round after begins with another program.
- **The page cache** is refilled before each round: the capture is dropped from it and read once.
  How fast a file can be mapped depends on how the cache happens to hold it and differs two- to
  threefold from one filling to the next, for us as for `walk`. Within a round it is the same for
  all.
- **Memory** is what all processes of a program have at once, looked at every 2 ms in the warm-up
  round: `Pss_Anon + Pss_Shmem` of `/proc/PID/smaps_rollup`, so pages of mapped files are left out
  and pages that processes share after a fork are counted once.
- **Not the same work.** softflowd counts its flows and drops them; nfpcapd and argus write theirs
  to a file in a temporary folder; ndpiReader prints nothing (`-q`); tshark only counts packets
  and bytes of conversations, and runs once. Timeouts are 30 s idle and 300 s active where a
  program has them; ndpiReader has none, and nfpcapd's flows have one direction, so it has more of
  them. What nfstream 6.6 does is set to the same: its statistics are off, `n_dissections` is its
  default of 20, and it uses as many meters as it likes. `nDPI` means 10 packets of a TCP flow and
  16 of a UDP flow for us and for ndpiReader.
- **Several meters** take more processor time than one: a chunk is read, decoded and metered by
  different threads, so its packets go from one processor's cache to another's, and each meter
  fills the caches with an nDPI of its own; the first run of a process also sets one up for each,
  one after the other. On two processors the five threads of a run leave none idle.
- **Found** says that a program has done its work: packets that it read or that are in its flows.
  A dash stands for what a program does not tell; *odd* for results unlike the engine's.
"""


@dataclass(frozen=True)
class Setting:
    """What the figures depend on.

    Attributes:
        versions: Of our own programs, libraries and the others.
        sizes: Bytes of each trace.
        rounds: Timed rounds.
        quick: Whether the traces are short.
        small: Name of the capture used for start-up.
        load: Highest load average seen between the parts of the run.
    """

    versions: dict[str, str]
    sizes: dict[str, int]
    rounds: int
    quick: bool
    small: str
    load: float


def page(results: dict[str, dict[str, Series]], setting: Setting) -> str:
    """Return the whole page."""
    parts = [
        "# Benchmarks\n\nWritten by `make bench`, which runs nfstream beside the programs that "
        "people use today. Do not edit: run it again.\n",
        _setting(setting),
    ]
    if setting.quick:
        parts.append("**A quick run on short traces: these figures mean little.**\n")
    titles = {
        "standard": "The standard trace",
        "mix": "A trace of our own making",
    }
    texts = {
        "standard": "Captures of many protocols, tiled: `mktrace.py standard.pcap pcaps`.",
        "mix": "The samples of `tests/captures` over and over with new addresses, downloads whose "
        "sizes follow Pareto's law, and voice calls (`benches/traces.py`).",
    }
    for name, size in setting.sizes.items():
        series = results[name]
        found = series.get("arrow-1") or next(iter(series.values()))
        counts = (
            f"{_count(found.packets)} packets, {_count(found.flows)} flows, {size / 1e6:.0f} MB."
        )
        parts.append(f"## {titles[name]}\n\n{texts[name]} {counts}\n")
        parts.append(_targets(TARGETS, series, _speeds(series)))
        parts.append(_all(series))
    aside = results["aside"]
    parts.append("## Start-up, memory of flows, Python objects\n")
    parts.append(_targets(START, aside, _figures(aside)))
    parts.append(_all(aside))
    parts.append(_attributes(aside))
    parts.append(NOTES)
    parts.append(_commands(setting))
    return "\n".join(part for part in parts if part)


def machine(versions: dict[str, str]) -> list[str]:
    """Return what figures depend on beside the programs' arguments, as lines of a list."""
    model = memory = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal"):
            memory = f"{int(line.split()[1]) / (1 << 20):.0f} GiB"
    release = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    processors = len(os.sched_getaffinity(0))
    kernel = f"{platform.system()} {platform.release().split('-')[0]}"
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [
        f"- Machine: {model}, {processors} processors, {memory}; {release}, {kernel}",
        f"- Date: {datetime.date.today().isoformat()}",
        f"- Versions: {listed}",
    ]


def _setting(setting: Setting) -> str:
    processors = len(os.sched_getaffinity(0))
    lines = [
        *machine(setting.versions),
        f"- Rounds: {setting.rounds} timed, after one that warms up and measures memory",
    ]
    if setting.load > processors + 1:
        lines.append(
            f"- **The machine was busy with other things (load {setting.load:.1f}): take the "
            "ratios with caution.**"
        )
    return "\n".join(lines) + "\n"


def _targets(targets: Sequence[Target], series: dict[str, Series], further: list[list[str]]) -> str:
    rows = []
    for target in targets:
        ours, theirs = series.get(target.ours), series.get(target.peer)
        if ours is None or theirs is None:
            continue
        problem = ours.problem or theirs.problem
        pairs = [] if problem else _pairs(target, ours, theirs)
        if not pairs:
            rows.append([target.work, NO_FIGURE, "", "", problem or "not measured", ""])
            continue
        ratios = [(b / a if target.faster else a / b) for a, b in pairs]
        ratio = statistics.median(ratios)
        unit = _bytes if target.clock == "memory" else _seconds
        goal, reached = NO_FIGURE, ""
        if target.goal is not None:
            goal = f"{'≥' if target.faster else '≤'} {target.goal:g} ×"
            met = ratio >= target.goal if target.faster else ratio <= target.goal
            reached = "yes" if met else "**no**"
        spread = f" ({min(ratios):.3g}–{max(ratios):.3g})" if len(ratios) > 1 else ""
        values = [unit(statistics.median(side)) for side in zip(*pairs, strict=True)]
        rows.append([target.work, *values, f"{ratio:.3g} ×{spread}", goal, reached])
    head = ["work", "nfstream", "beside", "ratio", "wanted", "reached"]
    return _table(head, [*rows, *further])


def _pairs(target: Target, ours: Series, theirs: Series) -> list[tuple[float, float]]:
    if target.clock == "memory":
        both = ours.peak_bytes and theirs.peak_bytes
        return [(float(ours.peak_bytes or 0), float(theirs.peak_bytes or 0))] if both else []
    clock = "inside" if target.clock == "inside" else "wall"
    return list(zip(getattr(ours, clock), getattr(theirs, clock), strict=False))


def _speeds(series: dict[str, Series]) -> list[list[str]]:
    rows = []
    for key, work, goal in (
        ("arrow-1", "packets a second to Arrow, one meter, no nDPI", 4.0),
        ("ndpi-1", "packets a second to Arrow, one meter, nDPI", 1.3),
    ):
        found = series.get(key)
        if found is None or not found.inside or not found.packets:
            continue
        speeds = [found.packets / seconds / 1e6 for seconds in found.inside]
        speed = statistics.median(speeds)
        text = f"{speed:.2f} M ({min(speeds):.2f}–{max(speeds):.2f})"
        reached = "yes" if speed >= goal else "**no**"
        rows.append([work, text, "", "", f"≥ {goal:g} M", reached])
    return rows


def _figures(series: dict[str, Series]) -> list[list[str]]:
    rows = []
    for key, work in (
        ("memory", "bytes for each active flow, no nDPI"),
        ("ndpi-memory-settled", "bytes for each active flow, nDPI has finished with it"),
        ("ndpi-memory-open", "bytes for each active flow, nDPI still at work on it"),
    ):
        found = series.get(key)
        if found is not None and found.values and found.flows:
            before = _number(found.values["memory_before_bytes"])
            after = _number(found.values["memory_after_bytes"])
            rows.append([work, f"{(after - before) / found.flows:.0f} B", "", "", "–", ""])
    ours, theirs = series.get("start-command"), series.get("ndpireader-start")
    if ours is not None and theirs is not None and ours.wall and theirs.wall:
        more = [(a - b) * 1000 for a, b in zip(ours.wall, theirs.wall, strict=False)]
        median = statistics.median(more)
        text = f"{median:.0f} ms ({min(more):.0f}–{max(more):.0f})"
        reached = "yes" if median <= 80 else "**no**"
        rows.append(["the command above, more than ndpiReader", text, "", "", "≤ 80 ms", reached])
    for key, work in (
        ("per-flow", "iteration in Python for each flow, no plugins, no nDPI"),
        ("ndpi-per-flow", "iteration in Python for each flow, no plugins, nDPI"),
    ):
        found = series.get(key)
        if found is not None and found.wall and found.flows:
            times = [seconds / (found.flows - 1) * 1e9 for seconds in found.inside]
            median = statistics.median(times)
            text = f"{median:.0f} ns ({min(times):.0f}–{max(times):.0f})"
            rows.append([work, text, "", "", "≤ 1000 ns", "yes" if median <= 1000 else "**no**"])
    found = series.get("attributes")
    if found is not None and found.values:
        medians: Any = found.values["medians"]
        for kind, name in (("pkt", "a packet"), ("flow", "a flow")):
            text = f"{medians[kind]:.0f} ns"
            reached = "yes" if medians[kind] < 100 else "**no**"
            work = f"an attribute of {name}, median of all"
            rows.append([work, text, "", "", "< 100 ns", reached])
    return rows


def _all(series: dict[str, Series]) -> str:
    rows = []
    for work in WORKS:
        found = series.get(work.key)
        if found is None:
            continue
        start = [work.who, work.what]
        if found.problem or not found.wall:
            rows.append([*start, found.problem or "not measured", "", "", "", ""])
            continue
        memory = _bytes(found.peak_bytes) if found.peak_bytes else "–"
        packets = f"{_count(found.packets)} packets, {_count(found.flows)} flows"
        if work.aside is None and _is_odd(found, series.get("arrow-1")):
            packets += " **(odd)**"
        cpu = f"{statistics.median(found.cpu):.2f} s"
        times = [_spread(found.wall), _spread(found.inside)]
        rows.append([*start, *times, cpu, memory, packets])
    head = ["program", "what it does", "process", "work", "processor", "memory", "found"]
    title = "<details><summary>All measurements: medians, least and greatest</summary>\n\n"
    return title + _table(head, rows) + "\n</details>\n" if rows else ""


def _is_odd(found: Series, ours: Series | None) -> bool:
    """Return whether a program has found far less or more than the engine."""
    if ours is None:
        return False
    packets, flows = (
        theirs / reference if theirs and reference else 1.0
        for theirs, reference in ((found.packets, ours.packets), (found.flows, ours.flows))
    )
    # Programs differ in what they call a flow; one with two directions may be two.
    return not (0.95 < packets < 1.05 and 0.5 < flows < 3)


def _attributes(series: dict[str, Series]) -> str:
    found = series.get("attributes")
    if found is None or not found.values:
        return ""
    times: Any = found.values["nanoseconds"]
    rows = [
        [kind, ", ".join(f"`{name}` {value:.0f}" for name, value in values.items())]
        for kind, values in times.items()
    ]
    return "Nanoseconds for single attributes, the loop around them not counted:\n\n" + _table(
        ["object", "ns"], rows
    )


def _commands(setting: Setting) -> str:
    text = "\n".join(dict.fromkeys(work.command for work in WORKS))
    return f"""\
## Commands

`OURS` and `PEER` are the Pythons of two virtual environments, with this package (a release
wheel) and with nfstream 6.6.0; `WORKER` is `benches/worker.py`, which shows the parameters;
`PASSES` is the engine's benchmark `passes` (release profile), `WALK` is `benches/walk.c`
(`cc -O2`). `CAPTURE` is the trace, `SMALL` is `{setting.small}`, `OPEN` and `SETTLED` are captures
whose flows are all active at their end, with one packet each and with twelve; `STANDARD` is the
standard trace and `LONG` the same with eight times the replicas; `TMP` is a temporary folder on the
same disk.

```console
{text}
```
"""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", "---"] + ["---:"] * (len(head) - 2), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _spread(times: Sequence[float]) -> str:
    text = _seconds(statistics.median(times))
    return f"{text} ({min(times):.3g}–{max(times):.3g})" if len(times) > 1 else text


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 0.1 else f"{seconds:.3g} s"


def _bytes(number: float) -> str:
    return f"{number / 1e6:.0f} MB"


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}".replace(",", " ")


def _number(value: object) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"not a number: {value!r}")
    return value
