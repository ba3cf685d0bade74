"""Entry point of the ``nfstream`` command, outside its package: it handles signals first.

Importing the package takes a while, in which a signal must neither be lost nor end in a traceback.
"""

import signal
import sys
from types import FrameType

_SIGNALS = [signal.SIGINT, signal.SIGTERM]
# `nohup` has SIGHUP ignored.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
    _SIGNALS.append(signal.SIGHUP)

_first = 0


def _record(number: int, frame: FrameType | None) -> None:
    """Records the first signal; the second ends the process at once."""
    global _first
    if _first:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    _first = number


for _number in _SIGNALS:
    signal.signal(_number, _record)


def main() -> int:
    """Runs the command line and returns its exit code."""
    from nfstream import _engine

    code = _engine.run_command(sys.argv, lambda: _first)
    # Nothing is left to be ended but the interpreter.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    return code
