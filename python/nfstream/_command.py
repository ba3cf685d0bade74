"""The ``nfstream`` command, for programs that import it from this package."""

from nfstream_command import main

__all__ = ["main"]
