"""The ``nfstream`` program that the package installs."""

import signal
import sys
from types import FrameType

from nfstream import _engine

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Runs the command line and returns its exit code."""
    ended_by = 0

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ended_by
        ended_by = number
        # The second ends the program at once.
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        # The engine asks now and then whether something like it was raised.
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, end)
    code = _engine.run_command(sys.argv)
    # By custom, 128 and the number of the signal.
    return 128 + ended_by if code == 128 + signal.SIGINT else code
