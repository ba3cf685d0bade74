"""Progress bar of long runs in notebooks and interactive sessions, with tqdm if it is installed."""

from __future__ import annotations

import builtins
import importlib
import sys
import threading
from collections.abc import Callable
from typing import Any

_SILENCE = 1.0
"""Seconds before the bar appears: most runs have ended by then."""
_INTERVAL = 0.2


def is_wanted() -> bool:
    """Returns whether a person is waiting: in a notebook, IPython or an interactive session."""
    return hasattr(sys, "ps1") or hasattr(builtins, "get_ipython")


class Progress:
    """Bar that follows a run until its end.

    Args:
        progress: Function that returns the bytes read so far, and those of all files if known.
        bar: Class of the bar, with the interface of ``tqdm.tqdm``.
    """

    def __init__(
        self, progress: Callable[[], tuple[int, int | None]], bar: Callable[..., Any]
    ) -> None:
        self._progress = progress
        self._bar = bar
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="nfstream-progress", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Completes and closes the bar."""
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        if self._ended.wait(_SILENCE):
            return
        _, total = self._progress()
        with self._bar(total=total, unit="B", unit_scale=True, desc="nfstream", leave=False) as bar:
            while True:
                has_ended = self._ended.wait(_INTERVAL)
                read, total = self._progress()
                bar.total = total
                bar.update(read - bar.n)
                if has_ended:
                    return


def start(progress: Callable[[], tuple[int, int | None]]) -> Progress | None:
    """Starts a bar if a person is waiting and tqdm is installed."""
    if not is_wanted():
        return None
    try:
        tqdm = importlib.import_module("tqdm.auto")
    except ImportError:
        return None
    return Progress(progress, tqdm.tqdm)
