"""Makefile targets that keep user builds and test builds apart."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT


@pytest.mark.parametrize(("changed", "expected"), [(False, b"fast"), (True, b"slow")])
def test_tests_put_the_fast_build_back(tmp_path: Path, changed: bool, expected: bytes) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name, content in {
        "python/nfstream/_engine.abi3.so": b"slow",
        ".venv/fast.so": b"fast",
        "crates/nfstream/src/lib.rs": b"",
        "Cargo.toml": b"",
        "Cargo.lock": b"",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_000_000, 1_000_000))
    if changed:
        os.utime(tmp_path / "crates/nfstream/src/lib.rs", (2_000_000, 2_000_000))
    subprocess.run(["make", "restore"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "python/nfstream/_engine.abi3.so").read_bytes() == expected
    assert sorted(os.listdir(tmp_path / "python/nfstream")) == ["_engine.abi3.so"]


def test_every_target_that_builds_for_tests_puts_the_fast_build_back() -> None:
    text = (ROOT / "Makefile").read_text()
    recipes = text.split("\n.PHONY: ")[1:]
    temporary = ("$(DEVELOP)", "$(INSTALL) --release --features")
    builds = [recipe for recipe in recipes if any(build in recipe for build in temporary)]
    assert len(builds) >= 6
    for recipe in builds:
        assert "$(call TESTED," in recipe, recipe
