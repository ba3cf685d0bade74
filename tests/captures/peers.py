"""Small clients and servers for the sample captures, where no packaged program fits.

    python3 tests/captures/peers.py NAME ARGUMENT…

`record.py` starts them in its namespaces.  A server prints `ready` once it is listening.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any


def echo_stream(address: str, port: str, protocol: int) -> None:
    """Accepts connections one after the other; sends all data back twice."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, int(port)))
        server.listen(4)
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(4096):
                    connection.sendall(data * 2)


def udp_echo(address: str, port: str) -> None:
    """Sends all data back twice."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, int(port)))
        print("ready", flush=True)
        while True:
            data, sender = server.recvfrom(2048)
            server.sendto(data * 2, sender)


def tcp_talk(address: str, port: str) -> None:
    """Makes 14 exchanges every half second and, after four seconds of silence, 8 more."""
    with socket.create_connection((address, int(port))) as talk:
        for number in range(22):
            if number == 14:
                time.sleep(4)
            talk.sendall(f"message {number:02d}\n".encode() * (1 + number % 3))
            talk.recv(4096)
            time.sleep(0.5)


def udp_talk(address: str, port: str) -> None:
    """Makes 6 exchanges every second and, after three and a half seconds of silence, 4 more."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
        talk.connect((address, int(port)))
        print("ready", flush=True)
        for number in range(10):
            if number == 6:
                time.sleep(2.5)
            talk.send(f"datagram {number:02d}".encode())
            talk.recv(2048)
            time.sleep(1)


def sctp_talk(address: str, port: str, source: str) -> None:
    """Sends six messages and reads the answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP) as talk:
        talk.bind((source, 0))
        talk.connect((address, int(port)))
        for number in range(6):
            talk.sendall(f"message {number:02d}".encode() * (number + 1))
            talk.recv(4096)
            time.sleep(0.1)


def cable() -> None:
    """Makes tun0 and tun1 and forwards every packet from one to the other."""
    set_name, no_pi, tun = 0x400454CA, 0x1000, 0x0001
    ends = []
    for name in (b"tun0", b"tun1"):
        end = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(end, set_name, struct.pack("16sH22x", name, tun | no_pi))
        ends.append(end)
    print("ready", flush=True)

    async def carry() -> None:
        loop = asyncio.get_running_loop()
        for here, there in (ends, reversed(ends)):

            def forward(here: int = here, there: int = there) -> None:
                with contextlib.suppress(OSError):
                    os.write(there, os.read(here, 2048))

            loop.add_reader(here, forward)
        await asyncio.Event().wait()

    asyncio.run(carry())


def h3_server(address: str, port: str, certificate: str, key: str) -> None:
    """Runs an HTTP/3 server that answers GET /N with N bytes."""
    from aioquic.asyncio import QuicConnectionProtocol, serve  # type: ignore
    from aioquic.h3.connection import H3_ALPN, H3Connection  # type: ignore
    from aioquic.h3.events import HeadersReceived  # type: ignore
    from aioquic.quic.configuration import QuicConfiguration  # type: ignore
    from aioquic.quic.events import ProtocolNegotiated  # type: ignore

    class Server(QuicConnectionProtocol):  # type: ignore
        http: Any = None

        def quic_event_received(self, event: Any) -> None:
            if isinstance(event, ProtocolNegotiated):
                self.http = H3Connection(self._quic)
            for found in self.http.handle_event(event) if self.http else ():
                if isinstance(found, HeadersReceived):
                    size = int(dict(found.headers)[b":path"].strip(b"/"))
                    length = str(size).encode()
                    fields = [(b":status", b"200"), (b"content-length", length)]
                    self.http.send_headers(found.stream_id, fields)
                    self.http.send_data(found.stream_id, b"x" * size, end_stream=True)
                    self.transmit()

    async def main() -> None:
        settings = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
        settings.load_cert_chain(certificate, key)
        await serve(address, int(port), configuration=settings, create_protocol=Server)
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


def h3_client(address: str, port: str, name: str, size: str, authority: str, agent: str) -> None:
    """Fetches /SIZE over HTTP/3 from `address`, with the server name `name`."""
    from aioquic.asyncio import QuicConnectionProtocol, connect
    from aioquic.h3.connection import H3_ALPN, H3Connection
    from aioquic.h3.events import DataReceived
    from aioquic.quic.configuration import QuicConfiguration

    class Client(QuicConnectionProtocol):  # type: ignore
        http: Any = None
        done: asyncio.Event

        def quic_event_received(self, event: Any) -> None:
            for found in self.http.handle_event(event) if self.http else ():
                if isinstance(found, DataReceived) and found.stream_ended:
                    self.done.set()

    async def main() -> None:
        settings = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=name)
        settings.load_verify_locations(authority)
        link = connect(address, int(port), configuration=settings, create_protocol=Client)
        client: Any
        async with link as client:
            client.done = asyncio.Event()
            client.http = H3Connection(client._quic)
            fields = [
                *((b":method", b"GET"), (b":scheme", b"https"), (b":authority", name.encode())),
                *((b":path", f"/{size}".encode()), (b"user-agent", agent.encode())),
            ]
            stream = client._quic.get_next_available_stream_id()
            client.http.send_headers(stream, fields, end_stream=True)
            client.transmit()
            await asyncio.wait_for(client.done.wait(), 20)

    asyncio.run(main())


PEERS: dict[str, Callable[..., None]] = {
    "tcp-echo": lambda address, port: echo_stream(address, port, socket.IPPROTO_TCP),
    "sctp-echo": lambda address, port: echo_stream(address, port, socket.IPPROTO_SCTP),
    "udp-echo": udp_echo,
    "tcp-talk": tcp_talk,
    "udp-talk": udp_talk,
    "sctp-talk": sctp_talk,
    "cable": cable,
    "h3-server": h3_server,
    "h3-client": h3_client,
}

if __name__ == "__main__":
    PEERS[sys.argv[1]](*sys.argv[2:])
