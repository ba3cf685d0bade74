"""Faults around a run: disks, pipes, signals, changing files, limits, clocks, forks.

Full disks and Ctrl-C while a table is written are in `test_tables.py`, errors of plugins in
`test_plugin.py`, Ctrl-C while packets are read in `test_iteration.py`.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import CAPTURES, AckCount
from frames import file_header, record, udp_frame, write_large_pcap, write_pcap
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer

COMMAND = Path(sys.executable).parent / "nfstream"
PATIENCE = 30


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of half a million packets, which are as many flows with `idle_timeout=0`."""
    return write_large_pcap(tmp_path_factory.mktemp("large") / "large.pcap", 500_000)


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    script = "import os, sys, time\nfrom nfstream import NFStreamer, NFPlugin\n"
    script += textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code: str, *arguments: object) -> tuple[str, str, int]:
    """Returns the output, error output and exit code of a program."""
    with start(code, *arguments) as child:
        try:
            printed, complaint = child.communicate(timeout=PATIENCE)
        finally:
            child.kill()
    return printed, complaint, child.returncode


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition does not hold"
        time.sleep(0.002)


# Outputs


@pytest.mark.parametrize("format", ["csv", "jsonl", "arrows", "table"])
def test_a_closed_pipe_ends_the_command_silently(format: str, large: Path) -> None:
    command = [str(COMMAND), "flows", str(large), "--idle-timeout", "0", "--format", format]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.read(10)
        child.stdout.close()
        assert (child.wait(PATIENCE), child.stderr.read()) == (0, b"")


@pytest.mark.parametrize("method", ["csv", "parquet"])
@pytest.mark.parametrize("before", [None, "old"])
def test_a_killed_writer_leaves_no_half_table(
    method: str, before: str | None, large: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"flows.{method}"
    if before is not None:
        path.write_text(before)
    code = (
        f"NFStreamer([sys.argv[1]] * 20, idle_timeout=0).to_{method}(sys.argv[2], overwrite=True)"
    )
    with start(code, large, path) as child:
        part = f".flows.{method}."

        def has_written() -> bool:
            parts = [file for file in tmp_path.iterdir() if file.name.startswith(part)]
            return any(file.stat().st_size > 1000 for file in parts)

        wait_for(has_written)
        child.kill()
        child.wait(PATIENCE)
    assert child.returncode == -signal.SIGKILL
    assert (path.read_text() if path.exists() else None) == before


# Inputs


@pytest.mark.parametrize("n_meters", [1, 2])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("os.truncate(path, 0)", "changed while it was read"),
        ("os.truncate(path, os.path.getsize(path) - 5001)", "changed while it was read"),
        ("open(path, 'r+b').write(b'x' * os.path.getsize(path))", "changed while it was read"),
        ("os.remove(path)", "all flows"),
        ("os.rename(path, path + '.old'); open(path, 'w').write('new')", "all flows"),
    ],
    ids=["emptied", "cut", "overwritten", "removed", "replaced"],
)
def test_a_changing_input_causes_at_most_an_exception(
    n_meters: int, change: str, message: str, large: Path, tmp_path: Path
) -> None:
    path = tmp_path / "changing.pcap"
    path.write_bytes(large.read_bytes())
    code = f"""
        path = sys.argv[1]
        streamer = NFStreamer(path, idle_timeout=0, dissect=False, n_meters={n_meters})
        flows = iter(streamer)
        next(flows)
        {change}
        try:
            found = 1 + sum(1 for _ in flows)
            print("all flows" if found == 500_000 else found)
        except ValueError as error:
            print(error)
    """
    printed, complaint, status = run(code, path)
    assert (complaint, status) == ("", 0)
    assert message in printed


# Limits


def test_without_file_descriptors_the_file_is_named_and_a_later_run_is_whole(web: Path) -> None:
    code = """
        import resource
        path = sys.argv[1]
        streamer = NFStreamer(path)
        flows = [flow.values() for flow in streamer]
        taken = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
        try:
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass
        for attempt in (lambda: list(streamer), lambda: streamer.to_arrow(),
                        lambda: streamer.to_csv("/tmp/none.csv"), lambda: NFStreamer(path)):
            try:
                attempt()
            except OSError as error:
                print(error.errno, error.filename == path)
        for number in taken:
            os.close(number)
        print([flow.values() for flow in streamer] == flows)
    """
    printed, complaint, status = run("import pyarrow\n" + textwrap.dedent(code), web)
    assert (complaint, status) == ("", 0)
    assert printed.splitlines() == ["24 True"] * 4 + ["True"]


@pytest.mark.parametrize("mebibytes", [2, 16, 128])
@pytest.mark.parametrize("reading", ["list(streamer)", "streamer.to_arrow()"])
def test_without_memory_a_run_ends_with_a_message(
    mebibytes: int, reading: str, large: Path
) -> None:
    code = f"""
        import pyarrow, resource
        streamer = NFStreamer(sys.argv[1], idle_timeout=0, n_meters=2)
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        limit = used + {mebibytes} * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            {reading}
            print("whole")
        except (MemoryError, OSError, RuntimeError) as error:
            print(type(error).__name__)
    """
    printed, complaint, status = run(code, large)
    # If an allocation of the engine fails, the process aborts. If the C library cannot allocate
    # thread-local data for a new thread, it ends the process with status 127.
    if status == -signal.SIGABRT:
        assert "memory allocation of" in complaint
    elif status == 127:
        assert "cannot allocate memory for thread-local data" in complaint
    else:
        assert (complaint, status) == ("", 0)
        assert printed in ("whole\n", "MemoryError\n", "OSError\n", "RuntimeError\n")


# Clocks


@pytest.mark.filterwarnings("ignore:.* packets .* are late")
def test_clocks_may_jump(tmp_path: Path) -> None:
    seconds = [0, 2**32 - 1, 10**9, 10**9 + 1, 5, 2**31, 2**31 - 1, 10**9 + 2, 2**32 - 1, 0]
    packets = [(second * 1_000_000, udp_frame()) for second in seconds]
    capture = write_pcap(tmp_path / "jumps.pcap", packets)
    streamer = NFStreamer(capture, features="all")
    flows = list(streamer)
    assert sum(flow.total_packets for flow in flows) == len(seconds)
    assert all(flow.duration == flow.last_seen - flow.first_seen >= 0 for flow in flows)
    assert streamer.stats().late_packets > 0
    assert [flow.values() for flow in NFStreamer(capture, features="all", n_meters=2)] == [
        flow.values() for flow in flows
    ]


@pytest.mark.filterwarnings("ignore:.* packets .* are late")
def test_times_at_the_limits_of_64_bits(tmp_path: Path) -> None:
    def block(kind: int, body: bytes) -> bytes:
        size = 12 + len(body)
        return struct.pack("<II", kind, size) + body + struct.pack("<I", size)

    frame = udp_frame(payload=b"12")
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    # Ticks are seconds that count from 2^62 s before or after the epoch.
    for offset in (2**62, -(2**62)):
        options = struct.pack("<HHBxxx", 9, 1, 0) + struct.pack("<HHqHH", 14, 8, offset, 0, 0)
        content = section + block(1, struct.pack("<HHI", 1, 0, 0) + options)
        for ticks in (0, 2**64 - 1, 2**63, 1):
            head = struct.pack("<IIIII", 0, ticks >> 32, ticks & 0xFFFF_FFFF, 44, 44)
            content += block(6, head + frame)
        capture = tmp_path / "far.pcapng"
        capture.write_bytes(content)
        flows = list(NFStreamer(capture, features="all"))
        assert sum(flow.total_packets for flow in flows) == 4
        assert all(flow.duration >= 0 for flow in flows)
        NFStreamer(capture).to_pandas(timestamps=True)


# Plugins


class Hoarder(NFPlugin):
    """Keeps every packet and flow."""

    def on_init(self, pkt: NFPacket) -> int:
        self.user_data[0].append(pkt)
        return 1

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        self.user_data[0].append(pkt)
        self.user_data[1].append(flow)


@pytest.mark.parametrize("ending", ["whole", "left", "raised"])
def test_packets_and_flows_that_a_plugin_keeps_stay_valid(ending: str, web: Path) -> None:
    packets: list[NFPacket] = []
    kept: list[NFlow] = []
    streamer = NFStreamer(web, plugins=[Hoarder("hoarder", user_data=(packets, kept))])
    if ending == "raised":
        with pytest.raises(LookupError):
            for _ in streamer:
                raise LookupError
    else:
        flows = iter(streamer)
        for _ in flows:
            if ending == "left":
                break
        del flows
    del streamer
    assert packets
    assert sum(len(packet.raw) for packet in packets) > 0
    assert all(packet.src_ip and packet.payload is not None for packet in packets)
    assert all(flow.total_packets >= 1 and flow.to_dict() for flow in kept)


def test_a_plugin_that_blocks_delays_only_its_run(web: Path, redis: Path) -> None:
    entered, go_on = threading.Event(), threading.Event()

    class Blocking(NFPlugin):
        def on_init(self, pkt: NFPacket) -> None:
            entered.set()
            assert go_on.wait(PATIENCE)

    found: list[NFlow] = []
    blocked = threading.Thread(
        target=lambda: found.extend(NFStreamer(web, plugins=[Blocking("blocking")]))
    )
    blocked.start()
    assert entered.wait(PATIENCE)
    assert len(list(NFStreamer(redis, plugins=[AckCount("ack_count")], n_meters=2))) == 6
    assert found == []
    go_on.set()
    blocked.join(PATIENCE)
    assert len(found) == len(list(NFStreamer(web)))


# Ctrl-C

STAGES = {
    "reading": "[flow for flow in streamer]",
    "iterating": "for flow in streamer: time.sleep(0.001)",
    "plugin": "list(NFStreamer(sys.argv[1], plugins=[Slow('slow')]))",
    "expiring": "list(NFStreamer(sys.argv[1], idle_timeout=0, plugins=[Last('last')]))",
    "frame": "streamer.to_pandas()",
    "writing": "streamer.to_parquet(sys.argv[2], overwrite=True)",
}


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_in_every_stage(stage: str, large: Path, tmp_path: Path) -> None:
    code = f"""
        import pandas, pyarrow
        class Slow(NFPlugin):
            def on_update(self, pkt, flow): time.sleep(0.001)
        class Last(NFPlugin):
            def on_expire(self, flow): time.sleep(0.001)
        streamer = NFStreamer([sys.argv[1]] * 20, idle_timeout=0)
        print("ready", flush=True)
        try:
            {STAGES[stage]}
        except KeyboardInterrupt:
            print("interrupted", len(list(NFStreamer(sys.argv[3]))))
    """
    path = tmp_path / "flows.parquet"
    with start(code, large, path, CAPTURES / "redis.pcap") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        printed, complaint = child.communicate(timeout=PATIENCE)
    assert (printed, complaint) == ("interrupted 6\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_command(number: signal.Signals, large: Path, tmp_path: Path) -> None:
    command = [str(COMMAND), "flows", *([str(large)] * 20), "--idle-timeout", "0"]
    path = tmp_path / "flows.csv"
    with subprocess.Popen([*command, "-o", str(path)], stderr=subprocess.PIPE, text=True) as child:
        wait_for(lambda: list(tmp_path.iterdir()))
        child.send_signal(number)
        _, complaint = child.communicate(timeout=PATIENCE)
    # The convention of shells.
    assert (child.returncode, path.name in complaint) == (128 + number, True)
    assert list(tmp_path.iterdir()) == []


# Threads and forks


def test_many_streamers_in_many_threads(tmp_path: Path) -> None:
    names = ["web.pcap", "mixed.pcapng", "dns.pcap.gz", "redis.pcap.zst", "tunnels.pcap"]

    def work(number: int) -> tuple[str, bytes]:
        name = names[number % len(names)]
        path = tmp_path / f"{number}.csv"
        NFStreamer(CAPTURES / name, n_meters=1 + number % 3, features="all").to_csv(path)
        return name, path.read_bytes()

    alone = dict(work(number) for number in range(len(names)))
    for path in tmp_path.iterdir():
        path.unlink()
    with ThreadPoolExecutor(8) as threads:
        for name, table in threads.map(work, range(40)):
            assert table == alone[name], name


FORK = """
    import gc
    path = sys.argv[1]
    streamer = NFStreamer(path, n_meters={n_meters}, dissect=False, idle_timeout=0{more})
    flows = iter(streamer)
    next(flows)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        try:
            sum(1 for _ in flows)
        except RuntimeError as error:
            print("child:", error)
        print("child:", len(list(NFStreamer(path, n_meters=2, dissect=False))))
        del flows, streamer
        gc.collect()
        sys.exit(7)
    print("parent:", 1 + sum(1 for _ in flows), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("n_meters", [1, 2])
@pytest.mark.parametrize("more", ["", ", plugins=[NFPlugin('mine')]"], ids=["plain", "plugin"])
def test_a_run_does_not_survive_a_fork_but_its_parent_does(
    n_meters: int, more: str, tmp_path: Path
) -> None:
    path = write_large_pcap(tmp_path / "some.pcap", 100_000)
    code = FORK.format(n_meters=n_meters, more=more)
    printed, complaint, status = run("import signal\n" + textwrap.dedent(code), path)
    assert (complaint, status) == ("", 0)
    lines = printed.splitlines()
    assert "belong to the parent process; start a new run after a fork" in lines[0]
    assert lines[1].startswith("child: ")
    assert lines[2] == "parent: 100000 7"


def test_forked_workers_may_have_runs_of_their_own(web: Path) -> None:
    code = """
        import multiprocessing
        def count(path):
            return sum(flow.total_packets for flow in NFStreamer(path, n_meters=2))
        before = count(sys.argv[1])
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(count, [sys.argv[1]] * 4) == [before] * 4)
    """
    assert run(code, web) == ("True\n", "", 0)


def test_a_truncated_pipe_gives_the_flows_up_to_the_cut(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    content = file_header() + record(0, udp_frame()) + record(1, udp_frame(src_port=7))[:-3]
    writer = threading.Thread(target=lambda: fifo.write_bytes(content))
    writer.start()
    with pytest.warns(UserWarning, match="cut short"):
        assert [flow.total_packets for flow in NFStreamer(fifo)] == [1]
    writer.join(PATIENCE)
