"""The sandbox of the command, attacked from inside by `hole.c`."""

import contextlib
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import CAPTURES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")

COMMAND = Path(sys.executable).parent / "nfstream"
SOURCE = Path(__file__).with_name("hole.c")
NOBODY = 65_534
PATIENCE = 60
THREADS = ("early", "engine")
"""The attacking threads: one that the library starts, and one of the engine."""


@pytest.fixture(scope="module")
def hole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is missing")
    folder = tmp_path_factory.mktemp("hole")
    library = folder / "hole.so"
    flags = ["-shared", "-fPIC", "-pthread", "-Wall", "-Werror"]
    subprocess.run([compiler, *flags, "-o", library, SOURCE], check=True)
    for path in (folder, *list(folder.parents)[:2]):
        path.chmod(0o755)
    return library


@pytest.fixture(scope="module", autouse=True)
def system() -> None:
    call = [str(COMMAND), "flows", str(CAPTURES / "redis.pcap"), "--sandbox"]
    done = subprocess.run(call, capture_output=True, text=True)
    if "this system has no" in done.stderr:
        pytest.skip("this system has no sandbox")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


class Place:
    """A folder with files that an attack would change."""

    def __init__(self, folder: Path, user: int) -> None:
        self.folder = folder
        self.secret = folder / "secret"
        self.output = folder / "out"
        self.output.mkdir()
        self.secret.write_text("secret")
        (self.output / ".profile").write_text("mine")
        for path in (folder, self.output, self.secret, self.output / ".profile"):
            os.chown(path, user, user)
        self.before = self.state()

    def state(self) -> list[tuple[str, int, int, int, int]]:
        files = sorted(path for path in self.folder.rglob("*") if not path.name.startswith("table"))
        stats = [(path, path.stat()) for path in files if path.is_file()]
        return [(str(p), s.st_mode, s.st_uid, s.st_size, s.st_mtime_ns) for p, s in stats]

    def environment(self, hole: Path, victim: int, inherited: int) -> dict[str, str]:
        return {
            **os.environ,
            "LD_PRELOAD": str(hole),
            "HOLE_FOLDER": str(self.folder),
            "HOLE_OUTPUT": str(self.output),
            "HOLE_PID": str(victim),
            "HOLE_FD": str(inherited),
        }


def check(said: str) -> None:
    """Checks that no way out was open in either thread."""
    tried = [line.strip().split(": ") for line in said.splitlines() if line.startswith("hole ")]
    ways = [(way.split(" ", 2), error) for way, error in filter(lambda x: len(x) == 2, tried)]
    for thread in THREADS:
        of_thread = {way: error for (_, who, way), error in ways if who == thread}
        assert len(of_thread) > 80, said
        # The descriptors that the process inherited are closed.
        closed = {way for way in of_thread if "an inherited file" in way}
        wrong = {
            way: error
            for way, error in of_thread.items()
            if error not in (["EBADF", "EPERM"] if way in closed else ["EPERM", "ENOSYS"])
        }
        assert wrong == {}


def attack(
    call: list[str], place: Place, hole: Path, victim: subprocess.Popen[bytes], user: int
) -> tuple[int, str]:
    """Runs a call on a terminal until both threads have tried; returns status and output."""
    inherited = os.open(place.secret, os.O_RDWR)
    ours, terminal = pty.openpty()
    os.chmod(os.ttyname(terminal), 0o666)
    child = subprocess.Popen(
        call,
        stdin=subprocess.PIPE,
        stdout=terminal,
        stderr=terminal,
        env=place.environment(hole, victim.pid, inherited),
        pass_fds=[inherited],
        user=user,
        group=user,
        extra_groups=[],
        cwd=place.folder,
    )
    os.close(terminal)
    os.close(inherited)
    with child:
        try:
            said = converse(child, ours)
            return child.wait(PATIENCE), said
        finally:
            child.kill()
            os.close(ours)


def converse(child: subprocess.Popen[bytes], terminal: int) -> str:
    """Sends packets to a call, keeps it running until both threads have tried; reads all output."""
    assert child.stdin is not None
    child.stdin.write((CAPTURES / "web.pcap").read_bytes())
    child.stdin.flush()
    said = b""
    limit = time.monotonic() + PATIENCE
    while said.count(b"hole done") < len(THREADS):
        assert time.monotonic() < limit, said
        if select.select([terminal], [], [], 0.1)[0]:
            said += os.read(terminal, 4096)
    child.stdin.close()
    # There was no typing: the terminal outputs only what the child wrote.
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 4096):
            said += piece
    return said.decode().replace("\r", "")


@pytest.mark.parametrize("user", [os.getuid(), NOBODY], ids=["self", "nobody"])
@pytest.mark.parametrize("output", ["table.csv", "table.parquet", "parts", "terminal", "summary"])
def test_no_way_leads_out(
    output: str, user: int, hole: Path, victim: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    if user != os.getuid() and os.getuid() != 0:
        pytest.skip("only root can become another user")
    if user != os.getuid():
        probe = ["sh", "-c", f"exec '{COMMAND}' --version"]
        if subprocess.run(probe, user=user, group=user, capture_output=True).returncode != 0:
            pytest.skip("another user cannot run the command")
        for path in list(tmp_path.parents)[:3]:
            path.chmod(0o755)
    place = Place(tmp_path, user)
    command = "summary" if output == "summary" else "flows"
    call = [str(COMMAND), command, "-", "--sandbox", "--n-meters", "2"]
    if output.startswith("table"):
        call += ["-o", str(place.output / output)]
    elif output == "parts":
        call += ["-o", str(place.output / "table.csv"), "--flows-per-file", "5"]
    status, said = attack(call, place, hole, victim, user)
    assert status == 0, said
    check(said)
    assert place.state() == place.before
    assert not (place.output / ".ssh").exists()
    assert victim.poll() is None
    names = sorted(path.name for path in place.output.iterdir() if path.name.startswith("table"))
    if output == "parts":
        assert names == [f"table.{number}.csv" for number in range(6)]
    elif output.startswith("table"):
        assert names == [output]


@pytest.mark.skipif(os.getuid() != 0, reason="capturing needs root")
def test_no_way_leads_out_of_a_live_capture(
    hole: Path, victim: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    place = Place(tmp_path, 0)
    table = place.output / "table.csv"
    call = [str(COMMAND), "live", "lo", "--sandbox", "--duration", "2", "-o", str(table)]
    status, said = attack(call, place, hole, victim, 0)
    assert status == 0, said
    ways = {line for line in said.splitlines() if line.startswith("hole engine")}
    assert [way for way in ways if not way.endswith(("EPERM", "ENOSYS", "EBADF"))] == []
    assert len(ways) > 80
    assert place.state() == place.before
    assert table.read_text().startswith("id,")


def test_the_ways_are_open_without_a_sandbox(
    hole: Path, victim: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    place = Place(tmp_path, os.getuid())
    environment = {**place.environment(hole, victim.pid, 2), "HOLE_CONTROL": "1"}
    call = [shutil.which("true") or "true"]
    said = subprocess.run(call, env=environment, capture_output=True, text=True).stderr
    assert [line for line in said.splitlines() if not line.endswith(": OPEN")] == []
    assert len(said.splitlines()) == 10


@pytest.mark.skipif(os.getuid() != 0, reason="capturing needs root")
def test_conflicting_options_are_refused() -> None:
    call = [str(COMMAND), "live", "lo", "--sandbox", "--system-visibility-mode", "1"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 2
    assert "cannot be combined with --system-visibility-mode 1" in done.stderr
    assert "reads the files of other processes" in done.stderr


def statuses(call: list[str], environment: dict[str, str]) -> dict[str, str]:
    """Starts a live capture, waits until it drops privileges, and returns those of its threads."""
    found: dict[str, str] = {}
    child = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    with child:
        for _ in range(200):
            threads = list(Path(f"/proc/{child.pid}/task").glob("*/status"))
            texts = [path.read_text() for path in threads]
            found = {text.split("\n")[0].split("\t")[1]: text for text in texts}
            if {"nfstream-run", "nfstream-reader"} <= found.keys():
                break
            time.sleep(0.05)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=PATIENCE)
    assert child.returncode == 0
    return found


def value(status: str, name: str) -> str:
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return line.split("\t")[1]


@pytest.mark.skipif(os.getuid() != 0, reason="capturing needs root")
def test_a_live_capture_gives_up_root(tmp_path: Path) -> None:
    sudo = {"SUDO_UID": "1234", "SUDO_GID": "2345"}
    for environment, users in [({}, (str(NOBODY),) * 2), (sudo, ("1234", "2345"))]:
        threads = statuses([str(COMMAND), "live", "lo", "--format", "csv"], environment)
        assert "nfstream-run" in threads
        for status in threads.values():
            assert (value(status, "Uid"), value(status, "Gid")) == users
            assert value(status, "CapEff") == value(status, "CapPrm") == "0" * 16
            assert value(status, "NoNewPrivs") == "1"
    # Only root's permission to create files is needed, and kept.
    table = tmp_path / "flows.csv"
    threads = statuses([str(COMMAND), "live", "lo", "-o", str(table)], {})
    for name, status in threads.items():
        assert int(value(status, "CapEff"), 16) in (0, 1 << 1), name
        assert value(status, "NoNewPrivs") == "1"
    assert table.exists()
