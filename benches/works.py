"""Programs and commands to measure, and the comparisons and targets of the page.

Commands name programs and files by words in capitals, which stand for paths.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

TRAFFIC = "CAPTURE"
"""Placeholder for the trace to read."""


@dataclass(frozen=True)
class Report:
    """Figures that a program prints about its run; None for those that it does not print.

    Attributes:
        seconds: Duration of the work, without the start of the program.
        flows: Flows found.
        packets: Packets read, or packets in flows.
        values: Further figures.
    """

    seconds: float | None = None
    flows: int | None = None
    packets: int | None = None
    values: dict[str, object] | None = None


@dataclass(frozen=True)
class Work:
    """One measured command.

    Attributes:
        key: Name in `--only` and in results.
        program: Program that runs.
        what: Short description of the work.
        command: Command line.
        read: Parses the output.
        check: Second command of the warm-up round, for programs that only then print the number
            of flows.
        aside: Capture to read, if not the large traces.
        once: Whether one round is enough, because the work is slow and has no target.
        meters: Processors needed.
    """

    key: str
    program: str
    what: str
    command: str
    read: Callable[[str], Report]
    check: str | None = None
    aside: str | None = None
    once: bool = False
    meters: int = 1


@dataclass(frozen=True)
class Target:
    """A comparison of two works, with the ratio to reach.

    Attributes:
        work: Name of our work on the page.
        versus: Name of the other work on the page.
        ours: Key of our work.
        peer: Key of the other work.
        clock: `process` for whole processes, `inside` for the work without start and imports,
            `memory` for the peak.
        faster: Whether the ratio is theirs to ours, which must be at least `goal`; otherwise it is
            ours to theirs, which must be at most `goal`.
        goal: Ratio to reach; None to report the ratio only.
    """

    work: str
    versus: str
    ours: str
    peer: str
    clock: str
    faster: bool
    goal: float | None


def _json(text: str) -> Report:
    found = json.loads(text.splitlines()[0])
    seconds, flows, packets = (found.pop(k, None) for k in ("seconds", "flows", "packets"))
    return Report(seconds, flows, packets, found)


def _numbers(flows: str, packets: str) -> Callable[[str], Report]:
    def total(pattern: str, text: str) -> int | None:
        return sum(map(int, re.findall(pattern, text))) or None

    def read(text: str) -> Report:
        return Report(None, total(flows, text), total(packets, text))

    return read


def _conversations(text: str) -> Report:
    return Report(None, text.count("<->"))


def _racount(text: str) -> Report:
    found = re.search(r"sum\s+(\d+)\s+(\d+)", text)
    return Report(None, int(found[1]), int(found[2])) if found else Report()


NO_TIMEOUT_BUT_30_S = " ".join(
    f"-t {name}=30" for name in ("general", "tcp", "tcp.rst", "tcp.fin", "udp", "icmp")
)

WORKS = [
    Work("walk", "walk.c", "walk the mapped file", "WALK CAPTURE", _json),
    Work("walk-populate", "walk.c", "the same, MAP_POPULATE", "WALK --populate CAPTURE", _json),
    Work("read", "engine", "find the records", "PASSES read CAPTURE", _json),
    Work("decode", "engine", "decode, no flows", "PASSES decode CAPTURE", _json),
    Work("flows-1", "engine", "flows, no table, 1 meter", "PASSES flows CAPTURE", _json),
    Work("arrow-1", "engine", "flows to Arrow, 1 meter", "PASSES arrow CAPTURE", _json),
    Work(
        "features-1",
        "engine",
        "statistics, TCP flags and SPLT to Arrow, 1 meter",
        "PASSES arrow --features statistics,tcp_flags,splt CAPTURE",
        _json,
    ),
    Work(
        "arrow-2",
        "engine",
        "flows to Arrow, 2 meters",
        "PASSES arrow --meters 2 CAPTURE",
        _json,
        meters=2,
    ),
    Work(
        "ndpi-flows-1",
        "engine",
        "nDPI, no table, 1 meter",
        "PASSES flows --inspect CAPTURE",
        _json,
    ),
    Work(
        "ndpi-flows-2",
        "engine",
        "nDPI, no table, 2 meters",
        "PASSES flows --inspect --meters 2 CAPTURE",
        _json,
        meters=2,
    ),
    Work("ndpi-1", "engine", "nDPI to Arrow, 1 meter", "PASSES arrow --inspect CAPTURE", _json),
    Work(
        "ndpi-2",
        "engine",
        "nDPI to Arrow, 2 meters",
        "PASSES arrow --inspect --meters 2 CAPTURE",
        _json,
        meters=2,
    ),
    Work("iterate", "nfstream", "iterate, all meters", "OURS WORKER ours iterate CAPTURE", _json),
    Work(
        "features-iterate",
        "nfstream",
        "statistics, TCP flags and SPLT, iterate, all meters",
        "OURS WORKER ours iterate --features CAPTURE",
        _json,
    ),
    Work(
        "ndpi-iterate-1",
        "nfstream",
        "nDPI, iterate, 1 meter",
        "OURS WORKER ours iterate --dissect --meters 1 CAPTURE",
        _json,
    ),
    Work(
        "ndpi-iterate",
        "nfstream",
        "nDPI, iterate, all meters",
        "OURS WORKER ours iterate --dissect CAPTURE",
        _json,
    ),
    Work(
        "pandas-1",
        "nfstream",
        "to_pandas(), 1 meter",
        "OURS WORKER ours to_pandas --meters 1 CAPTURE",
        _json,
    ),
    Work(
        "features-pandas-1",
        "nfstream",
        "statistics, TCP flags and SPLT, to_pandas(), 1 meter",
        "OURS WORKER ours to_pandas --features --meters 1 CAPTURE",
        _json,
    ),
    Work(
        "ndpi-pandas-1",
        "nfstream",
        "nDPI, to_pandas(), 1 meter",
        "OURS WORKER ours to_pandas --dissect --meters 1 CAPTURE",
        _json,
    ),
    Work(
        "ndpi-pandas",
        "nfstream",
        "nDPI, to_pandas(), all meters",
        "OURS WORKER ours to_pandas --dissect CAPTURE",
        _json,
    ),
    Work(
        "parquet-1",
        "nfstream",
        "nDPI, to_parquet(), 1 meter",
        "OURS WORKER ours to_parquet --dissect --meters 1 --output TMP/flows.parquet CAPTURE",
        _json,
    ),
    Work(
        "parquet",
        "nfstream",
        "nDPI, to_parquet(), all meters",
        "OURS WORKER ours to_parquet --dissect --output TMP/flows.parquet CAPTURE",
        _json,
    ),
    Work(
        "plugin",
        "nfstream",
        "ack_count plugin, iterate",
        "OURS WORKER ours plugin CAPTURE",
        _json,
        check="OURS WORKER ours plugin --check CAPTURE",
    ),
    Work(
        "peer-iterate",
        "nfstream 6.6",
        "iterate",
        "PEER WORKER peer iterate CAPTURE",
        _json,
        check="PEER WORKER peer iterate --check CAPTURE",
    ),
    Work(
        "peer-ndpi-iterate",
        "nfstream 6.6",
        "nDPI, iterate",
        "PEER WORKER peer iterate --dissect CAPTURE",
        _json,
    ),
    Work(
        "peer-ndpi-pandas",
        "nfstream 6.6",
        "nDPI, to_pandas()",
        "PEER WORKER peer to_pandas --dissect CAPTURE",
        _json,
    ),
    Work(
        "peer-plugin",
        "nfstream 6.6",
        "ack_count plugin, iterate",
        "PEER WORKER peer plugin CAPTURE",
        _json,
        check="PEER WORKER peer plugin --check CAPTURE",
    ),
    Work(
        "softflowd",
        "softflowd",
        "flows, counted and dropped",
        f"softflowd -d -6 -a -m 1000000 -t maxlife=300 {NO_TIMEOUT_BUT_30_S} "
        "-p TMP/pid -c TMP/control -r CAPTURE",
        _numbers(r"Flows expired: (\d+)", r"Packets processed: (\d+)"),
    ),
    Work(
        "nfpcapd",
        "nfpcapd",
        "flows to nfdump's files",
        "nfpcapd -e 300,30 -w TMP -r CAPTURE",
        _numbers(r"Flows: (\d+)", r"Total: Processed: (\d+)"),
    ),
    Work(
        "argus",
        "argus",
        "flows to argus' file",
        "argus -S 300 -w TMP/argus -r CAPTURE",
        lambda _: Report(),
        check="racount -r TMP/argus",
    ),
    Work(
        "ndpireader",
        "ndpiReader",
        "nDPI, nothing printed",
        "ndpiReader -T 10 -U 16 -q -i CAPTURE",
        lambda _: Report(),
        check="ndpiReader -T 10 -U 16 -i CAPTURE",
    ),
    Work(
        "tshark",
        "tshark",
        "TCP and UDP conversations",
        "tshark -n -q -z conv,tcp -z conv,udp -r CAPTURE",
        _conversations,
        once=True,
    ),
    Work(
        "start",
        "nfstream",
        "import, list of flows",
        "OURS WORKER ours small --dissect SMALL",
        _json,
        aside="SMALL",
    ),
    Work(
        "peer-start",
        "nfstream 6.6",
        "import, list of flows",
        "PEER WORKER peer small --dissect SMALL",
        _json,
        aside="SMALL",
    ),
    Work(
        "start-command",
        "nfstream command",
        "flows as CSV",
        "NFSTREAM flows --format csv SMALL",
        lambda text: Report(None, max(0, len(text.splitlines()) - 1)),
        aside="SMALL",
    ),
    Work(
        "ndpireader-start",
        "ndpiReader",
        "nDPI, nothing printed",
        "ndpiReader -T 10 -U 16 -q -i SMALL",
        lambda _: Report(),
        check="ndpiReader -T 10 -U 16 -i SMALL",
        aside="SMALL",
    ),
    Work("memory", "engine", "active flows, no nDPI", "PASSES memory OPEN", _json, aside="OPEN"),
    Work(
        "ndpi-memory-open",
        "engine",
        "active flows, nDPI at work",
        "PASSES memory --inspect OPEN",
        _json,
        aside="OPEN",
    ),
    Work(
        "ndpi-memory-settled",
        "engine",
        "active flows, nDPI done",
        "PASSES memory --inspect SETTLED",
        _json,
        aside="SETTLED",
    ),
    Work(
        "per-flow",
        "nfstream",
        "iterate flows that are ready",
        "OURS WORKER ours per_flow --meters 1 OPEN",
        _json,
        aside="OPEN",
    ),
    Work(
        "ndpi-per-flow",
        "nfstream",
        "the same, with labels",
        "OURS WORKER ours per_flow --dissect --meters 1 OPEN",
        _json,
        aside="OPEN",
    ),
    Work(
        "attributes",
        "nfstream",
        "single attributes",
        "OURS WORKER ours attributes --dissect WEB",
        _json,
        aside="WEB",
    ),
]

TABLES = {
    "to_parquet": "to_parquet()",
    "to_csv": "to_csv()",
    "to_jsonl": "to_jsonl()",
    "stream": "a stream of Arrow batches",
}
"""Outputs with memory that does not depend on the length of the input."""

WORKS += [
    Work(
        f"memory-{work}-{replicas}",
        "nfstream",
        f"{what}, {replicas} × the standard trace",
        f"OURS WORKER ours {work} --dissect --output TMP/flows {trace}",
        _json,
        aside=trace,
        once=True,
    )
    for work, what in TABLES.items()
    for replicas, trace in ((1, "STANDARD"), (8, "LONG"))
]

_ndpi_check = _numbers(r"Unique flows:\s+(\d+)", r"IP packets:\s+(\d+)")

CHECKS: dict[str, Callable[[str], Report]] = {
    "argus": _racount,
    "ndpireader": _ndpi_check,
    "ndpireader-start": _ndpi_check,
}
"""Parsers of the output of `check`, where it differs from that of the command."""

TARGETS = [
    Target(
        "flows to Arrow, no nDPI, one meter",
        "walking the mapped file",
        "arrow-1",
        "walk",
        "inside",
        False,
        2.5,
    ),
    Target(
        "the same",
        "walking it with MAP_POPULATE",
        "arrow-1",
        "walk-populate",
        "inside",
        False,
        None,
    ),
    Target("the same", "softflowd", "arrow-1", "softflowd", "process", True, 2.5),
    Target("the same", "nfpcapd", "arrow-1", "nfpcapd", "process", True, 4),
    Target("the same", "argus", "arrow-1", "argus", "process", True, None),
    Target(
        "statistical_analysis and SPLT of 10 packets to Arrow",
        "base columns only",
        "features-1",
        "arrow-1",
        "inside",
        False,
        1.35,
    ),
    Target(
        "the same, iterated in Python",
        "base columns only",
        "features-iterate",
        "iterate",
        "inside",
        False,
        1.35,
    ),
    Target(
        "the same, to_pandas(), one meter",
        "base columns only",
        "features-pandas-1",
        "pandas-1",
        "inside",
        False,
        1.35,
    ),
    Target(
        "no nDPI, all meters, iterated in Python",
        "nfstream 6.6",
        "iterate",
        "peer-iterate",
        "inside",
        True,
        40,
    ),
    Target(
        "nDPI at default limits, one meter, iterated",
        "nfstream 6.6",
        "ndpi-iterate-1",
        "peer-ndpi-iterate",
        "inside",
        True,
        16,
    ),
    Target("nDPI, two meters on two cores", "one meter", "ndpi-2", "ndpi-1", "inside", True, 1.6),
    Target(
        "the same, iterated in Python",
        "one meter",
        "ndpi-iterate",
        "ndpi-iterate-1",
        "inside",
        True,
        None,
    ),
    Target("nDPI, two meters", "ndpiReader", "ndpi-2", "ndpireader", "process", True, 7),
    Target(
        "to_pandas() with nDPI, all meters",
        "nfstream 6.6",
        "ndpi-pandas",
        "peer-ndpi-pandas",
        "inside",
        True,
        24,
    ),
    Target(
        "the ack_count plugin, no nDPI",
        "nfstream 6.6",
        "plugin",
        "peer-plugin",
        "inside",
        True,
        10,
    ),
    Target(
        "peak memory, nDPI, iterated",
        "all processes of nfstream 6.6",
        "ndpi-iterate",
        "peer-ndpi-iterate",
        "memory",
        False,
        0.3,
    ),
    Target(
        "peak memory, nDPI, to_pandas()",
        "all processes of nfstream 6.6",
        "ndpi-pandas",
        "peer-ndpi-pandas",
        "memory",
        False,
        0.3,
    ),
    Target(
        "to_pandas() with nDPI, one meter",
        "the engine alone",
        "ndpi-pandas-1",
        "ndpi-flows-1",
        "inside",
        False,
        1.3,
    ),
    Target(
        "to_pandas() without nDPI, one meter",
        "the engine alone",
        "pandas-1",
        "flows-1",
        "inside",
        False,
        1.3,
    ),
    Target(
        "to_parquet() with nDPI, one meter",
        "the engine alone",
        "parquet-1",
        "ndpi-flows-1",
        "inside",
        False,
        1.15,
    ),
    Target(
        "the same, all meters",
        "the engine alone",
        "parquet",
        "ndpi-flows-2",
        "inside",
        False,
        1.15,
    ),
]

START = [
    Target(
        "import, and a capture of 38 flows to a list",
        "nfstream 6.6",
        "start",
        "peer-start",
        "process",
        False,
        0.3,
    ),
    Target(
        "the command on the same capture",
        "ndpiReader",
        "start-command",
        "ndpireader-start",
        "process",
        False,
        None,
    ),
    *(
        Target(
            f"memory of {what}, 8 × the flows",
            "1 × the flows",
            f"memory-{work}-8",
            f"memory-{work}-1",
            "memory",
            False,
            1.3,
        )
        for work, what in TABLES.items()
    ),
]
"""Comparisons that are not measured on the large traces."""
