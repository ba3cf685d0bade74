"""Iterating over a streamer: runs, threads, signals and cleaning up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import AckCount, each_capture
from frames import udp_frame, write_large_pcap, write_pcap
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer

Rows = list[dict[str, Any]]


def rows(streamer: NFStreamer) -> Rows:
    return [flow.to_dict() for flow in streamer]


# Runs


def test_each_iteration_is_a_run_of_its_own(web: Path) -> None:
    streamer = NFStreamer(web, plugins=[AckCount("ack_count")])
    first = rows(streamer)
    first_stats = streamer.stats()
    assert rows(streamer) == first
    assert streamer.stats() == first_stats
    assert len(streamer.to_pandas()) == len(first)


@pytest.mark.parametrize("plugins", [[], [AckCount("ack_count")]], ids=["plain", "plugin"])
@pytest.mark.parametrize("n_meters", [1, 3])
def test_leaving_half_way_ends_the_threads(
    web: Path, plugins: list[NFPlugin], n_meters: int, no_new_threads: Callable[[], None]
) -> None:
    streamer = NFStreamer(web, plugins=plugins, n_meters=n_meters)
    for _ in range(20):
        for _flow in streamer:
            break
        flows = iter(streamer)
        next(flows)
        del flows
    no_new_threads()
    assert len(rows(streamer)) == 29, "and the next run is whole"


def test_iterators_of_one_streamer_are_independent(web: Path) -> None:
    streamer = NFStreamer(web, plugins=[AckCount("ack_count")])
    pairs = [
        (one.to_dict(), other.to_dict()) for one, other in zip(streamer, streamer, strict=True)
    ]
    assert [one for one, _ in pairs] == [other for _, other in pairs] == rows(streamer)


def test_threads_may_have_a_run_each(web: Path) -> None:
    expected = rows(NFStreamer(web))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: rows(NFStreamer(web, n_meters=2)), range(16)))
    assert all(one == expected for one in found)


def test_a_plugin_may_have_a_run_of_its_own(web: Path, redis: Path) -> None:
    class Nested(NFPlugin):
        def on_init(self, pkt: NFPacket) -> int:
            return len(list(NFStreamer(redis, plugins=[AckCount("ack_count")])))

    assert {flow.nested for flow in NFStreamer(web, plugins=[Nested("nested")])} == {6}


def test_a_plugin_cannot_take_from_the_iterator_that_runs_it(redis: Path) -> None:
    class Greedy(NFPlugin):
        def on_init(self, pkt: NFPacket) -> None:
            next(flows)

    flows = iter(NFStreamer(redis, plugins=[Greedy()]))
    with pytest.raises((RuntimeError, ValueError), match=r"already executing|in use"):
        list(flows)


@pytest.mark.parametrize("n_meters", [1, 2, 5, 0])
@each_capture
def test_flows_are_the_same_for_any_number_of_meters(capture: Path, n_meters: int) -> None:
    parameters: dict[str, Any] = {"idle_timeout": 1, "active_timeout": 5}
    expected = rows(NFStreamer(capture, n_meters=1, **parameters))
    assert rows(NFStreamer(capture, n_meters=n_meters, **parameters)) == expected
    followed = NFStreamer(capture, plugins=[NFPlugin("follow", volatile=True)], **parameters)
    assert rows(followed) == expected


# Standard input and pipes


def program(body: str) -> list[str]:
    return [sys.executable, "-c", f"import sys\nfrom nfstream import NFStreamer\n{body}"]


COUNT = "print(sum(flow.total_packets for flow in NFStreamer(sys.argv[1])))"


@pytest.mark.parametrize("name", ["web.pcap", "mixed.pcapng", "dns.pcap.gz", "redis.pcap.zst"])
def test_standard_input_is_a_source(web: Path, name: str) -> None:
    path = web.parent / name
    expected = sum(flow.total_packets for flow in NFStreamer(path))
    with path.open("rb") as file:
        child = subprocess.run(
            [*program(COUNT), "-"], stdin=file, capture_output=True, text=True, timeout=60
        )
    assert (child.stdout, child.stderr) == (f"{expected}\n", "")


def test_standard_input_may_be_a_pipe(web: Path) -> None:
    expected = sum(flow.total_packets for flow in NFStreamer(web))
    child = subprocess.run(
        [*program(COUNT), "-"], input=web.read_bytes(), capture_output=True, timeout=60
    )
    assert (child.stdout, child.stderr) == (f"{expected}\n".encode(), b"")


def test_named_pipe_is_a_source(web: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(web.read_bytes()))
    writer.start()
    try:
        assert rows(NFStreamer(fifo)) == rows(NFStreamer(web))
    finally:
        writer.join(10)


# The interpreter during a run


def test_other_threads_continue_while_the_engine_works(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    capture = write_pcap(tmp_path / "one.pcap", [(0, udp_frame())]).read_bytes()
    found: list[int] = []
    reader = threading.Thread(
        target=lambda: found.extend(flow.total_packets for flow in NFStreamer(fifo))
    )
    reader.start()
    # The run waits for input while this thread, which holds the other end, works.
    with fifo.open("wb") as pipe:
        pipe.write(capture[:30])
        pipe.flush()
        assert sum(range(100_000)) == 4_999_950_000
        assert reader.is_alive()
        assert found == []
        pipe.write(capture[30:])
    reader.join(10)
    assert found == [1]


def interrupted(child: subprocess.Popen[str]) -> tuple[float, str]:
    """Sends Ctrl-C to a child that has printed "ready"; returns its duration and error output."""
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    started = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, words = child.communicate(timeout=30)
    return time.monotonic() - started, words


def start(body: str, source: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*program(body), str(source)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("reading", ["list(streamer)", "streamer.to_pandas()"])
@pytest.mark.parametrize("n_meters", [1, 2])
def test_ctrl_c_stops_a_run_in_the_middle_of_a_large_file(
    tmp_path: Path, reading: str, n_meters: int
) -> None:
    large = write_large_pcap(tmp_path / "large.pcap", 2_000_000)
    body = (
        "import pandas, pyarrow\n"
        f"streamer = NFStreamer([sys.argv[1]] * 20, n_meters={n_meters})\n"
        "print('ready', flush=True)\n"
        f"{reading}\n"
    )
    with start(body, large) as child:
        seconds, words = interrupted(child)
    assert words.rstrip().endswith("KeyboardInterrupt"), words
    assert child.returncode == -signal.SIGINT
    assert seconds < 1


# Objects


# Active flows


def conversations(seconds: range) -> list[tuple[int, bytes]]:
    """Packets of three conversations, one a second each."""
    return [
        (second * 1_000_000, udp_frame(1000 + number)) for second in seconds for number in range(3)
    ]


@pytest.mark.parametrize("n_meters", [1, 3])
def test_another_thread_sees_active_flows(tmp_path: Path, n_meters: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    capture = write_pcap(tmp_path / "a.pcap", conversations(range(20)))
    streamer = NFStreamer(
        pipe,
        n_meters=n_meters,
        where="src_port != 1001",
        sort="src_port:desc",
        columns=["src_port", "total_packets", "id"],
    )
    with pytest.raises(RuntimeError, match="no run has begun"):
        streamer.active()
    ended: Rows = []
    reading = threading.Thread(target=lambda: ended.extend(rows(streamer)))
    reading.start()
    with open(pipe, "wb") as writer:
        writer.write(capture.read_bytes())
        writer.flush()
        deadline = time.monotonic() + 20
        while streamer._run is None or streamer.stats().flow_packets < 60:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        active = streamer.active()
        assert active.column_names == ["src_port", "total_packets", "id"]
        assert active["src_port"].to_pylist() == [1002, 1000]
        assert active["total_packets"].to_pylist() == [20, 20]
        assert active["id"].to_pylist() == [2, 0]
        assert not ended
    reading.join()
    assert [flow["total_packets"] for flow in ended] == [20, 20]
    assert streamer.active().num_rows == 0


def test_active_flows_can_be_seen_between_rows(tmp_path: Path) -> None:
    # The first flow ends idle, while the others continue.
    packets = [(0, udp_frame(1)), *conversations(range(5_000))]
    streamer = NFStreamer(
        write_pcap(tmp_path / "a.pcap", packets),
        idle_timeout=10,
        active_timeout=100_000,
        n_meters=1,
    )
    flows = iter(streamer)
    assert next(flows).src_port == 1
    active = streamer.active(timestamps=True)
    assert sorted(active["src_port"].to_pylist()) == [1000, 1001, 1002]
    assert str(active.schema.field("first_seen").type) == "timestamp[ms, tz=UTC]"
    ids, packets_before = (active[name].to_pylist() for name in ("id", "total_packets"))
    before = dict(zip(ids, packets_before, strict=True))
    assert all(before[flow.id] <= flow.total_packets for flow in flows if flow.id in before)


def test_a_plugin_cannot_see_active_flows(redis: Path) -> None:
    pytest.importorskip("pyarrow")

    class Looks(NFPlugin):
        def on_init(self, pkt: NFPacket) -> int:
            return int(streamer.active().num_rows)

    streamer = NFStreamer(redis, plugins=[Looks("looks")])
    with pytest.raises(RuntimeError, match="a hook cannot read the active flows of its own run"):
        list(streamer)


def test_flows_outlive_their_run(redis: Path) -> None:
    flows: list[NFlow] = list(NFStreamer(redis))
    assert [flow.to_dict() for flow in flows] == rows(NFStreamer(redis))
