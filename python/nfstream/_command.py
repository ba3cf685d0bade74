"""The ``nfstream`` program that the package installs."""

import sys

from nfstream import _engine


def main() -> int:
    """Runs the command line and returns its exit code."""
    return _engine.run_command(sys.argv)
