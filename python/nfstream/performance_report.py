"""Lines of counts and rates during a run, for the parameter ``performance_report``."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any


class PerformanceReport:
    """Writes counts and rates to standard error, one line every ``interval`` seconds.

    Args:
        interval: Seconds between two lines.
        stats: Returns the counts so far.
    """

    def __init__(self, interval: float, stats: Callable[[], Mapping[str, Any]]) -> None:
        self._interval = interval
        self._stats = stats
        self._start = self._time = time.monotonic()
        self._before = stats()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name="nfstream-report", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Writes the last line, for the time since the line before."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            self._write()

    def _repeat(self) -> None:
        while not self._ended.wait(self._interval):
            self._write()

    def _write(self) -> None:
        now = time.monotonic()
        stats = self._stats()
        span = max(now - self._time, 1e-9)

        def total(name: str) -> str:
            return f"{stats[name]:,} {name.replace('_', ' ')}"

        def rated(name: str) -> str:
            return f"{total(name)} ({(stats[name] - self._before[name]) / span:,.0f}/s)"

        parts = [
            rated("packets"),
            f"{sum(stats['ignored'].values()):,} ignored",
            rated("flows"),
            total("active_flows"),
            rated("dropped_by_kernel"),
            total("dropped_by_interface"),
        ]
        print(f"nfstream {now - self._start:.1f} s: {', '.join(parts)}", file=sys.stderr)
        self._time, self._before = now, stats
