"""The full-screen view in a pseudo-terminal: keys, filters, and how it leaves the terminal."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from frames import udp_frame, write_pcap

fcntl = pytest.importorskip("fcntl")
pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")

COMMAND = Path(sys.executable).parent / "nfstream"
PATIENCE = 30
"""Seconds after which a hanging program fails its test, even on a busy machine."""

ENTERED = "\x1b[?1049h"
LEFT = "\x1b[?1049l"
SEQUENCE = re.compile(r"(\x1b\[([0-9;?]*)[A-Za-z])|(.)", re.DOTALL)


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, *arguments: str, size: tuple[int, int] = (80, 24), **env: str) -> None:
        self.keys, self.terminal = pty.openpty()
        self.resize(size)
        self.before = termios.tcgetattr(self.terminal)
        self.output = ""
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        if "PYTHONPATH" in os.environ:
            environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
        self.program = subprocess.Popen(
            [COMMAND, "top", *arguments],
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            env=environment | env,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def resize(self, size: tuple[int, int]) -> None:
        columns, rows = size
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self.keys, keys.encode())

    def read(self, seconds: float = 0.1) -> None:
        if select.select([self.keys], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                self.output += os.read(self.keys, 65536).decode(errors="replace")

    def screen(self) -> str:
        """Returns what is on the screen."""
        cells: dict[tuple[int, int], str] = {}
        row = column = 0
        for sequence, place, character in SEQUENCE.findall(self.output):
            if sequence.endswith("H"):
                row, column = (int(number) for number in place.split(";"))
            elif sequence.endswith("J"):
                cells.clear()
            elif character:
                cells[row, column] = character
                column += 1
        lines = []
        for y in range(1, 1 + max((row for row, _ in cells), default=0)):
            width = max((column for row, column in cells if row == y), default=0)
            lines.append("".join(cells.get((y, x), " ") for x in range(1, 1 + width)).rstrip())
        return "\n".join(lines)

    def wait_for(self, text: str) -> None:
        """Waits until `text` is on the screen."""
        limit = time.monotonic() + PATIENCE
        while text not in self.screen():
            assert time.monotonic() < limit, f"no {text!r} in\n{self.screen()}"
            assert self.program.poll() is None, self.output
            self.read()

    def end(self) -> tuple[int, str]:
        """Waits for the end; returns the exit code, and the text after the screen was left."""
        limit = time.monotonic() + PATIENCE
        while self.program.poll() is None:
            assert time.monotonic() < limit, "the program does not end"
            self.read()
        for _ in range(3):
            self.read()
        assert termios.tcgetattr(self.terminal) == self.before, "the terminal is as before"
        screen, left, rest = self.output.rpartition(LEFT)
        assert left, screen
        assert "\x1b[?25h" in rest, "the cursor is visible"
        for mode in ("1000", "1003", "1006", "2004"):
            off, on = self.output.rfind(f"\x1b[?{mode}l"), self.output.rfind(f"\x1b[?{mode}h")
            assert off > on, f"mode {mode} is off"
        return self.program.wait(), rest.replace("\x1b[?25h", "").replace("\r", "")

    def close(self) -> None:
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()
        for descriptor in (self.keys, self.terminal):
            with contextlib.suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Returns a capture of 40 flows within 2 seconds."""
    packets = [
        (number % 50 * 40_000 + 1_000 * (number // 50), udp_frame(1000 + number % 40, 53))
        for number in range(200)
    ]
    return write_pcap(tmp_path / "a.pcap", sorted(packets))


@pytest.fixture
def terminal(capture: Path) -> Iterator[Any]:
    started: list[Terminal] = []

    def start(*arguments: str, **options: Any) -> Terminal:
        started.append(Terminal(str(capture), *arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_keys_and_filters(terminal: Any) -> None:
    top = terminal("--speed", "max")
    top.wait_for("end of input")
    top.press("5")
    top.wait_for("UDP 53")
    top.press("\r")
    top.wait_for("dst_port == 53 && protocol == 17")
    top.press("/")
    top.press("\x15dst_prt == 53")
    top.wait_for("did you mean 'dst_port'?")
    # Enter does not apply it, and Escape leaves the filter as it was.
    top.press("\r")
    top.press("\x1b")
    top.wait_for("filter dst_port == 53")
    top.press("\r")
    top.wait_for("src_port")
    top.press("?")
    top.wait_for("Any key closes this help.")
    top.press("qq")
    assert top.end() == (0, "")


@pytest.mark.parametrize("how", ["q", "\x03", signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back(terminal: Any, how: str | signal.Signals) -> None:
    top = terminal()
    # The replay takes two seconds, so the flows are active.
    top.wait_for("40 active")
    if isinstance(how, str):
        top.press(how)
        assert top.end() == (0, "")
    else:
        top.program.send_signal(how)
        assert top.end() == (128 + how, "nfstream: interrupted: the view was closed\n")


def test_a_resize_draws_again(terminal: Any) -> None:
    top = terminal("--speed", "max", NO_COLOR="1")
    top.wait_for("end of input")
    for size in [(120, 40), (40, 10), (10, 3), (80, 24)]:
        top.resize(size)
        top.output = top.output.replace("nfstream", "earlier!").replace("at least", "earlier!")
        top.program.send_signal(signal.SIGWINCH)
        top.wait_for("nfstream top" if size[0] >= 40 else "at least")
    # crossterm returns a key that arrives together with a resize only with the next key.
    time.sleep(1)
    top.press("q")
    assert top.end() == (0, "")


def test_no_color_has_no_colours(terminal: Any) -> None:
    for env, has_colours in [({}, True), ({"NO_COLOR": "1"}, False)]:
        top = terminal("--speed", "max", **env)
        top.wait_for("end of input")
        top.press("q")
        top.end()
        colours = re.search(r"\x1b\[(3[0-7]|9[0-7]|38;|4[0-7]|48;)", top.output)
        assert bool(colours) == has_colours, colours


def test_a_terminal_that_goes_away_ends_the_program(terminal: Any) -> None:
    top = terminal("--speed", "0.01")
    top.wait_for("replay")
    os.close(top.keys)
    os.close(top.terminal)
    # The signal, or a failed write: the first that the program notices.
    assert top.program.wait(PATIENCE) in (128 + signal.SIGHUP, 1)


def test_a_pipe_is_no_screen(capture: Path) -> None:
    run = subprocess.run([COMMAND, "top", capture], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "error: nfstream top needs a terminal that can move its cursor; nfstream live and "
        "nfstream flows write to files and pipes\n"
    )


def test_a_dumb_terminal_is_no_screen(capture: Path) -> None:
    top = Terminal(str(capture), TERM="dumb")
    try:
        assert top.program.wait(PATIENCE) == 2
        top.read(1)
        assert top.output.startswith("error: nfstream top needs a terminal")
        assert termios.tcgetattr(top.terminal) == top.before
    finally:
        top.close()


def test_mistakes_on_the_command_line_leave_the_terminal_alone(tmp_path: Path) -> None:
    for arguments, message in [
        (["absent.pcap"], "absent.pcap"),
        (["--where", "dst_prt == 1"], "did you mean 'dst_port'?"),
        (["--speed", "0"], "expected a number"),
        (["no-such-interface"], "no such file or interface"),
    ]:
        top = Terminal(*arguments)
        try:
            assert top.program.wait(PATIENCE) in (1, 2)
            top.read(1)
            assert message in top.output, top.output
            assert ENTERED not in top.output
        finally:
            top.close()
