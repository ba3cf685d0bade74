"""Runs a program to its end and measures its time and memory."""

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
    """Measurements and output of one program.

    Attributes:
        wall_s: Seconds from start to end.
        cpu_s: Seconds of CPU time, user and system, including child processes.
        peak_bytes: Peak memory of all processes together; None if not measured.
        output: Standard output, then standard error.
        code: Exit code.
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
        memory: Whether to sample the memory, which slows the program down.
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
    """Samples the memory of a process and its descendants every few milliseconds.

    The sum of `Pss_Anon + Pss_Shmem` of `/proc/PID/smaps_rollup` counts memory without a file
    behind it, and divides pages that processes share after a fork between them. It leaves out
    pages of mapped files, which the system can drop at any time and other programs share.
    """

    PERIOD_S = 0.002

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
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
        return  # The process has ended.


def _memory(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in lines[1:] if ":" in line)
    return sum(int(fields[name].split()[0]) * 1024 for name in ("Pss_Anon", "Pss_Shmem"))


def refill_page_cache(path: Path) -> None:
    """Drop a file from the page cache and read it once, as if it were a fresh copy.

    The time to map pages depends on the size of the pieces in the page cache, which differs from
    one read of the file to the next.
    """
    with path.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while file.read(1 << 20):
            pass
