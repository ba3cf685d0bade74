"""Web servers, and a store with the interface of S3, that behave as tests require."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class Server(http.server.ThreadingHTTPServer):
    """Server of files in memory, by path; it counts and remembers requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.tags = True
        self.page = 1000
        """Keys in a page of a list."""
        self.requests: list[tuple[str, str | None]] = []
        """Paths with queries, and ranges."""
        self.authorizations: list[str | None] = []
        self.before: Callable[[int], None] = lambda number: None
        """Called with the number of each request, before it is answered."""
        self.failures: list[int] = []
        """Statuses of the next answers."""
        self.cuts: int | None = None
        """Bytes after which the next bodies end early."""
        self.surplus = 0
        """Bytes that ranges have beyond those that were wanted."""
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The URL of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores clients that have closed their connection."""

    def end(self) -> None:
        """Closes the port; connections that exist remain."""
        self.shutdown()
        self.server_close()

    def note(self, path: str, wanted: str | None, authorization: str | None) -> int | None:
        """Notes a request, and returns the status of a failure if one is due."""
        with self._lock:
            number = len(self.requests)
            self.requests.append((path, wanted))
            self.authorizations.append(authorization)
            self.before(number)
            return self.failures.pop(0) if self.failures else None


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        status = self.server.note(self.path, wanted, self.headers.get("Authorization"))
        if status is not None:
            self.answer(status, b"<Error><Code>Busy</Code><Message>Come later.</Message></Error>")
            return
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        if "list-type" in query:
            self.list(unquote(parts.path).strip("/"), query)
            return
        content = self.server.files.get(unquote(parts.path))
        if content is None:
            self.answer(404, b"<Error><Code>NoSuchKey</Code><Message>No key.</Message></Error>")
            return
        tag = {"ETag": f'"{hash(content)}"'} if self.server.tags else {}
        tag["Last-Modified"] = "Thu, 26 Nov 2026 00:00:00 GMT"
        if not self.server.ranges or wanted is None:
            self.answer(200, content, **tag)
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted)
        assert found is not None
        first, last = int(found[1]), min(int(found[2]), len(content) - 1)
        if first > last:
            self.answer(416, b"", **{"Content-Range": f"bytes */{len(content)}"})
            return
        extent = f"bytes {first}-{last}/{len(content)}"
        body = content[first : last + 1] + bytes(self.server.surplus)
        self.answer(206, body, **tag, **{"Content-Range": extent})

    do_HEAD = do_GET

    def list(self, bucket: str, query: dict[str, list[str]]) -> None:
        prefix = query.get("prefix", [""])[0]
        start = f"/{bucket}/{prefix}"
        entries = sorted(
            {
                (name[: name.index("/") + 1], True) if "/" in name else (name, False)
                for path in self.server.files
                if path.startswith(start) and (name := path[len(start) :]) is not None
            }
        )
        begin = int(query.get("continuation-token", ["0"])[0])
        end = begin + self.server.page
        lines = []
        for name, is_folder in entries[begin:end]:
            key = escape(prefix + name)
            if is_folder:
                lines.append(f"<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>")
                continue
            size = len(self.server.files[start + name])
            lines.append(
                f"<Contents><Key>{key}</Key><Size>{size}</Size><ETag>&quot;x&quot;</ETag>"
                "<LastModified>2026-11-26T00:00:00.000Z</LastModified></Contents>"
            )
        more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < len(entries) else ""
        truncated = "true" if more else "false"
        body = f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{''.join(lines)}"
        self.answer(200, f"{body}</ListBucketResult>".encode())

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        cut = self.server.cuts
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None and cut < len(body):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    """Runs a server until the block ends."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
