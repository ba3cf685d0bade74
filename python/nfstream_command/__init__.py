"""Entry point of the ``nfstream`` command, outside its package so that it handles signals first.

Importing the package takes a while, and a signal during that time must neither be lost nor end in a
traceback. So this module imports only modules built into the interpreter; ``signal`` is not one.
"""

import _signal  # type: ignore[import-not-found]
import sys

_SIGNALS = [_signal.SIGINT, _signal.SIGTERM]
# SIGHUP is ignored under `nohup`.
if hasattr(_signal, "SIGHUP") and _signal.getsignal(_signal.SIGHUP) != _signal.SIG_IGN:
    _SIGNALS.append(_signal.SIGHUP)

_first = 0


def _record(number: int, frame: object) -> None:
    """Records the first signal; the second ends the process at once."""
    global _first
    if _first:
        _signal.signal(number, _signal.SIG_DFL)
        _signal.raise_signal(number)
    _first = number


for _number in _SIGNALS:
    _signal.signal(_number, _record)


def main() -> int:
    """Runs the command line and returns its exit code."""
    from nfstream import _engine, _installation

    mistake = _installation.mistake()
    if mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 1
    code = _engine.run_command(sys.argv, lambda: _first)
    # Only the interpreter itself is left to end.
    for number in _SIGNALS:
        _signal.signal(number, _signal.SIG_IGN)
    return code
