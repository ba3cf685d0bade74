"""Declarations of the laboratory's exchanges, and the bench on which they run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from namespaces import PATH, SERVER4, SITES, Lab, Unavailable

HERE = Path(__file__).resolve().parent
NAMES = {**{name: pair[0] for name, pair in SITES.items()}, "server.example.com": SERVER4}
TCP, UDP = 6, 17


@dataclass(frozen=True)
class Expected:
    """Expected label and columns of the flows to a port."""

    protocol: int
    port: int
    label: str
    columns: dict[str, object]

    def to_json(self) -> dict[str, object]:
        """Returns the row of the table."""
        return {
            "protocol": self.protocol,
            "port": self.port,
            "label": self.label,
            "columns": self.columns,
        }


@dataclass(frozen=True)
class Exchange:
    """A conversation between programs."""

    programs: tuple[str, ...]
    expected: tuple[Expected, ...]
    run: Callable[[Bench], None]
    filter: str


EXCHANGES: dict[str, Exchange] = {}


def tcp(port: int, label: str, **columns: object) -> Expected:
    """Returns the expectation for connections to `port`."""
    return Expected(TCP, port, label, columns)


def udp(port: int, label: str, **columns: object) -> Expected:
    """Returns the expectation for datagrams to `port`."""
    return Expected(UDP, port, label, columns)


def exchange(
    *programs: str, expect: tuple[Expected, ...], only: str = "not arp and not icmp6"
) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Declares the exchange that a function runs between Debian packages and other projects.

    A project of PyPI is written as `pypi:NAME`, one of npm as `npm:NAME`, and one of crates.io as
    `crates:NAME`.
    """

    def declare(run: Callable[[Bench], None]) -> Callable[[Bench], None]:
        EXCHANGES[run.__name__] = Exchange(programs, expect, run, only)
        return run

    return declare


class Bench:
    """The namespaces of an exchange, and short forms for its servers and clients."""

    def __init__(self, lab: Lab, venv: Path, out: Path, only: str) -> None:
        self.lab = lab
        self.work = lab.work
        self.venv = venv
        self.out = out
        self._only = only
        hosts = "".join(f"{address} {name}\n" for name, address in NAMES.items())
        (self.work / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}")

    def file(self, name: str, text: str, mode: int = 0o644) -> Path:
        """Writes a file into the working directory."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def folder(self, name: str, owner: str = "") -> Path:
        """Creates a directory that belongs to a system user."""
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        if owner:
            shutil.chown(path, owner)
        return path

    def serve(self, *command: str | Path, port: int = 0, line: str = "") -> None:
        """Starts a server."""
        self.lab.start(self.lab.server, find(str(command[0])), *command[1:], port=port, line=line)

    def serve_python(self, code: str, *arguments: str, port: int = 0) -> None:
        """Starts a server written in Python."""
        script = self.file(f"server{len(self.lab.logs)}.py", code)
        python = self.venv / "bin/python"
        self.lab.start(self.lab.server, python, script, *arguments, port=port)

    def crate(self, program: str) -> Path:
        """Returns the path of a program from crates.io."""
        path = self.venv / "bin" / program
        if not path.exists():
            raise Unavailable(f"{program} is not installed")
        return path

    def record(self, *command: str | Path, check: bool = True, seconds: float = 0) -> str:
        """Runs the client and records the exchange."""
        return self.record_all(list(command), check=check, seconds=seconds)

    def record_all(
        self, *commands: list[str | Path], check: bool = True, seconds: float = 0
    ) -> str:
        """Runs several clients in turn and records them."""
        output = ""
        with self.lab.capture(self.out, self._only):
            for command in commands:
                words = [find(str(command[0])), *command[1:]]
                output += self.lab.near(*words, check=check)
            time.sleep(seconds)
        return output

    def record_python(self, code: str, *arguments: str, check: bool = True) -> str:
        """Runs a client written in Python, and records it."""
        script = self.file("client.py", code)
        return self.record(self.venv / "bin/python", script, *arguments, check=check)


def find(program: str) -> str:
    """Returns the path of a program."""
    path = shutil.which(program, path=f"{PATH}:/usr/lib/postgresql/15/bin:/usr/lib/ipsec")
    if path is None:
        raise Unavailable(f"{program} is missing")
    return path
