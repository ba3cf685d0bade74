"""Runs a program to its end and tells what it took."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """What a program took and said.

    Attributes:
        wall_s: Seconds from its start to its end.
        cpu_s: Seconds of processor time, user and system, of it and its children.
        peak_bytes: Most memory that all its processes had at once; None if not looked at.
        output: What it printed, standard error behind standard output.
        code: Its exit code.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int | None
    output: str
    code: int


def run(command: list[str], *, memory: bool = False) -> Outcome:
    """Run a command to its end.

    Args:
        command: Program and arguments.
        memory: Whether to watch its memory. Watching slows it down, so time it without.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        watch = _Watch(process.pid) if memory else None
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = watch.stop() if watch else None
        text = ""
        for file in (out, err):
            file.seek(0)
            text += file.read().decode(errors="replace")
    return Outcome(wall, usage.ru_utime + usage.ru_stime, peak, text, process.returncode)


class _Watch:
    """Looks at the memory of a process and its descendants every few milliseconds.

    Counted is `Pss_Anon + Pss_Shmem` of `/proc/PID/smaps_rollup`: memory that no file backs, and
    of what processes share after a fork to each its part. Pages of mapped files, which the
    system can drop at any time and which other programs share, are left out.
    """

    PERIOD_S = 0.002

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._ended.wait(self.PERIOD_S):
            self._peak = max(self._peak, sum(_memory(pid) for pid in _family(self._pid)))


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        for thread in threads:
            for child in (thread / "children").read_text().split():
                yield from _family(int(child))
    except OSError:
        return  # It has ended meanwhile.


def _memory(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in lines[1:] if ":" in line)
    return sum(int(fields[name].split()[0]) * 1024 for name in ("Pss_Anon", "Pss_Shmem"))


def refill_page_cache(path: Path) -> None:
    """Drop a file from the page cache and read it once, as if it were a fresh copy.

    How fast pages can be mapped depends on how large the pieces are in which the page cache holds
    them, which differs from one reading to the next.
    """
    with path.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while file.read(1 << 20):
            pass
