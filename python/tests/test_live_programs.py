"""Live capture of real programs, compared with tcpdump, and the processes of flows."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import CAPTURES
from network import Live, Peer, ip, namespace, pair, send, udp, wait_for, why_not
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer

_REASON = why_not()
pytestmark = pytest.mark.skipif(_REASON is not None, reason=str(_REASON))

HERE, THERE = "10.9.0.1", "10.9.0.2"


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    """Another machine at the other end of `here`, and an unused pair, `out` and `in`."""
    # Debian installs servers in a folder that is only in root's PATH.
    os.environ["PATH"] += f"{os.pathsep}/usr/sbin"
    with namespace(), Peer() as peer:
        pair("there", "here")
        pair("out", "in")
        ip("link", "set", "there", "netns", str(peer.pid))
        ip("address", "add", f"{HERE}/24", "dev", "here")
        peer.run("ip", "address", "add", f"{THERE}/24", "dev", "there")
        peer.run("ip", "link", "set", "there", "up")
        yield peer


def needs(*programs: str) -> None:
    """Skips the test if one of the programs is missing."""
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@contextlib.contextmanager
def program(*command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Runs a program during the block."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, text=True, **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.terminate()


class WithTcpdump:
    """A live run and tcpdump on the same interface."""

    def __init__(self, interface: str, file: Path, **parameters: Any) -> None:
        needs("tcpdump")
        self.file = file
        command = ["tcpdump", "-i", interface, "-w", str(file), "-U", "--nano", "-Z", "root"]
        self.tcpdump = subprocess.Popen(
            [*command, "--immediate-mode", "-B", "65536"], stderr=subprocess.PIPE, text=True
        )
        assert self.tcpdump.stderr is not None
        assert "listening" in self.tcpdump.stderr.readline()
        self.live = Live(interface, **parameters)

    def end(self) -> list[NFlow]:
        """Stops both and compares their flows; returns those of the live run."""
        # All packets have been sent, but the last ones may still be in transit.
        before = -1
        while before != (before := self.live.streamer.stats().packets):
            wait_a_little()
        flows = self.live.end()
        stats = self.live.streamer.stats()
        assert stats.received == stats.packets
        try:
            wait_for(lambda: packets_in(self.file) >= stats.packets)
        finally:
            self.tcpdump.send_signal(signal.SIGINT)
            _, report = self.tcpdump.communicate(timeout=10)
        assert "0 packets dropped by kernel" in report
        streamer = NFStreamer(self.file)
        expected = sorted(comparable(flow) for flow in streamer)
        assert sorted(comparable(flow) for flow in flows) == expected
        assert streamer.stats().ignored == stats.ignored
        return flows


def wait_a_little() -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(["sleep", "0.3"], check=True)


def packets_in(file: Path) -> int:
    streamer = NFStreamer(file, dissect=False)
    with warnings.catch_warnings():
        # The file may end within a packet.
        warnings.simplefilter("ignore")
        for _ in streamer:
            pass
    return streamer.stats().packets


def comparable(flow: NFlow) -> list[str]:
    """Returns the values of a flow without its times and id.

    Two sockets take different times, and may get simultaneous packets in another order.
    """
    left_out = ("id", "first_seen", "last_seen", "duration")
    return [f"{name}={value}" for name, value in flow.to_dict().items() if name not in left_out]


class TestTraffic:
    def test_web(self, peer: Peer, tmp_path: Path) -> None:
        needs("nginx", "curl")
        with nginx(tmp_path) as (_, port):
            recording = WithTcpdump("here", tmp_path / "tcpdump.pcap")
            for _ in range(5):
                page = peer.run("curl", "-sS", "--http1.1", f"http://{HERE}:{port}/page")
                assert page == "hello"
            flows = [flow for flow in recording.end() if flow.protocol == 6]
        assert [(flow.dst_port, flow.application_name) for flow in flows] == [(port, "HTTP")] * 5

    def test_bulk(self, peer: Peer, tmp_path: Path) -> None:
        needs("iperf3")
        recording = WithTcpdump("here", tmp_path / "tcpdump.pcap")
        received = {6: 0, 17: 0}
        for protocol, options in (
            (6, ["-n", "2M"]),
            (17, ["-u", "-b", "20M", "-n", "1M"]),
            (6, ["-R", "-n", "2M"]),
        ):
            with program("iperf3", "-s", "-1", "--forceflush") as server:
                listening(server, "listening")
                report = json.loads(peer.run("iperf3", "--json", "-c", HERE, *options))
                server.communicate(timeout=10)
            received[protocol] += report["end"]["sum_received" if protocol == 6 else "sum"]["bytes"]
        flows = recording.end()
        for protocol, payload in received.items():
            on_wire = sum(flow.total_bytes for flow in flows if flow.protocol == protocol)
            assert 1_000_000 <= payload < on_wire

    def test_names(self, peer: Peer, tmp_path: Path) -> None:
        needs("dnsmasq", "dig")
        recording = WithTcpdump("here", tmp_path / "tcpdump.pcap")
        with dnsmasq():
            for name in ("www.wikipedia.org", "www.instagram.com"):
                assert peer.run("dig", "+short", f"@{HERE}", name).strip() == "192.0.2.7"
                assert peer.run("dig", "+short", "+tcp", f"@{HERE}", name).strip() == "192.0.2.7"
        flows = [flow for flow in recording.end() if flow.protocol in (6, 17)]
        found = {(flow.application_name, flow.server_info) for flow in flows}
        assert len(flows) == 4
        assert ("DNS.Wikipedia", "www.wikipedia.org") in found
        assert ("DNS.Instagram", "www.instagram.com") in found

    def test_shell(self, peer: Peer, tmp_path: Path) -> None:
        needs("ssh", "sshd", "ssh-keygen")
        key = tmp_path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        os.makedirs("/run/sshd", exist_ok=True)
        serve = [
            *("-D", "-e", "-f", "/dev/null", "-p", "2222", "-h", str(key)),
            *("-o", f"AuthorizedKeysFile={key}.pub", "-o", "StrictModes=no", "-o", "UsePAM=no"),
            *("-o", "PermitRootLogin=yes", "-o", "PidFile=none"),
        ]
        sshd = shutil.which("sshd")
        assert sshd is not None
        with program(sshd, *serve) as server:
            listening(server, "listening")
            recording = WithTcpdump("here", tmp_path / "tcpdump.pcap")
            options = ["-F", "none", "-i", str(key), "-p", "2222", "-o", "StrictHostKeyChecking=no"]
            options += ["-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
            assert peer.run("ssh", *options, f"root@{HERE}", "echo", "hello").strip() == "hello"
            flows = [flow for flow in recording.end() if flow.protocol == 6]
        assert [flow.application_name for flow in flows] == ["SSH"]

    def test_echo(self, peer: Peer, tmp_path: Path) -> None:
        needs("ping")
        recording = WithTcpdump("here", tmp_path / "tcpdump.pcap")
        peer.run("ping", "-q", "-c", "3", "-i", "0.2", HERE)
        # These packets are fragmented.
        peer.run("ping", "-q", "-c", "2", "-i", "0.2", "-s", "65000", "-M", "dont", HERE)
        flows = [flow for flow in recording.end() if flow.protocol == 1]
        assert {flow.application_name for flow in flows} == {"ICMP"}
        assert sum(flow.src2dst_packets for flow in flows) >= 5

    @pytest.mark.parametrize("capture", ["web", "vlan", "dns", "quic", "tunnels", "web6"])
    def test_replay(self, peer: Peer, capture: str, tmp_path: Path) -> None:
        needs("tcpreplay")
        file = CAPTURES / f"{capture}.pcap"
        recording = WithTcpdump("in", tmp_path / "tcpdump.pcap")
        command = ["tcpreplay", "-q", "-i", "out", "--pps=2000", str(file)]
        subprocess.run(command, check=True, capture_output=True)
        flows = recording.end()
        # The replay has other times, so flows end at other packets.
        assert sum(flow.total_packets for flow in flows) == sum(
            flow.total_packets for flow in NFStreamer(file)
        )
        labels = {flow.application_name for flow in NFStreamer(file)}
        assert {flow.application_name for flow in flows} == labels
        assert {flow.vlan_id for flow in flows} == {flow.vlan_id for flow in NFStreamer(file)}


class TestProcesses:
    SERVER = """
        import socket, sys
        server = socket.create_server((sys.argv[1], 0), family=socket.AF_INET)
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            while connection.recv(100):
                connection.send(b"answer")
            connection.close()
    """
    CLIENT = """
        import socket, sys, time
        with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as server:
            for _ in range(8):
                server.send(b"question")
                server.recv(100)
                time.sleep(0.1)
    """
    CALLER = """
        import socket, sys, time
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(8):
                sender.sendto(b"question", (sys.argv[1], int(sys.argv[2])))
                time.sleep(0.1)
    """

    @pytest.mark.parametrize("n_meters", [1, 3])
    def test_the_server_of_a_client_elsewhere(self, peer: Peer, n_meters: int) -> None:
        live = Live("here", system_visibility_mode=1, n_meters=n_meters)
        with program(*python(self.SERVER), HERE) as server:
            peer.run(*python(self.CLIENT), HERE, first_line(server))
            [flow] = (flow for flow in live.end() if flow.protocol == 6)
            assert (flow.system_process_pid, flow.system_process_name) == pid_and_name(server)

    def test_the_client_of_a_server_elsewhere_is_remembered(self, peer: Peer) -> None:
        live = Live("here", system_visibility_mode=1, system_visibility_poll_ms=20)
        with program(*peer.command(*python(self.SERVER)), THERE) as server:
            port = first_line(server)
            with program(*python(self.CLIENT), THERE, port) as client:
                name = pid_and_name(client)
                assert client.wait(10) == 0
            [flow] = (flow for flow in live.end() if flow.protocol == 6)
        assert (flow.system_process_pid, flow.system_process_name) == name

    def test_the_source_comes_first_where_both_ends_are_here(self, peer: Peer) -> None:
        live = Live("lo", system_visibility_mode=1)
        with program(*python(self.SERVER), "127.0.0.1") as server:
            port = first_line(server)
            with program(*python(self.CLIENT), "127.0.0.1", port) as client:
                name = pid_and_name(client)
                client.wait(10)
            [flow] = (flow for flow in live.end() if flow.protocol == 6)
        assert (flow.system_process_pid, flow.system_process_name) == name

    def test_datagrams_of_a_socket_without_address(self, peer: Peer) -> None:
        live = Live("here", system_visibility_mode=1)
        with program(*python(self.CALLER), THERE, "9") as caller:
            name = pid_and_name(caller)
            caller.wait(10)
        [flow] = (flow for flow in live.end() if flow.protocol == 17)
        assert (flow.system_process_pid, flow.system_process_name) == name

    def test_a_server_with_several_processes(self, peer: Peer, tmp_path: Path) -> None:
        needs("nginx", "curl")
        with nginx(tmp_path) as (server, port):
            live = Live("here", system_visibility_mode=1, system_visibility_poll_ms=20)
            peer.run("curl", "-sS", "-o", os.devnull, f"http://{HERE}:{port}/slow")
            [flow] = (flow for flow in live.end() if flow.protocol == 6)
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
        assert flow.system_process_pid in map(int, children.split())
        assert flow.system_process_name == "nginx"

    def test_flows_of_others_have_no_process(self, peer: Peer) -> None:
        live = Live("in", system_visibility_mode=1)
        send("out", [udp(1)])
        live.wait_for_packets(1)
        [flow] = live.end()
        assert (flow.system_process_pid, flow.system_process_name) == (0, "")

    def test_plugins_see_the_process_at_the_end(self, peer: Peer) -> None:
        class Seen(NFPlugin):
            def on_init(self, pkt: NFPacket) -> Any:
                return None

            def on_expire(self, flow: NFlow) -> None:
                flow.seen = flow.system_process_pid

        live = Live("here", system_visibility_mode=1, plugins=Seen("seen"))
        with program(*python(self.CALLER), THERE, "9") as caller:
            caller.wait(10)
        [flow] = (flow for flow in live.end() if flow.protocol == 17)
        assert flow.seen == flow.system_process_pid == caller.pid

    def test_the_columns_exist_only_on_request(self, peer: Peer) -> None:
        names = ["system_process_pid", "system_process_name"]
        send("out", [udp(1)])
        with NFStreamer("in", duration=0.3, system_visibility_mode=1) as streamer:
            assert list(streamer.to_pandas().columns)[-2:] == names
        with NFStreamer("in", duration=0.3, features="all") as streamer:
            assert not set(names) & set(streamer.to_pandas().columns)

    def test_version_6_has_them_too(self, peer: Peer) -> None:
        from nfstream import v6

        streamer = v6.NFStreamer("here", idle_timeout=1, system_visibility_mode=1, max_nflows=1)
        # By the rules of nfstream 6, only packets advance the clock.
        ended = threading.Event()

        def tick() -> None:
            while not ended.wait(0.2):
                send("here", [udp(1)])

        clock = threading.Timer(1, tick)
        clock.start()
        try:
            with program(*python(self.CALLER), THERE, "9") as caller:
                [flow] = streamer
        finally:
            ended.set()
            clock.join()
        assert (flow.system_process_pid, flow.system_process_name) == (
            caller.pid,
            Path(sys.executable).name,
        )

    def test_the_command_has_them_too(self, peer: Peer) -> None:
        options = ["--system-visibility-mode", "1", "--format", "csv", "--no-dissect"]
        command = "import sys; from nfstream_command import main; sys.exit(main())"
        options += ["--duration", "3"]
        with program(*python(command), "live", "here", *options) as process:
            with program(*python(self.CALLER), THERE, "9") as caller:
                caller.wait(10)
            table, _ = process.communicate(timeout=10)
        rows = [row for row in csv.DictReader(io.StringIO(table)) if row["protocol"] == "17"]
        assert [int(row["system_process_pid"]) for row in rows] == [caller.pid]


def test_processes_need_an_interface() -> None:
    with pytest.raises(ValueError, match="system_visibility_mode is for network interfaces"):
        NFStreamer(CAPTURES / "web.pcap", system_visibility_mode=1)
    with pytest.raises(ValueError, match="system_visibility_poll_ms must be a whole number from 1"):
        NFStreamer(CAPTURES / "web.pcap", system_visibility_poll_ms=0)


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Runs a web server during the block, and yields its process and port."""
    (folder / "page").write_text("hello")
    (folder / "slow").write_bytes(bytes(30_000))
    (folder / "nginx.conf").write_text(
        f"daemon off; user root; worker_processes 2; pid {folder}/pid; error_log stderr notice;"
        f"events {{}} http {{ access_log off; client_body_temp_path {folder}/body;"
        f"proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;"
        f"uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;"
        f"server {{ listen {HERE}:8080; root {folder};"
        "location /slow { limit_rate 20000; } } }"
    )
    with program("nginx", "-e", "stderr", "-c", str(folder / "nginx.conf")) as server:
        listening(server, "start worker process ")
        yield server, 8080


@contextlib.contextmanager
def dnsmasq() -> Iterator[None]:
    """Runs a name server during the block that resolves all names to one address."""
    options = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null"]
    options += ["--address=/#/192.0.2.7", "--bind-interfaces", f"--listen-address={HERE}"]
    options += ["--user=root", "--pid-file", "--log-facility=-"]
    with program("dnsmasq", *options) as server:
        listening(server, "started")
        yield


def listening(server: subprocess.Popen[str], words: str) -> None:
    """Waits until a server prints `words`."""
    assert server.stdout is not None
    printed = []
    for line in server.stdout:
        printed.append(line)
        if words in line.lower():
            return
    raise AssertionError("".join(printed))


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def pid_and_name(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Returns the id and name of a process from `/proc`."""
    # Until the child has called exec, it has the name of this process.
    wait_for(lambda: Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(b"/"))
    return process.pid, Path(f"/proc/{process.pid}/comm").read_text().strip()


def python(text: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(text)]
