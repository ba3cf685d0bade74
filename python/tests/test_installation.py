"""The package and the command, installed before or after the package ``nfstream`` from PyPI."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nfstream
from conftest import ROOT

IMPORT = "import nfstream"
COMMAND = "import sys; from nfstream_command import main; sys.exit(main())"
# Warnings as users see them.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of installed packages that holds this one."""
    installed = Path(nfstream.__file__).parent
    for package in (installed, installed.with_name("nfstream_command")):
        for path in package.rglob("*.py"):
            copy = tmp_path / package.name / path.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    (engine,) = installed.glob("_engine*.so")
    (tmp_path / "nfstream" / engine.name).symlink_to(engine)
    return tmp_path


def run(packages: Path, program: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Runs a Python program that imports only from ``packages``."""
    return subprocess.run(
        [sys.executable, "-S", "-c", program, *args],
        capture_output=True,
        text=True,
        env=ENVIRONMENT | {"PYTHONPATH": str(packages)},
    )


def install_other(packages: Path) -> None:
    """Writes files of the other package as pip does, overwriting existing ones."""
    package = packages / "nfstream"
    (package / "engine").mkdir()
    (package / "engine" / "__init__.py").touch()
    (package / "__init__.py").write_text("from .streamer import NFStreamer\n__version__ = '6.6.0'")
    (package / "streamer.py").write_text("class NFStreamer: pass\n")


def install_ours(packages: Path) -> None:
    """Writes the files of this package, overwriting existing ones."""
    installed = Path(nfstream.__file__).parent
    for name in ("__init__.py", "streamer.py"):
        shutil.copy(installed / name, packages / "nfstream" / name)


def test_alone_it_is_silent(packages: Path) -> None:
    for program in (IMPORT, COMMAND):
        done = run(packages, program, "--version")
        assert (done.returncode, done.stderr) == (0, "")


def test_the_import_warns_if_it_was_installed_second(packages: Path) -> None:
    install_other(packages)
    install_ours(packages)
    done = run(packages, IMPORT + "; print(nfstream.NFStreamer.__module__)")
    assert (done.returncode, done.stdout) == (0, "nfstream.streamer\n")
    assert done.stderr.splitlines()[0] == (
        "<string>:1: RuntimeWarning: nfstream-rs was installed over the package nfstream, and "
        "removing that package would delete files of both; run: "
        "pip uninstall -y nfstream nfstream-rs && pip install nfstream-rs"
    )


def test_the_command_warns_if_it_was_installed_second(packages: Path) -> None:
    install_other(packages)
    install_ours(packages)
    done = run(packages, COMMAND, "--version")
    assert done.returncode == 0 and "(package nfstream-rs)" in done.stdout
    assert "nfstream-rs was installed over the package nfstream" in done.stderr


def test_the_command_ends_if_it_was_installed_first(packages: Path) -> None:
    install_other(packages)
    done = run(packages, COMMAND, "--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: the package nfstream was installed over nfstream-rs and replaced files; run: "
        "pip uninstall -y nfstream nfstream-rs && pip install nfstream-rs\n"
    )


def test_the_command_ends_if_the_other_package_was_removed(packages: Path) -> None:
    install_other(packages)
    shutil.rmtree(packages / "nfstream" / "engine")
    for name in ("__init__.py", "streamer.py"):
        (packages / "nfstream" / name).unlink()
    done = run(packages, COMMAND, "--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: files of nfstream-rs are missing; run: pip install --force-reinstall nfstream-rs\n"
    )


def test_the_service_uses_options_of_the_command(packages: Path) -> None:
    unit = (ROOT / "deploy" / "nfstream@.service").read_text()
    command = re.search(r"^ExecStart=/usr/bin/nfstream live %I (.*)$", unit, re.MULTILINE)
    assert command is not None
    options = re.findall(r"(?<!\S)--?[a-z-]+", command[1])
    assert options == ["--every", "-o"]
    done = run(packages, COMMAND, "live", "--help")
    for option in options:
        assert re.search(rf"(?<!\S){option}\b", done.stdout), option
