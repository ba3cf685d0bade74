"""Ctrl-C as the end of a live run instead of its loss."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nfstream import _engine

if TYPE_CHECKING:
    from types import FrameType


@contextlib.contextmanager
def stopped_by_interrupt(run: _engine.Run) -> Iterator[None]:
    """Takes the first Ctrl-C as the wish to end a live run, as ``asyncio.run`` does for tasks.

    Without this it would strike in the body of a loop as likely as in the engine, and the flows
    that are still open would be lost to it. A handler of the program's own stays.
    """
    default = signal.default_int_handler
    if (
        not run.is_live
        or threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not default
    ):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if run.is_stopped:
            default(number, frame)
        run.stop()

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        # A loop that was left may be closed by another thread, which cannot set handlers.
        with contextlib.suppress(ValueError):
            if signal.getsignal(signal.SIGINT) is stop:
                signal.signal(signal.SIGINT, default)
