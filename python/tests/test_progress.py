"""Progress bar of long runs."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from nfstream import NFStreamer, progress


class Bar:
    """Bar with the interface of tqdm."""

    made: ClassVar[list[Bar]] = []

    def __init__(self, total: int | None, **options: Any) -> None:
        self.n, self.total, self.is_closed = 0, total, False
        Bar.made.append(self)

    def update(self, more: int) -> None:
        self.n += more

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.is_closed = True


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook with tqdm, whose bars appear at once."""
    Bar.made = []
    monkeypatch.setitem(sys.modules, "tqdm.auto", SimpleNamespace(tqdm=Bar))
    monkeypatch.setattr(builtins, "get_ipython", object, raising=False)
    monkeypatch.setattr(progress, "_SILENCE", 0)


def test_a_bar_follows_a_run_in_a_notebook(redis: Path, notebook: None) -> None:
    assert len(list(NFStreamer(redis))) == 6
    [bar] = Bar.made
    assert bar.is_closed and bar.n == bar.total == redis.stat().st_size


def test_a_failed_run_closes_its_bar(redis: Path, notebook: None) -> None:
    streamer = NFStreamer(redis)
    flows = iter(streamer)
    next(flows)
    del flows
    assert all(bar.is_closed for bar in Bar.made)


def test_scripts_have_no_bar(redis: Path, notebook: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(builtins, "get_ipython")
    assert len(list(NFStreamer(redis))) == 6
    assert Bar.made == []


def test_without_tqdm_there_is_no_bar(
    redis: Path, notebook: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert len(list(NFStreamer(redis))) == 6
    assert Bar.made == []
