"""Builds nfstream and installs the programs that it is compared with, in `bench-data`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCHES = ROOT / "benches"
DATA = ROOT / "bench-data"
SHARED = ROOT.parent / "shared"

PEER = "6.6.0"
DEBIAN = {
    "argus": "argus-server",
    "ndpiReader": "libndpi-bin",
    "nfpcapd": "nfdump",
    "racount": "argus-client",
    "softflowd": "softflowd",
    "tshark": "tshark",
}
"""Debian packages of the other programs."""


@dataclass(frozen=True)
class Programs:
    """Paths by their placeholders in commands, and versions by program."""

    paths: dict[str, str]
    versions: dict[str, str]


def prepare() -> Programs:
    """Build and install all programs; print the names of those that are not available."""
    # Debian installs servers in a folder that is only in root's PATH.
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    DATA.mkdir(exist_ok=True)
    _install_debian()
    ours = _environment("ours", ["maturin>=1.9,<2", "numpy", "pandas>=2.2", "pyarrow>=16"])
    paths = {"OURS": str(ours), "WORKER": str(BENCHES / "worker.py")}
    say("building the engine and the package")
    paths["PASSES"] = _build_passes()
    paths["WALK"] = _build_walk()
    _build_package(ours)
    versions = {"rustc": _line(["rustc", "--version"]).removeprefix("rustc ")}
    versions["Python"] = _line([str(ours), "--version"]).removeprefix("Python ")
    code = "from nfstream import _engine as e; v = e.versions(); print(v['nfstream'], v['ndpi'])"
    versions["nfstream"], versions["libndpi"] = _line([str(ours), "-c", code]).split()
    for library in ("pandas", "pyarrow"):
        code = f"import {library}; print({library}.__version__)"
        versions[library] = _line([str(ours), "-c", code])
    if (command := ours.with_name("nfstream")).exists():
        paths["NFSTREAM"] = str(command)
    try:
        paths["PEER"] = str(_environment("peer", [f"nfstream=={PEER}"]))
        code = "import pandas; print(pandas.__version__)"
        versions[f"nfstream {PEER}"] = f"with pandas {_line([paths['PEER'], '-c', code])}"
    except subprocess.CalledProcessError:
        say(f"nfstream {PEER} cannot be installed: continuing without it")
    for program, package in DEBIAN.items():
        if path := shutil.which(program):
            paths[program] = path
            query = ["dpkg-query", "--show", "--showformat=${Version}", package]
            versions[program] = _line(query, otherwise="not from Debian")
    return Programs(paths, versions)


def say(text: str) -> None:
    """Print a progress message to standard error."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _install_debian() -> None:
    missing = {package for program, package in DEBIAN.items() if not shutil.which(program)}
    if not missing:
        return
    names = " ".join(sorted(missing))
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing {names}")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing]
        for command in (["apt-get", "update", "--quiet"], install):
            done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
            if done.returncode != 0:
                say(f"{' '.join(command)} failed: continuing without the missing programs")
    else:
        say(f"continuing without {names}: install with apt-get install {names}")


def _environment(name: str, requirements: list[str]) -> Path:
    """Return the interpreter of a virtual environment with `requirements`."""
    folder = DATA / f"{name}-venv"
    python, done = folder / "bin/python", folder / "requirements"
    required = "\n".join([sys.version, *requirements])
    if not done.exists() or done.read_text() != required:
        say(f"installing {', '.join(requirements)}")
        venv.create(folder, with_pip=True, clear=True)
        _call([str(python), "-m", "pip", "install", "--quiet", *requirements])
        done.write_text(required)
    return python


def _build_passes() -> str:
    command = ["cargo", "bench", "--package", "nfstream", "--bench", "passes", "--no-run"]
    command.append("--message-format=json")
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = map(json.loads, built.stdout.splitlines())
    executables = [message.get("executable") for message in messages]
    return str(next(path for path in reversed(executables) if path))


def _build_walk() -> str:
    program = str(DATA / "walk")
    _call(["cc", "-O2", "-Wall", "-Wextra", "-o", program, str(BENCHES / "walk.c")])
    return program


def _build_package(python: Path) -> None:
    wheels = DATA / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    maturin = [str(python), "-m", "maturin", "build", "--release", "--quiet"]
    # The wheel is for this machine: it uses the system's libndpi instead of a bundled copy.
    maturin += ["--auditwheel", "skip"]
    _call([*maturin, "--interpreter", str(python), "--out", str(wheels)])
    (wheel,) = wheels.glob("*.whl")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall"]
    _call([*pip, str(wheel)])


def _call(command: list[str]) -> None:
    # Standard output is for the results only.
    subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=True)


def _line(command: list[str], otherwise: str | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=otherwise is None)
    return done.stdout.strip() if done.returncode == 0 else otherwise or ""
