"""Signals: the first ends the input or the run, the second ends the command at once.

Signals at random moments: a few of each kind by default, or as many as NFSTREAM_SIGNALS.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import nfstream
from conftest import CAPTURES

COMMAND = Path(sys.executable).parent / "nfstream"
PACKAGE = str(Path(nfstream.__file__).parent)
"""Start of the paths of both packages, as tracebacks print them."""
PATIENCE = 60
"""Seconds after which a hanging child fails its test, even on a busy machine."""

KINDS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
EACH = int(os.environ.get("NFSTREAM_SIGNALS", "10"))
"""Signals of each kind at random moments."""

OUTPUTS = ["parquet", "csv", "jsonl", "arrow", "arrows", "stdout", "parts"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals")


def capture(packets: int) -> bytes:
    """Returns a capture with a flow for each packet, a thousandth of a second apart."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for number in range(packets):
        src = struct.pack(">I", 0x0A000000 + number % 65536)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 28, 1, 0, 64, 17, 0) + src + bytes([192, 0, 2, 1])
        udp = struct.pack(">HHHH", 1024 + number % 60000, 9999, 8, 0)
        frame = bytes(12) + b"\x08\x00" + ip + udp
        time_ = (1000 + number // 1000, number % 1000 * 1000)
        parts.append(struct.pack("<IIII", *time_, len(frame), len(frame)) + frame)
    return b"".join(parts)


def wait_for(condition: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.01)


# Random moments

DUMP = """
import os, signal, sys, time
stop = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda *_: stop.append(1))
print("ready", file=sys.stderr, flush=True)
data = open(sys.argv[1], "rb").read()
os.write(1, data[:24])
packets, at, size = 0, 24, 16 + 42
while at < len(data) and not stop:
    os.write(1, data[at : at + 20 * size])
    packets, at = packets + 20, at + 20 * size
    time.sleep(0.002)
# Like tcpdump, it still writes what it has buffered.
os.write(1, data[at : at + 7 * size])
open(sys.argv[2], "w").write(str(packets + 7))
"""
"""Program that writes a capture slowly, and ends as tcpdump does."""


@dataclass
class Job:
    number: int
    kind: signal.Signals
    output: str
    is_pipe: bool
    delay: float


def rows(output: str, folder: Path) -> int | None:
    """Returns the rows of a complete table, `None` if there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if output == "stdout":
        return max((folder / "stdout").read_text().count("\n") - 1, 0)
    if output == "parts":
        parts = list(folder.glob("table.*.csv"))
        return sum(part.read_text().count("\n") - 1 for part in parts) if parts else None
    path = folder / f"table.{output}"
    if not path.exists():
        return None
    if output == "parquet":
        return int(pq.read_table(path).num_rows)
    if output == "arrow":
        return int(pa.ipc.open_file(path).read_all().num_rows)
    if output == "arrows":
        return int(pa.ipc.open_stream(path).read_all().num_rows)
    return path.read_text().count("\n") - (output == "csv")


def interrupt(job: Job, large: Path, packets: int, folder: Path) -> str:
    """Sends a signal at a moment; returns what is wrong with the outcome, or its kind."""
    folder = folder / str(job.number)
    folder.mkdir()
    call = [str(COMMAND), "flows", "-" if job.is_pipe else str(large), "--idle-timeout", "0"]
    call += ["--n-meters", str(1 + job.number % 2)]
    if job.output == "stdout":
        call += ["--format", "csv"]
    elif job.output == "parts":
        call += ["-o", str(folder / "table.csv"), "--flows-per-file", "9000"]
    else:
        call += ["-o", str(folder / f"table.{job.output}")]
    dump, count = None, folder / "count"
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        if job.is_pipe:
            # One process group, as Ctrl-C at a terminal reaches it.
            dump = subprocess.Popen(
                [sys.executable, "-IS", "-c", DUMP, str(large), str(count)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                preexec_fn=os.setpgrp,
            )
            assert dump.stdout is not None and dump.stderr is not None
            dump.stderr.readline()
            group = dump.pid
        child = subprocess.Popen(
            call,
            stdin=dump.stdout if dump is not None else subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            preexec_fn=(lambda: os.setpgid(0, group)) if job.is_pipe else None,
        )
        time.sleep(job.delay)
        if dump is None:
            child.send_signal(job.kind)
        else:
            os.killpg(dump.pid, job.kind)
        status = child.wait(PATIENCE)
    wanted = packets
    if dump is not None:
        dump.communicate(timeout=PATIENCE)
        wanted = int(count.read_text())
    said = (folder / "stderr").read_text()
    found = rows(job.output, folder)
    parts = [path.name for path in folder.iterdir() if path.name.startswith(".")]
    shutil.rmtree(folder)
    if status == -job.kind and said == "":
        # The signal came before the command's first line.
        return "ended while the interpreter started"
    if "Traceback" in said and PACKAGE not in said:
        # Ctrl-C in Python's own start, before it runs any of our code.
        return "traceback of the interpreter's start"
    if "Traceback" in said:
        return f"WRONG: {said}"
    if parts:
        return f"WRONG: {parts} left"
    if status == 0:
        return "complete" if found == wanted else f"WRONG: {found} of {wanted} rows"
    if dump is not None:
        return f"WRONG: status {status}, {said}"
    if status != 128 + job.kind:
        return f"WRONG: status {status}, {said}"
    is_complete = found == wanted and job.output != "stdout"
    return "WRONG: complete, but status 128 + N" if is_complete else "interrupted"


@pytest.mark.timeout(600)
def test_signals_at_random_moments(tmp_path: Path) -> None:
    """A pipe's table is complete; a file's is complete or, as documented, not there."""
    packets = 60_000
    large = tmp_path / "large.pcap"
    large.write_bytes(capture(packets))
    moments = random.Random(7)
    jobs: list[Job] = []
    for kind in KINDS:
        for number in range(EACH):
            is_pipe = number % 2 == 1
            output = OUTPUTS[len(jobs) // 2 % len(OUTPUTS)]
            jobs.append(Job(len(jobs), kind, output, is_pipe, moments.random() * 1.2))
    with ThreadPoolExecutor(4) as threads:
        ends = list(threads.map(lambda job: interrupt(job, large, packets, tmp_path), jobs))
    wrong = [(job, end) for job, end in zip(jobs, ends, strict=True) if end.startswith("WRONG")]
    assert wrong == []
    counts = Counter((job.kind.name, job.is_pipe, end) for job, end in zip(jobs, ends, strict=True))
    print(*(f"{count:4} {key}" for key, count in sorted(counts.items())), sep="\n")
    # Most signals come while packets are read.
    assert sum(end == "complete" for end in ends) > EACH // 2


# Pipes


@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_ends_a_silent_pipe(kind: signal.Signals, tmp_path: Path) -> None:
    fifo, table = tmp_path / "fifo", tmp_path / "flows.csv"
    os.mkfifo(fifo)
    call = [str(COMMAND), "flows", str(fifo), "-o", str(table)]
    with subprocess.Popen(call, stderr=subprocess.PIPE) as child, fifo.open("wb") as pipe:
        pipe.write(capture(10))
        pipe.flush()
        wait_for(lambda: list(tmp_path.glob(".flows*")))
        time.sleep(0.2)
        child.send_signal(kind)
        _, said = child.communicate(timeout=PATIENCE)
    assert (child.returncode, said) == (0, b"")
    assert table.read_text().count("\n") == 11


def test_a_signal_ends_a_pipe_without_a_writer(tmp_path: Path) -> None:
    fifo, table = tmp_path / "fifo", tmp_path / "flows.csv"
    os.mkfifo(fifo)
    call = [str(COMMAND), "flows", str(fifo), "-o", str(table)]
    with subprocess.Popen(call, stderr=subprocess.PIPE) as child:
        wait_for(lambda: list(tmp_path.glob(".flows*")))
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=PATIENCE)
    assert (child.returncode, said) == (0, b"")
    assert table.read_text().count("\n") == 1


def test_an_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    fifo, table = tmp_path / "fifo", tmp_path / "flows.csv"
    os.mkfifo(fifo)
    call = ["nohup", str(COMMAND), "flows", str(fifo), "-o", str(table)]
    null = subprocess.DEVNULL
    with subprocess.Popen(call, stdin=null, stdout=null, stderr=null) as child:
        with fifo.open("wb") as pipe:
            pipe.write(capture(10))
            pipe.flush()
            wait_for(lambda: list(tmp_path.glob(".flows*")))
            child.send_signal(signal.SIGHUP)
            time.sleep(1)
            assert child.poll() is None
        child.wait(PATIENCE)
    assert child.returncode == 0
    assert table.read_text().count("\n") == 11


# A second signal


def start(body: str, *args: object) -> subprocess.Popen[str]:
    lines = ["import os, sys, time", "from nfstream import NFStreamer", textwrap.dedent(body)]
    call = [sys.executable, "-c", "\n".join(lines), *map(str, args)]
    return subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end_at_once(child: subprocess.Popen[str]) -> None:
    """Sends two signals; the second must end the process."""
    child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    if child.poll() is None:
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        child.wait(PATIENCE)
        assert time.monotonic() - sent < 2
    child.communicate()
    assert child.returncode in (-signal.SIGINT, 128 + signal.SIGINT)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("signals") / "large.pcap"
    path.write_bytes(capture(60_000))
    return path


def pipes(call: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_in_a_write_to_a_pipe_that_no_one_reads(large: Path) -> None:
    child = pipes([str(COMMAND), "flows", str(large), "--idle-timeout", "0", "--format", "csv"])
    time.sleep(1.5)
    end_at_once(child)


def test_in_opening_a_pipe_without_a_reader(large: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.csv"
    os.mkfifo(fifo)
    child = pipes([str(COMMAND), "flows", str(large), "-o", str(fifo)])
    time.sleep(1)
    end_at_once(child)


NESTED = "true"
for _level in "abcdef":
    NESTED = f"[1,2,3,4,5,6,7,8,9,10].all({_level}, {NESTED})"


def test_an_expression_has_a_budget(large: Path) -> None:
    """Ten to the power of nine visits would take an hour for each flow."""
    deep = NESTED
    for level in "ghi":
        deep = f"[1,2,3,4,5,6,7,8,9,10].all({level}, {deep})"
    call = [str(COMMAND), "flows", str(large), "--where", deep, "--limit", "1"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert "takes more than 1000000 steps for flow 0" in done.stderr


def test_in_an_expression_that_takes_long(large: Path) -> None:
    """A hundred thousand visits for each of 60,000 flows."""
    five = NESTED.replace("[1,2,3,4,5,6,7,8,9,10].all(f, ", "", 1)[:-1]
    call = [str(COMMAND), "flows", str(large), "--idle-timeout", "0", "--where", five]
    child = pipes(call)
    time.sleep(2)
    assert child.poll() is None
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=PATIENCE)
    assert time.monotonic() - sent < 5
    assert (child.returncode, said.split(":")[1].strip()) == (130, "interrupted")


def test_a_packet_filter_has_a_budget(large: Path) -> None:
    hosts = " or ".join(f"host 10.0.{number // 256}.{number % 256}" for number in range(500))
    call = [str(COMMAND), "flows", str(large), "--bpf-filter", hosts]
    done = subprocess.run(call, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert "500 clauses, more than 200" in done.stderr
    # The maximum takes only a moment, and matches.
    some = " or ".join(f"host 10.0.{number // 256}.{number % 256}" for number in range(200))
    call = [str(COMMAND), "flows", str(large), "--bpf-filter", some, "--idle-timeout", "0"]
    done = subprocess.run([*call, "--columns", "id"], capture_output=True, text=True)
    assert done.stdout.count("\n") == 1 + 200


@pytest.fixture(scope="module")
def skipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file that holds 32 GiB of blocks to skip."""
    path = tmp_path_factory.mktemp("skipped") / "skipped.pcapng.zst"
    most, length = 1 << 17, 1 << 31

    def raw(data: bytes, is_last: bool = False) -> bytes:
        return (len(data) << 3 | is_last).to_bytes(3, "little") + data

    def zeros(count: int) -> bytes:
        # RFC 8878: a block of one repeated byte.
        return (count << 3 | 1 << 1).to_bytes(3, "little") + b"\0"

    skipped = raw(struct.pack("<II", 0xBAD, length))
    skipped += zeros(most) * (length // most - 1) + zeros(most - 12)
    skipped += raw(struct.pack("<I", length))
    section = raw(struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
    frame = struct.pack("<IBB", 0xFD2FB528, 0, 0x38)
    path.write_bytes(frame + section + skipped * 16 + raw(b"", is_last=True))
    assert path.stat().st_size < 2 << 20
    return path


@pytest.mark.parametrize("n_meters", [1, 2])
def test_in_data_without_packets(skipped: Path, n_meters: int) -> None:
    body = f"""
        streamer = NFStreamer(sys.argv[1], n_meters={n_meters})
        print("ready", flush=True)
        try:
            list(streamer)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    with start(body, skipped) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        time.sleep(0.5)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        printed, said = child.communicate(timeout=PATIENCE)
    assert time.monotonic() - sent < 2
    assert (printed, said, child.returncode) == ("interrupted\n", "", 0)


def test_stop_in_data_without_packets(skipped: Path) -> None:
    body = """
        import threading
        streamer = NFStreamer(sys.argv[1], n_meters=1)
        threading.Timer(0.5, streamer.stop).start()
        begun = time.monotonic()
        print(len(list(streamer)), time.monotonic() - begun < 3)
    """
    with start(body, skipped) as child:
        assert child.communicate(timeout=PATIENCE) == ("0 True\n", "")


# Python


@pytest.mark.parametrize("n_meters", [1, 2])
def test_ctrl_c_ends_a_pipe_and_the_loop_gets_its_flows(n_meters: int, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    body = f"""
        import threading
        streamer = NFStreamer(sys.argv[1], n_meters={n_meters})
        def report():
            while streamer.stats().packets < 10:
                time.sleep(0.01)
            print("ready", flush=True)
        threading.Thread(target=report).start()
        print(len(list(streamer)), flush=True)
    """
    with start(body, fifo) as child, fifo.open("wb") as pipe:
        pipe.write(capture(10))
        pipe.flush()
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=PATIENCE) == ("10\n", "")


BLOCKED = {
    "a pipe without a reader": "streamer.to_csv(sys.argv[2], overwrite=True)",
    "with a plugin": "NFStreamer(sys.argv[1], idle_timeout=0, plugins=[NFPlugin('mine')])"
    ".to_csv(sys.argv[2], overwrite=True)",
}


@pytest.mark.parametrize("is_read", [False, True], ids=["no reader", "a reader that waits"])
@pytest.mark.parametrize("call", BLOCKED)
def test_ctrl_c_ends_a_blocked_write(call: str, is_read: bool, large: Path, tmp_path: Path) -> None:
    """The process continues: in a notebook it is the kernel."""
    fifo = tmp_path / "fifo.csv"
    os.mkfifo(fifo)
    body = f"""
        from nfstream import NFPlugin
        streamer = NFStreamer(sys.argv[1], idle_timeout=0)
        print("ready", flush=True)
        try:
            {BLOCKED[call]}
        except KeyboardInterrupt:
            print("interrupted", len(list(NFStreamer(sys.argv[3]))), flush=True)
            os._exit(0)
    """
    with start(body, large, fifo, CAPTURES / "redis.pcap") as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK) if is_read else None
        time.sleep(3 if "plugin" in call else 1)
        for _ in range(2):
            child.send_signal(signal.SIGINT)
            time.sleep(0.2)
        sent = time.monotonic()
        printed, said = child.communicate(timeout=PATIENCE)
    assert time.monotonic() - sent < 3
    if reader is not None:
        os.close(reader)
    assert (printed, said, child.returncode) == ("interrupted 6\n", "", 0)
