#!/usr/bin/env python3
"""Compares nfstream with other programs, for `make bench`.

Builds everything, makes the traces, installs the other programs, runs them in turn and writes
`docs/benchmarks.md`. Needs a Rust toolchain, a C compiler, libndpi's headers, Python 3.10 and, the
first time, network access. Files go to `bench-data`. Takes about half an hour.

usage: benches/run.py [--rounds N] [--quick] [--only WORDS]

--quick runs two rounds on traces of a tenth of the length, which gives only rough figures. --only
takes parts of the names of works, separated by commas: `--only walk,arrow-1,softflowd`. With
either option the page goes to `bench-data`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import report
import traces
from measure import Outcome, refill_page_cache, run
from programs import DATA, ROOT, SHARED, Programs, prepare, say
from works import CHECKS, TRAFFIC, WORKS, Report, Work


@dataclass
class Series:
    """Measurements of all rounds of one work.

    Attributes:
        wall: Seconds of the whole process, for each round.
        inside: Seconds of the work, as the program itself reports them.
        cpu: Seconds of CPU time.
        peak_bytes: Peak memory in the warm-up round.
        flows: Flows found.
        packets: Packets found.
        values: Further figures of the last round.
        problem: Reason why the work failed or could not run.
    """

    wall: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_bytes: int | None = None
    flows: int | None = None
    packets: int | None = None
    values: dict[str, object] = field(default_factory=dict)
    problem: str | None = None


class Bench:
    """A benchmark run: programs, works and number of rounds."""

    def __init__(self, programs: Programs, works: list[Work], rounds: int) -> None:
        """Keep the programs, the works and the number of rounds."""
        self._programs = programs
        self._works = works
        self._rounds = rounds

    def measure(self, captures: dict[str, Path], aside: bool) -> dict[str, Series]:
        """Run the works on their captures in turn, and return the measurements by key."""
        works = [work for work in self._works if (work.aside is not None) == aside]
        series = {work.key: Series() for work in works}
        for work in works:
            if (missing := self._missing(work, captures)) is not None:
                series[work.key].problem = missing
        self._refill(captures)
        for work in works:
            if series[work.key].problem is None:
                self._warm_up(work, captures, series[work.key])
        for number in range(self._rounds):
            say(f"round {number + 1} of {self._rounds}")
            self._refill(captures)
            # Each round starts with another work, so that none is always first.
            start = number * max(1, len(works) // max(1, self._rounds))
            for work in works[start:] + works[:start]:
                if series[work.key].problem is None and not (work.once and number):
                    self._time(work, captures, series[work.key])
        return series

    def _missing(self, work: Work, captures: dict[str, Path]) -> str | None:
        if work.aside is not None and work.aside not in captures:
            return "the trace is missing"
        if work.meters > len(os.sched_getaffinity(0)):
            return f"needs {work.meters} processors"
        program = work.command.split()[0]
        return None if program in self._programs.paths else "not installed"

    def _warm_up(self, work: Work, captures: dict[str, Path], series: Series) -> None:
        say(f"{work.program}: {work.what}")
        with tempfile.TemporaryDirectory(dir=DATA) as folder:
            outcome = run(self._command(work.command, captures, folder), memory=True)
            series.peak_bytes = outcome.peak_bytes
            found = self._report(work, outcome, series)
            if work.check and series.problem is None:
                outcome = run(self._command(work.check, captures, folder))
                read = CHECKS.get(work.key, work.read)
                found = read(outcome.output) if outcome.code == 0 else Report()
        series.flows, series.packets = found.flows, found.packets

    def _time(self, work: Work, captures: dict[str, Path], series: Series) -> None:
        with tempfile.TemporaryDirectory(dir=DATA) as folder:
            outcome = run(self._command(work.command, captures, folder))
        found = self._report(work, outcome, series)
        series.wall.append(outcome.wall_s)
        series.cpu.append(outcome.cpu_s)
        series.inside.append(outcome.wall_s if found.seconds is None else found.seconds)
        if found.values:
            series.values = found.values

    @staticmethod
    def _report(work: Work, outcome: Outcome, series: Series) -> Report:
        if outcome.code != 0:
            last = outcome.output.strip().splitlines()[-1:]
            series.problem = f"ended with {outcome.code}: {' '.join(last)}"
            say(f"{work.key} {series.problem}")
            return Report()
        return work.read(outcome.output)

    def _command(self, command: str, captures: dict[str, Path], folder: str) -> list[str]:
        names = self._programs.paths | {name: str(path) for name, path in captures.items()}
        words = command.split()
        program = names.get(words[0]) or shutil.which(words[0]) or words[0]
        rest = [names.get(word, word.replace("TMP", folder, 1)) for word in words[1:]]
        return [program, *rest]

    @staticmethod
    def _refill(captures: dict[str, Path]) -> None:
        for path in captures.values():
            refill_page_cache(path)


def make_traces(python: str, quick: bool) -> tuple[dict[str, Path], dict[str, Path]]:
    """Make the traces; return the large ones by name, and the captures of the other works."""
    folder = DATA / "traces"
    folder.mkdir(exist_ok=True)
    part = 10 if quick else 1
    suffix = "-quick.pcap" if quick else ".pcap"
    large, aside = {}, {}
    tool = SHARED / "tools/mktrace.py"
    if tool.exists():
        large["standard"] = folder / f"standard{suffix}"
        aside["STANDARD"], aside["LONG"] = large["standard"], folder / f"long{suffix}"
        for path, times in ((large["standard"], 1), (aside["LONG"], 8)):
            if path.exists():
                continue
            say(f"making {path.name}")
            unfinished = folder / "standard.part"
            command = [python, str(tool), str(unfinished), str(SHARED / "pcaps")]
            replicas = ["--replicas", str(95 // part * times)]
            subprocess.run([*command, *replicas], stdout=sys.stderr, check=True)
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.rename(path)
    large["mix"] = folder / f"mix{suffix}"
    aside["OPEN"] = folder / f"open{suffix}"
    aside["SETTLED"] = folder / f"settled{suffix}"
    samples = ROOT / "tests/captures"
    makers: list[tuple[Path, Callable[[Path], None]]] = [
        (large["mix"], lambda path: traces.mix(path, samples, 1_000_000 // part)),
        (aside["OPEN"], lambda path: traces.concurrent(path, 200_000 // part, settled=False)),
        (aside["SETTLED"], lambda path: traces.concurrent(path, 50_000 // part, settled=True)),
    ]
    for path, make in makers:
        if not path.exists():
            say(f"making {path.name}")
            make(path)
    small = SHARED / "pcaps/instagram.pcap"
    aside["SMALL"] = small if small.exists() else samples / "web.pcap"
    aside["WEB"] = samples / "web.pcap"
    return large, aside


def main() -> None:
    """Run the benchmark and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__ or "", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, help="timed rounds (default: 5, quick: 2)")
    parser.add_argument("--quick", action="store_true", help="shorter traces, two rounds")
    parser.add_argument("--only", default="", help="parts of names of works, separated by commas")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (2 if arguments.quick else 5)
    words = [word for word in arguments.only.split(",") if word]
    works = [w for w in WORKS if not words or any(word in w.key for word in words)]
    if not works:
        parser.error(f"no work matches {arguments.only}; works: {', '.join(w.key for w in WORKS)}")

    programs = prepare()
    large, aside = make_traces(programs.paths["OURS"], arguments.quick)
    bench = Bench(programs, works, rounds)
    load = [os.getloadavg()[0]]
    results = {}
    for name, path in large.items():
        say(f"the {name} trace")
        results[name] = bench.measure({TRAFFIC: path}, aside=False)
        load.append(os.getloadavg()[0])
    say("start-up, memory of flows, Python objects")
    results["aside"] = bench.measure(aside, aside=True)
    load.append(os.getloadavg()[0])

    raw = {name: {key: asdict(s) for key, s in series.items()} for name, series in results.items()}
    (DATA / "results.json").write_text(json.dumps(raw, indent=1))
    page = report.page(
        results,
        report.Setting(
            versions=programs.versions,
            sizes={name: path.stat().st_size for name, path in large.items()},
            rounds=rounds,
            quick=arguments.quick,
            small=aside["SMALL"].name,
            load=max(load),
        ),
    )
    whole = not arguments.quick and not words
    target = ROOT / "docs/benchmarks.md" if whole else DATA / "benchmarks.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(page)
    print(page)
    say(f"written to {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
