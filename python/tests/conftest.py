"""Paths of captures, and fixtures that several test files share."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "tests" / "captures"
SHARED = ROOT.parent / "shared"

SUFFIXES = (".pcap", ".pcapng", ".gz", ".zst")


def captures() -> list[Path]:
    """Returns the sample captures, sorted by name."""
    return sorted(path for path in CAPTURES.iterdir() if path.suffix in SUFFIXES)


def shared_captures() -> list[Path]:
    """Returns the captures next to the checkout, or an empty list."""
    folder = SHARED / "pcaps"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def plain(capture: Path) -> Path:
    """Returns the uncompressed version of a sample capture."""
    return capture.with_suffix("") if capture.suffix in (".gz", ".zst") else capture


def ordered_rows(streamer: NFStreamer) -> list[dict[str, Any]]:
    """Returns the flows of a streamer in the order of the reference: by id, then by time."""
    rows = [flow.to_dict() for flow in streamer]
    return sorted(rows, key=lambda row: (row["id"], row["first_seen"]))


def each(paths: list[Path], why_none: str) -> pytest.MarkDecorator:
    """Returns a mark that runs a test for each of `paths`, as the argument `capture`."""
    if not paths:
        return pytest.mark.parametrize(
            "capture", [pytest.param(None, marks=pytest.mark.skip(reason=why_none))]
        )
    return pytest.mark.parametrize("capture", paths, ids=lambda path: path.name)


if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    # Programs inherit an ignored signal, as under nohup, but not a handler.
    signal.signal(signal.SIGHUP, lambda *_: None)

each_capture = each(captures(), "no sample captures")
each_shared_capture = each(shared_captures(), f"there is no folder {SHARED / 'pcaps'}")


@pytest.fixture
def web() -> Path:
    """A capture with DNS, TLS, HTTP and ping."""
    return CAPTURES / "web.pcap"


@pytest.fixture
def long() -> Path:
    """A capture of two conversations with one pause each, for the timeouts."""
    return CAPTURES / "long.pcap"


@pytest.fixture
def redis() -> Path:
    """A capture of six short Redis conversations."""
    return CAPTURES / "redis.pcap"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published results and further captures; skips the test if it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"there is no folder {SHARED}")
    return SHARED


@pytest.fixture
def no_new_threads() -> Callable[[], None]:
    """Returns a function that checks that all threads of the engine have ended."""

    def running() -> set[str]:
        tasks = Path("/proc/self/task").iterdir()
        return {name for task in tasks if (name := name_of(task)).startswith("nfstream")}

    def check() -> None:
        deadline = time.monotonic() + 5
        while running() and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        assert running() == set()

    return check


def name_of(task: Path) -> str:
    """Returns the name of a thread, or an empty string if it has ended."""
    try:
        return (task / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class AckCount(NFPlugin):
    """Counts the packets with the ACK flag; the plugin of the documentation."""

    def on_init(self, pkt: NFPacket) -> int:
        return pkt.tcpflags.ack

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        flow.ack_count += pkt.tcpflags.ack
