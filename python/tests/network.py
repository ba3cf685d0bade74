"""A network namespace for tests: pairs of interfaces, and functions that send packets."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nfstream import NFlow, NFStreamer

_CLONE_NEWNET = 0x40000000
_PATIENCE = 15.0


def why_not() -> str | None:
    """Returns the reason why no network can be made here, or `None` if it can."""
    if not hasattr(socket, "AF_PACKET"):
        return "live tests need Linux"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "live tests need `ip` of iproute2"
    probe = ["ip", "link", "add", "nfs-probe0", "type", "veth", "peer", "name", "nfs-probe1"]
    script = f"unshare -n {' '.join(probe)}"
    made = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    return (
        None if made.returncode == 0 else f"cannot make a pair of interfaces: {made.stderr.strip()}"
    )


@contextlib.contextmanager
def namespace() -> Iterator[None]:
    """Moves this thread and its children to a new network namespace with IPv6 disabled."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(_CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        for scope in ("all", "default"):
            with contextlib.suppress(OSError):
                Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6").write_text("1")
        ip("link", "set", "lo", "up")
        yield
    finally:
        if libc.setns(before, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(before)


class Peer:
    """A network namespace that stands for another machine; a process keeps it alive."""

    def __enter__(self) -> Peer:
        self._keeper = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        self.pid = self._keeper.pid
        mine = os.readlink("/proc/thread-self/ns/net")
        wait_for(lambda: os.readlink(f"/proc/{self.pid}/ns/net") != mine)
        for scope in ("all", "default"):
            path = f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"
            self.run("sh", "-c", f"test ! -e {path} || echo 1 > {path}")
        return self

    def __exit__(self, *_: object) -> None:
        self._keeper.kill()
        self._keeper.wait()

    def command(self, *command: str) -> list[str]:
        """Returns the command that runs `command` in the namespace."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *command]

    def run(self, *command: str) -> str:
        """Runs a program in the namespace and returns its output."""
        done = subprocess.run(
            self.command(*command), capture_output=True, text=True, timeout=_PATIENCE
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout


def ip(*arguments: str) -> None:
    """Runs `ip` of iproute2."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def pair(one: str, other: str) -> None:
    """Makes two interfaces; packets sent to one arrive at the other."""
    ip("link", "add", one, "mtu", "65535", "type", "veth", "peer", "name", other, "mtu", "65535")
    ip("link", "set", one, "up")
    ip("link", "set", other, "up")


def send(interface: str, frames: Sequence[bytes], pause: float = 0) -> None:
    """Sends frames unchanged."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((interface, 0))
        for frame in frames:
            sender.send(frame)
            if pause:
                time.sleep(pause)


def udp(number: int, payload: bytes = b"", vlan: int | None = None) -> bytes:
    """Returns a frame with a UDP packet of conversation `number`."""
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Dot1Q, Ether

    link = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    if vlan is not None:
        link = link / Dot1Q(vlan=vlan)
    packet = link / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=10_000 + number, dport=9)
    return bytes(packet / payload)


class Live(threading.Thread):
    """A thread that iterates over a live run."""

    def __init__(self, source: Any, **parameters: Any) -> None:
        super().__init__(daemon=True)
        self.streamer = NFStreamer(source, **parameters)
        self.flows: list[NFlow] = []
        self.arrivals: list[float] = []
        self.error: BaseException | None = None
        self.start()
        wait_for(lambda: self.streamer._run is not None or self.error is not None)

    def run(self) -> None:
        try:
            for flow in self.streamer:
                self.arrivals.append(time.monotonic())
                self.flows.append(flow)
        except BaseException as error:
            self.error = error

    def wait_for_packets(self, packets: int) -> None:
        """Waits until the run has read `packets` packets."""
        wait_for(lambda: self.streamer.stats().packets >= packets)

    def end(self) -> list[NFlow]:
        """Stops the run and returns all of its flows."""
        self.streamer.stop()
        return self.result()

    def result(self) -> list[NFlow]:
        """Waits for the loop to end and returns all flows."""
        self.join(_PATIENCE)
        assert not self.is_alive(), "the loop has not ended"
        if self.error is not None:
            raise self.error
        return self.flows


def wait_for(condition: Any) -> None:
    """Waits until `condition` holds."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition does not hold"
        threading.Event().wait(0.01)
