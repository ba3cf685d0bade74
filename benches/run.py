#!/usr/bin/env python3
"""Measures nfstream beside the programs that people use today: what `make bench` calls.

Builds everything, makes the traces, installs the other programs, runs all in turn and writes
`docs/benchmarks.md`. All it needs is a Rust toolchain, a C compiler, libndpi's headers, Python 3.10
and the network for the first time; what it makes lies in `bench-data`. About half an hour.

usage: benches/run.py [--rounds N] [--quick] [--only WORDS]

--quick runs two rounds on traces of a tenth of the length; figures of such short runs mean
little. The page then goes to `bench-data`, and so it does with --only, which takes parts of the
names of works, separated by commas: `--only walk,arrow-1,softflowd`.
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
    """What the rounds of one work took.

    Attributes:
        wall: Seconds of the whole process, for each round.
        inside: Seconds of the work as the program itself tells them.
        cpu: Seconds of processor time.
        peak_bytes: Most memory at once, in the warm-up round.
        flows: Flows found.
        packets: Packets found.
        values: Further figures, of the last round.
        problem: Why the work could not be done, or what is odd about its result.
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
    """One benchmark: its programs, its captures, its options."""

    def __init__(self, programs: Programs, works: list[Work], rounds: int) -> None:
        """Take what is to be run, and how often."""
        self._programs = programs
        self._works = works
        self._rounds = rounds

    def measure(self, captures: dict[str, Path], aside: bool) -> dict[str, Series]:
        """Run the works on their captures, in turn, and return what they took by their keys."""
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
            # Nobody always comes first.
            start = number * max(1, len(works) // max(1, self._rounds))
            for work in works[start:] + works[:start]:
                if series[work.key].problem is None and not (work.once and number):
                    self._time(work, captures, series[work.key])
        return series

    def _missing(self, work: Work, captures: dict[str, Path]) -> str | None:
        if work.aside is not None and work.aside not in captures:
            return "there is no such trace"
        if work.meters > len(os.sched_getaffinity(0)):
            return f"needs {work.meters} processors"
        program = work.command.split()[0]
        return None if program in self._programs.paths else "not installed"

    def _warm_up(self, work: Work, captures: dict[str, Path], series: Series) -> None:
        say(f"{work.who}: {work.what}")
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
    """Return the large traces by name, and the captures of the other works."""
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
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__ or "", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, help="timed rounds (default: 5, quick: 2)")
    parser.add_argument("--quick", action="store_true", help="shorter traces, two rounds")
    parser.add_argument("--only", default="", help="parts of names of works, with commas")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (2 if arguments.quick else 5)
    wanted = [word for word in arguments.only.split(",") if word]
    works = [w for w in WORKS if not wanted or any(word in w.key for word in wanted)]
    if not works:
        parser.error(f"no work has a name with {arguments.only}: {', '.join(w.key for w in WORKS)}")

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
    whole = not arguments.quick and not wanted
    target = ROOT / "docs/benchmarks.md" if whole else DATA / "benchmarks.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(page)
    print(page)
    say(f"written to {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
