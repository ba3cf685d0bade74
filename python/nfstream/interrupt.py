"""Handlers that end a run over interfaces or pipes on a signal without losing flows."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from nfstream import _engine

if TYPE_CHECKING:
    from types import FrameType

_DEFAULTS: dict[signal.Signals, Callable[[int, FrameType | None], object] | signal.Handlers] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""The signals and their default handlers."""
if hasattr(signal, "SIGHUP"):
    _DEFAULTS[signal.SIGHUP] = signal.SIG_DFL


@contextlib.contextmanager
def stopped_by_interrupt(run: _engine.Run) -> Iterator[None]:
    """Ends a run over interfaces or pipes at the first Ctrl-C, SIGTERM or SIGHUP.

    Otherwise the exception could be raised in the body of the loop, and the loop would not get the
    flows that are still active. Handlers that the program has installed stay in place, and an
    ignored signal stays ignored.
    """
    if not run.is_stream or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if not run.is_stopped:
            run.stop()
            return
        # The second signal: default handling, at once.
        signal.signal(number, _DEFAULTS[signal.Signals(number)])
        signal.raise_signal(number)

    ours = [number for number, default in _DEFAULTS.items() if signal.getsignal(number) is default]
    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        # Another thread, which cannot set handlers, may close an unfinished loop.
        with contextlib.suppress(ValueError):
            for number in ours:
                if signal.getsignal(number) is stop:
                    signal.signal(number, _DEFAULTS[number])
