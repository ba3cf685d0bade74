"""Ctrl-C and SIGTERM as the end of a live run instead of its loss."""

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
"""The signals, and how they are handled where a program has not said otherwise."""


@contextlib.contextmanager
def stopped_by_interrupt(run: _engine.Run) -> Iterator[None]:
    """Takes the first Ctrl-C or SIGTERM as the wish to end a live run, as ``asyncio.run`` does.

    Without this it would strike in the body of a loop as likely as in the engine, and the flows
    that are still open would be lost to it. A handler of the program's own stays.
    """
    if not run.is_live or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if not run.is_stopped:
            run.stop()
            return
        # The second: at once, as if nobody had handled the first.
        signal.signal(number, _DEFAULTS[signal.Signals(number)])
        signal.raise_signal(number)

    ours = [number for number, default in _DEFAULTS.items() if signal.getsignal(number) is default]
    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        # A loop that was left may be closed by another thread, which cannot set handlers.
        with contextlib.suppress(ValueError):
            for number in ours:
                if signal.getsignal(number) is stop:
                    signal.signal(number, _DEFAULTS[number])
