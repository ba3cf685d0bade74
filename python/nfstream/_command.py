"""Entry point of the ``nfstream`` command."""

import signal
import sys
from types import FrameType

from nfstream import _engine, _installation

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Runs the command line and returns its exit code."""
    mistake = _installation.mistake()
    if mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 1
    ended_by = 0

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ended_by
        ended_by = number
        # A second signal ends the program at once.
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        # The engine checks for pending exceptions between steps.
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, end)
    code = _engine.run_command(sys.argv)
    # The convention of shells: 128 plus the number of the signal.
    return 128 + ended_by if code == 128 + signal.SIGINT else code
