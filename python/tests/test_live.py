"""Live capture on interfaces of a temporary network namespace."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import CAPTURES
from network import Live, ip, namespace, pair, send, udp, wait_for, why_not
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer

_REASON = why_not()
pytestmark = pytest.mark.skipif(_REASON is not None, reason=str(_REASON))


@pytest.fixture(scope="module", autouse=True)
def network() -> Iterator[None]:
    """The pairs of most tests: packets sent to `there` arrive at `here`."""
    with namespace():
        pair("there", "here")
        pair("there2", "here2")
        yield


class Ended(NFPlugin):
    """Counts ended flows, their packets, and calls of `cleanup`."""

    def __init__(self) -> None:
        super().__init__()
        self.packets = 0
        self.flows = 0
        self.cleanups = 0

    def on_init(self, pkt: NFPacket) -> int:
        return 1

    def on_expire(self, flow: NFlow) -> None:
        self.packets += flow.total_packets
        self.flows += 1

    def cleanup(self) -> None:
        self.cleanups += 1


def total(flows: list[NFlow]) -> int:
    return sum(flow.total_packets for flow in flows)


def comparable(flow: NFlow) -> dict[str, Any]:
    """Returns the values of a flow without its times, which differ between sockets."""
    times = ("first_seen", "last_seen", "duration")
    return {name: value for name, value in flow.to_dict().items() if name not in times}


def frames_of(path: Path) -> list[bytes]:
    from scapy.utils import RawPcapReader

    with RawPcapReader(str(path)) as reader:
        return [frame for frame, _ in reader]


class TestPackets:
    @pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
    @pytest.mark.parametrize(
        "capture", ["web", "dns", "quic", "ssh", "redis", "sctp", "tunnels", "vlan", "web6"]
    )
    @pytest.mark.parametrize("n_meters", [1, 3])
    def test_flows_equal_those_of_tcpdump(
        self, capture: str, n_meters: int, tmp_path: Path
    ) -> None:
        frames = frames_of(CAPTURES / f"{capture}.pcap")
        file = tmp_path / "tcpdump.pcap"
        command = ["tcpdump", "-i", "here", "-w", str(file), "-U", "--nano", "-Z", "root"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tcpdump:
            assert tcpdump.stderr is not None
            assert "listening" in tcpdump.stderr.readline()
            live = Live("here", n_meters=n_meters)
            send("there", frames)
            live.wait_for_packets(len(frames))
            flows = live.end()
            wait_for(lambda: len(file.read_bytes()) >= 24 + sum(16 + len(f) for f in frames))
            tcpdump.terminate()
            tcpdump.stderr.read()
        streamer = NFStreamer(file)
        expected = {flow.id: comparable(flow) for flow in streamer}
        assert {flow.id: comparable(flow) for flow in flows} == expected
        stats = live.streamer.stats()
        assert stats.ignored == streamer.stats().ignored
        assert stats.received == stats.packets == len(frames)
        assert stats.dropped_by_kernel == 0

    def test_tags_that_the_kernel_removes_are_restored(self) -> None:
        with Live("here").streamer:
            pass
        live = Live("here")
        send("there", [udp(1, b"x" * 100, vlan=5), udp(2, b"x" * 100)])
        live.wait_for_packets(2)
        tagged, plain = sorted(live.end(), key=lambda flow: flow.src_port)
        assert (tagged.vlan_id, plain.vlan_id) == (5, 0)
        assert (tagged.total_bytes, plain.total_bytes) == (146, 142)

    def test_times_are_the_clock(self) -> None:
        live = Live("here", time_unit="ns")
        before = time.time_ns()
        send("there", [udp(1)])
        after = time.time_ns()
        live.wait_for_packets(1)
        [flow] = live.end()
        assert before <= flow.first_seen <= after

    def test_a_short_snaplen_does_not_change_byte_counts(self) -> None:
        class Captured(NFPlugin):
            def on_init(self, pkt: NFPacket) -> int:
                return pkt.capture_length

        live = Live("here", snaplen=60, plugins=Captured("captured"))
        send("there", [udp(1, b"x" * 1000), udp(2, b"x" * 1000, vlan=7)])
        live.wait_for_packets(2)
        flows = live.end()
        assert [flow.captured for flow in flows] == [60, 60]
        assert [flow.total_bytes for flow in flows] == [1042, 1046]

    def test_loopback_packets_are_seen_once(self) -> None:
        for source in ("lo", "any"):
            live = Live(source, bpf_filter="udp port 9999")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
                receiver.bind(("127.0.0.1", 9999))
                for _ in range(5):
                    receiver.sendto(b"hello", ("127.0.0.1", 9999))
                live.wait_for_packets(5)
            [flow] = live.end()
            assert flow.total_packets == 5
            assert flow.total_bytes == 5 * (14 + 20 + 8 + 5)

    def test_several_interfaces_are_one_source(self) -> None:
        pair("there3", "here3")
        live = Live(["here", "here2"])
        for number, interface in enumerate(["there", "there2", "there3"]):
            send(interface, [udp(number)])
        live.wait_for_packets(2)
        assert sorted(flow.src_port for flow in live.end()) == [10_000, 10_001]
        ip("link", "del", "there3")


class TestRings:
    @pytest.mark.parametrize("n_meters", [1, 3])
    def test_rings_have_all_packets_and_the_flows_of_one(self, n_meters: int) -> None:
        frames = [udp(number % 50, bytes([number % 7])) for number in range(2000)]
        for capture in ("web", "dns", "tunnels", "vlan"):
            frames += frames_of(CAPTURES / f"{capture}.pcap")
        found = []
        for rings in (1, 3):
            live = Live("here", rings=rings, n_meters=n_meters, idle_timeout=30)
            send("there", frames)
            live.wait_for_packets(len(frames))
            # The first packet that is read determines the source.
            flows = sorted(
                (
                    *sorted([(flow.src_ip, flow.src_port), (flow.dst_ip, flow.dst_port)]),
                    flow.protocol,
                    flow.vlan_id,
                    flow.total_packets,
                    flow.total_bytes,
                )
                for flow in live.end()
            )
            stats = live.streamer.stats()
            assert stats.received == stats.packets == len(frames)
            found.append((flows, stats.ignored, stats.flows))
        assert found[0] == found[1]

    def test_a_filter_and_interfaces_apply_to_every_ring(self) -> None:
        live = Live(["here", "here2"], rings=3, bpf_filter="udp src portrange 10000-10019")
        frames = [udp(number) for number in range(40)]
        send("there", frames)
        send("there2", frames)
        live.wait_for_packets(40)
        flows = live.end()
        assert sorted(flow.src_port for flow in flows) == list(range(10_000, 10_020))
        assert {flow.total_packets for flow in flows} == {2}
        stats = live.streamer.stats()
        assert stats.received == 40 + stats.ignored.get("filtered", 0)

    def test_idle_flows_end_by_the_clock_of_all_rings(self) -> None:
        live = Live("here", rings=4, idle_timeout=0.5)
        start = time.monotonic()
        send("there", [udp(1), udp(2)])
        wait_for(lambda: len(live.flows) == 2)
        late = [arrival - start - 0.5 for arrival in live.arrivals]
        assert all(0 <= seconds <= 1 for seconds in late), late
        live.end()

    def test_the_threads_of_rings_end_with_the_run(self) -> None:
        def rings() -> int:
            names = Path("/proc/self/task").glob("*/comm")
            return sum(name.read_text().startswith("nfstream-ring") for name in names)

        live = Live("here", rings=2)
        wait_for(lambda: rings() == 2)
        live.end()
        wait_for(lambda: rings() == 0)
        with Live("here", rings=2).streamer as streamer:
            wait_for(lambda: rings() == 2)
        assert streamer.stats().packets == 0
        wait_for(lambda: rings() == 0)

    def test_a_number_of_rings_that_is_not_possible_is_refused(self) -> None:
        for rings in (0, 65):
            with pytest.raises(ValueError, match="rings"):
                NFStreamer("here", rings=rings)


class TestFilter:
    def test_the_kernel_delivers_only_matches(self) -> None:
        live = Live("here", bpf_filter="udp src port 10002")
        send("there", [udp(number) for number in (1, 2, 3, 2)])
        live.wait_for_packets(2)
        [flow] = live.end()
        assert (flow.src_port, flow.total_packets) == (10_002, 2)
        stats = live.streamer.stats()
        assert (stats.received, stats.packets, stats.ignored) == (2, 2, {})

    @pytest.mark.parametrize(
        ("bpf_filter", "ports"),
        [("vlan 5 and udp", [10_001]), ("udp", [10_003]), ("not vlan 5", [10_002, 10_003])],
    )
    def test_tags_count_as_in_a_file(self, bpf_filter: str, ports: list[int]) -> None:
        live = Live("here", bpf_filter=bpf_filter)
        send("there", [udp(1, vlan=5), udp(2, vlan=6), udp(3)])
        threading.Event().wait(0.2)
        assert sorted(flow.src_port for flow in live.end()) == ports
        stats = live.streamer.stats()
        assert stats.packets == stats.received == len(ports) + stats.ignored.get("filtered", 0)

    def test_a_filter_that_the_kernel_refuses_still_works(self) -> None:
        live = Live("here", bpf_filter="ip protochain 17")
        send("there", [udp(1)])
        live.wait_for_packets(1)
        assert len(live.end()) == 1

    def test_a_bad_filter_is_an_error_immediately(self) -> None:
        with pytest.raises(ValueError, match=r"bpf_filter .*syntax error"):
            NFStreamer("here", bpf_filter="udp prt 1")


class TestTime:
    @pytest.mark.parametrize("n_meters", [1, 3])
    @pytest.mark.parametrize("idle_timeout", [0.5, 2])
    def test_idle_flows_end_on_time_without_packets(
        self, idle_timeout: float, n_meters: int
    ) -> None:
        live = Live("here", idle_timeout=idle_timeout, n_meters=n_meters)
        start = time.monotonic()
        send("there", [udp(1), udp(2)])
        wait_for(lambda: len(live.flows) == 2)
        late = [arrival - start - idle_timeout for arrival in live.arrivals]
        assert all(0 <= seconds <= 1 for seconds in late), late
        assert live.streamer.stats().active_flows == 0
        assert live.end() == live.flows

    def test_the_first_packet_is_in_a_flow_immediately(self) -> None:
        live = Live("here")
        send("there", [udp(1)])
        start = time.monotonic()
        live.wait_for_packets(1)
        assert time.monotonic() - start < 0.5
        assert live.streamer.stats().active_flows == 1
        live.end()


class TestStop:
    FRAMES = [udp(number % 7) for number in range(500)] if _REASON is None else []

    def test_stop_from_another_thread_gives_the_rest(self) -> None:
        plugin = Ended()
        live = Live("here", plugins=plugin)
        send("there", self.FRAMES)
        assert total(live.end()) == plugin.packets == 500
        assert plugin.cleanups == 1
        assert len(live.flows) == 7

    def test_stop_includes_packets_that_came_just_before(self) -> None:
        for _ in range(10):
            live = Live("here")
            send("there", self.FRAMES[:50])
            flows = live.end()
            stats = live.streamer.stats()
            assert total(flows) == stats.packets == stats.received == 50

    def test_stop_is_quick(self) -> None:
        live = Live("here")
        start = time.monotonic()
        live.end()
        assert time.monotonic() - start < 1

    def test_break_ends_all_flows(self) -> None:
        plugin = Ended()
        streamer = NFStreamer("here", plugins=plugin, idle_timeout=0.2)
        sender = threading.Timer(0.5, lambda: self._send_twice())
        sender.start()
        for _ in streamer:
            sender.join()
            break
        stats = streamer.stats()
        assert plugin.packets == stats.flow_packets == stats.packets == stats.received == 20
        assert stats.active_flows == 0
        assert plugin.cleanups == 1

    def _send_twice(self) -> None:
        send("there", self.FRAMES[:1])
        threading.Event().wait(0.6)
        send("there", self.FRAMES[1:20])

    def test_a_with_block_ends_unfinished_loops(self) -> None:
        plugin = Ended()
        with NFStreamer("here", plugins=plugin, idle_timeout=0.2) as streamer:
            flows = iter(streamer)
            sender = threading.Timer(0.5, lambda: self._send_twice())
            sender.start()
            next(flows)
            sender.join()
        assert plugin.packets == 20
        assert plugin.cleanups == 1
        assert list(flows) == []

    def test_max_nflows_ends_the_run(self) -> None:
        plugin = Ended()
        live = Live("here", plugins=plugin, idle_timeout=0.3, max_nflows=1)
        send("there", [udp(1)])
        threading.Event().wait(0.25)
        send("there", [udp(2)])
        assert len(live.result()) == 1
        assert plugin.packets == live.streamer.stats().packets == 2
        assert plugin.cleanups == 1

    def test_duration_ends_the_run(self) -> None:
        start = time.monotonic()
        live = Live("here", duration=0.7)
        send("there", self.FRAMES)
        assert total(live.result()) == 500
        assert 0.7 <= time.monotonic() - start < 1.7

    def test_duration_needs_an_interface(self) -> None:
        with pytest.raises(ValueError, match="duration is for network interfaces"):
            NFStreamer(CAPTURES / "web.pcap", duration=1)

    def test_to_pandas_takes_a_live_run(self) -> None:
        pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        sender = threading.Timer(0.5, lambda: send("there", self.FRAMES))
        sender.start()
        frame = NFStreamer("here", duration=1.5).to_pandas()
        assert frame["total_packets"].sum() == 500

    @pytest.mark.parametrize("body", ["pass", "time.sleep(0.005)"])
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_the_loop_without_loss(self, body: str, number: signal.Signals) -> None:
        program = f"""
            import signal, time
            from nfstream import NFStreamer
            streamer = NFStreamer("here", idle_timeout=0.3)
            print("ready", flush=True)
            packets = 0
            for flow in streamer:
                packets += flow.total_packets
                {body}
            print(packets, streamer.stats().received, flush=True)
            try:
                time.sleep(20)
            except KeyboardInterrupt:
                raise SystemExit(-signal.SIGINT)
        """
        with python(program) as process:
            assert line(process) == "ready"
            threading.Event().wait(0.5)
            for start in range(0, 400, 100):
                send("there", [udp(number) for number in range(start, start + 100)])
                threading.Event().wait(0.2)
            process.send_signal(number)
            assert line(process) == "400 400"
            # The previous handler is back.
            process.send_signal(number)
            assert process.wait(10) in (-number, 256 - number)

    def test_a_second_ctrl_c_is_an_interrupt(self) -> None:
        program = """
            import os, signal
            from nfstream import NFStreamer
            try:
                for flow in NFStreamer("here", idle_timeout=0.1):
                    os.kill(os.getpid(), signal.SIGINT)
                    os.kill(os.getpid(), signal.SIGINT)
                    print("not here")
            except KeyboardInterrupt:
                print("interrupted", flush=True)
        """
        with python(program) as process:
            threading.Event().wait(1)
            for _ in range(20):
                send("there", [udp(1)])
                threading.Event().wait(0.05)
            assert line(process) == "interrupted"


class TestAsync:
    def test_async_for_lets_other_tasks_run(self) -> None:
        async def main() -> tuple[int, int]:
            packets, beats = 0, 0

            async def beat() -> None:
                nonlocal beats
                while True:
                    await asyncio.sleep(0.02)
                    beats += 1

            heart = asyncio.create_task(beat())
            streamer = NFStreamer("here", duration=0.8)
            sender = threading.Timer(0.3, lambda: send("there", [udp(n) for n in range(50)]))
            sender.start()
            async for flow in streamer:
                packets += flow.total_packets
            heart.cancel()
            return packets, beats

        packets, beats = asyncio.run(main())
        assert packets == 50
        assert beats > 10

    def test_cancelling_ends_all_flows(self) -> None:
        plugin = Ended()
        streamer = NFStreamer("here", plugins=plugin)

        async def consume() -> None:
            async for _ in streamer:
                pass

        async def main() -> None:
            task = asyncio.create_task(consume())
            while streamer._run is None:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(send, "there", [udp(n) for n in range(50)])
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert plugin.packets == streamer.stats().packets == 50
        assert plugin.cleanups == 1

    def test_files_can_be_iterated(self) -> None:
        async def main() -> list[int]:
            return [flow.id async for flow in NFStreamer(CAPTURES / "web.pcap")]

        assert asyncio.run(main()) == [flow.id for flow in NFStreamer(CAPTURES / "web.pcap")]


class TestInterfaces:
    def test_down_and_up_are_warnings(self) -> None:
        pair("there4", "here4")
        with pytest.warns(UserWarning) as warnings:
            live = Live("here4")
            send("there4", [udp(1)])
            live.wait_for_packets(1)
            ip("link", "set", "here4", "down")
            wait_for(lambda: len(warnings) == 1)
            ip("link", "set", "here4", "up")
            wait_for(lambda: len(warnings) == 2)
            send("there4", [udp(1)])
            live.wait_for_packets(2)
            [flow] = live.end()
        assert flow.total_packets == 2
        messages = [str(warning.message) for warning in warnings]
        assert messages == ["here4: the interface is down", "here4: the interface is up again"]
        ip("link", "del", "there4")

    def test_a_removed_interface_is_an_error_after_the_flows(self) -> None:
        pair("there5", "here5")
        live = Live("here5")
        send("there5", [udp(1), udp(2)])
        live.wait_for_packets(2)
        ip("link", "del", "there5")
        with pytest.raises(OSError, match="here5: the interface has gone"):
            live.result()
        assert len(live.flows) == 2

    def test_the_error_for_an_unknown_name_lists_the_interfaces(self) -> None:
        with pytest.raises(FileNotFoundError, match=r"nfs9: no such file or interface.*here.*any"):
            NFStreamer("nfs9")

    def test_files_and_interfaces_do_not_mix(self) -> None:
        with pytest.raises(ValueError, match="read one or the other"):
            NFStreamer(["here", CAPTURES / "web.pcap"])


class TestPermissions:
    def test_without_permission_the_error_names_the_command(self) -> None:
        message = as_nobody(capabilities=0)
        assert message.startswith("PermissionError here: capturing packets needs")
        assert "sudo setcap cap_net_raw+eip" in message
        assert os.path.realpath(sys.executable) in message

    def test_cap_net_raw_is_enough(self) -> None:
        assert as_nobody(capabilities=1 << 13) == "0 flows"


class TestReport:
    @pytest.mark.filterwarnings("ignore:.* packets ignored:UserWarning")
    def test_stats_are_complete_when_the_run_has_ended(self) -> None:
        live = Live("here")
        send("there", [udp(1), udp(2), b"\xff" * 6 + b"\x02" * 6 + b"\x08\x06" + bytes(46)])
        live.wait_for_packets(3)
        live.end()
        stats = live.streamer.stats()
        assert (stats.received, stats.packets, stats.flow_packets, stats.flows) == (3, 3, 2, 2)
        assert stats.ignored == {"not_ip": 1}
        assert (stats.dropped_by_kernel, stats.dropped_by_interface) == (0, 0)

    def test_packets_dropped_by_a_full_buffer_are_counted(self) -> None:
        class Slow(NFPlugin):
            def on_init(self, pkt: NFPacket) -> None:
                time.sleep(0.5)

        live = Live("here", plugins=Slow(), socket_buffer_size=1, dissect=False)
        frames = [udp(0, b"x" * 1400)] * 100
        for _ in range(200):
            send("there", frames)
        flows = live.end()
        stats = live.streamer.stats()
        assert stats.dropped_by_kernel > 0
        assert stats.received == 20_000 == stats.packets + stats.dropped_by_kernel
        assert total(flows) == stats.packets

    def test_the_report_goes_to_standard_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        live = Live("here", performance_report=0.2)
        send("there", [udp(1), udp(2)])
        threading.Event().wait(0.5)
        live.end()
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) >= 2
        assert all(text.startswith("nfstream ") for text in lines)
        assert "2 packets" in lines[-1]
        assert "0 dropped by kernel" in lines[-1]


class TestCommand:
    PROGRAM = """
        import sys
        from nfstream_command import main
        sys.argv = ["nfstream", *sys.argv[1:]]
        sys.exit(main())
    """
    LIVE = (
        *("live", "here", "--columns", "src_port,total_packets", "--format", "csv"),
        *("--performance-report", "0.2"),
    )

    @classmethod
    def begin(cls, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", textwrap.dedent(cls.PROGRAM), *arguments]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, text=True, **pipes)

    @classmethod
    def begin_live(cls, *arguments: str) -> subprocess.Popen[str]:
        process = cls.begin(*cls.LIVE, *arguments)
        assert process.stderr is not None
        # The first report shows that the capture is open.
        assert "0 packets" in process.stderr.readline()
        return process

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_the_table_without_loss(self, number: signal.Signals) -> None:
        with self.begin_live() as process:
            assert process.stderr is not None
            send("there", [udp(1), udp(2), udp(1)])
            while "3 packets" not in process.stderr.readline():
                pass
            process.send_signal(number)
            table, _ = process.communicate(timeout=10)
        assert process.returncode == 0
        assert sorted(table.split()) == ["10001,2", "10002,1", "src_port,total_packets"]

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_includes_packets_that_came_just_before(self, number: signal.Signals) -> None:
        with self.begin_live() as process:
            send("there", TestStop.FRAMES)
            process.send_signal(number)
            table, _ = process.communicate(timeout=10)
        assert sum(int(row.split(",")[1]) for row in table.split()[1:]) == 500

    def test_duration_ends_the_table(self) -> None:
        with self.begin_live("--duration", "1.5") as process:
            send("there", TestStop.FRAMES)
            table, _ = process.communicate(timeout=10)
        assert process.returncode == 0
        assert sum(int(row.split(",")[1]) for row in table.split()[1:]) == 500

    @pytest.mark.parametrize("limit", ["--max-nflows", "--limit"])
    def test_a_number_of_flows_ends_the_table(self, limit: str) -> None:
        with self.begin_live(limit, "2", "--idle-timeout", "0.3") as process:
            send("there", [udp(1), udp(2)])
            table, _ = process.communicate(timeout=10)
        assert process.returncode == 0
        assert sorted(table.split()) == ["10001,1", "10002,1", "src_port,total_packets"]

    def test_a_removed_interface_is_an_error_after_the_flows(self) -> None:
        pair("there6", "here6")
        with self.begin("live", "here6", "--columns", "src_port", "--format", "csv") as process:
            wait_for(lambda: b"here6" in receiving())
            send("there6", [udp(1)])
            ip("link", "del", "there6")
            table, message = process.communicate(timeout=10)
        assert process.returncode == 1
        assert table.split() == ["src_port", "10001"]
        assert message.splitlines()[-1] == "error: here6: the interface has gone"

    def test_the_service_needs_no_more_than_its_rights(self, tmp_path: Path) -> None:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed")
        unit = Path("deploy/nfstream@.service").read_text()
        line = re.search(r"^ExecStart=/usr/bin/nfstream (.*)$", unit, re.MULTILINE)
        assert line is not None
        tables = tmp_path / "tables"
        tables.mkdir()
        os.chown(tables, 65534, 65534)
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        settings = {
            "%I": "here",
            "${STATE_DIRECTORY}": str(tables),
            "$OPTIONS": "--idle-timeout 0.2",
            "%%": "%",
        }
        words = line[1]
        for name, value in settings.items():
            words = words.replace(name, value)
        rights = ["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
        rights += [f"--{kind}-caps=-all,+net_raw" for kind in ("inh", "ambient")]
        rights += ["--bounding-set=-all,+net_raw"]
        program = [sys.executable, "-c", textwrap.dedent(self.PROGRAM), *words.split()]
        for _ in range(2):
            command = ["setpriv", *rights, *program]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
                wait_for(lambda: b"here" in receiving() or process.poll() is not None)
                send("there", [udp(1), udp(2)])
                time.sleep(0.5)
                process.send_signal(signal.SIGTERM)
                _, message = process.communicate(timeout=20)
            assert process.returncode in (0, 143), message
        # The second run continues beside the files of the first.
        written = sorted(path.name for path in tables.rglob("*.parquet"))
        assert len(written) == 2, written

    def test_interfaces_are_listed(self) -> None:
        pair("there7", "here7")
        ip("address", "add", "192.0.2.77/24", "dev", "here7")
        ip("link", "set", "there7", "down")
        with self.begin("interfaces", "--json") as process:
            listed, warning = process.communicate(timeout=10)
        ip("link", "del", "there7")
        interfaces = {interface.pop("name"): interface for interface in json.loads(listed)}
        assert interfaces["here"]["state"] == "up"
        assert interfaces["there7"]["state"] == "down"
        assert interfaces["here7"] == {
            "state": "no carrier",
            "link_type": "ETHERNET",
            "addresses": ["192.0.2.77"],
        }
        assert warning == ""

    def test_the_list_of_interfaces_warns_of_missing_permission(self) -> None:
        command = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"]
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed")
        program = [sys.executable, "-c", textwrap.dedent(self.PROGRAM), "interfaces"]
        done = subprocess.run([*command, *program], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0
        assert done.stdout.startswith("name ")
        assert "capturing packets needs the capability CAP_NET_RAW" in done.stderr
        assert "sudo setcap cap_net_raw+eip" in done.stderr


def receiving() -> bytes:
    """Returns the names of interfaces with a packet socket."""
    with open("/proc/thread-self/net/packet") as file:
        numbers = [int(row.split()[4]) for row in file.read().splitlines()[1:]]
    return b" ".join(name.encode() for n, name in socket.if_nameindex() if n in numbers)


def python(program: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def as_nobody(capabilities: int) -> str:
    """Captures as an unprivileged user with these capabilities; returns the result as text."""
    program = f"""
        import ctypes, os
        from nfstream import NFStreamer
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        capabilities = (ctypes.c_uint32 * 6)({capabilities}, {capabilities}, 0, 0, 0, 0)
        assert libc.capset(header, capabilities) == 0
        try:
            print(len(list(NFStreamer("here", duration=0.1))), "flows")
        except Exception as error:
            print(type(error).__name__, error)
    """
    with python(program) as process:
        return line(process)
