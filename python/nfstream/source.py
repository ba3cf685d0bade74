"""Sources of packets: names and URLs of captures, interfaces, bytes, and file objects."""

from __future__ import annotations

import io
import os
import re
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

Path = str | os.PathLike[str]
Source = Path | bytes | bytearray | memoryview | BinaryIO


def sources(source: object) -> list[Any]:
    """Returns the captures of ``source`` in a list: paths as text, bytes, or file objects.

    Raises:
        ValueError: If one of them cannot be a capture.
    """
    given = list(source) if isinstance(source, (list, tuple)) else [source]
    if not given or source is None:
        raise ValueError(
            "source must be the path of a capture file, a list of such paths, '-' for standard "
            f"input, bytes or a file object, not {source!r}"
        )
    return [_source(one) for one in given]


def name_of(source: object) -> str:
    """Returns the path of a source, its URL without secrets, or a name for other sources."""
    if isinstance(source, str):
        return _without_secrets(source) if is_url(source) else source
    if isinstance(source, bytes):
        return f"<{len(source)} bytes>"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "<file object>"


def is_url(source: str) -> bool:
    """Returns whether text is a URL."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source) is not None


def is_regular(source: object) -> bool:
    """Returns whether a source is a regular file or bytes, which can be read repeatedly."""
    return isinstance(source, bytes) or (isinstance(source, str) and os.path.isfile(source))


class _FromHere:
    """File object that each run reads from its original position."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def tell(self) -> int:
        return self._start


def _without_secrets(url: str) -> str:
    """Returns the URL of a web server without user, password and query, which may be a signature.

    The URL of a store has none: a question mark is part of a key or a pattern.
    """
    if not url.lower().startswith(("http://", "https://")):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0]
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()


def _source(source: object) -> Any:
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        return path if isinstance(path, str) else os.fsdecode(path)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, io.BytesIO):
        return source.getvalue()
    if isinstance(source, io.TextIOBase):
        raise ValueError(f"source must be opened in binary mode, as open(path, 'rb'): {source!r}")
    if not callable(getattr(source, "read", None)):
        raise ValueError(
            f"source must hold paths of capture files, bytes or file objects, not {source!r}"
        )
    seekable = getattr(source, "seekable", None)
    has_positions = callable(seekable) and seekable()
    return _FromHere(cast("BinaryIO", source)) if has_positions else source
