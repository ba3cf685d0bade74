"""A login before a broker that has none: SASL in Kafka's protocol, with the library scramp."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import scramp

SASL_HANDSHAKE, SASL_AUTHENTICATE, API_VERSIONS = 17, 36, 18
UNSUPPORTED_MECHANISM, ILLEGAL_STATE, AUTHENTICATION_FAILED = 33, 34, 58


class Login:
    """The dialogue of one client."""

    def __init__(self, users: dict[str, str], mechanisms: list[str]) -> None:
        self.users, self.mechanisms = users, mechanisms
        self.mechanism = ""
        self.server: Any = None
        self.is_complete = False

    def handshake(self, mechanism: str) -> int:
        if mechanism not in self.mechanisms:
            return UNSUPPORTED_MECHANISM
        self.mechanism = mechanism
        return 0

    def authenticate(self, message: bytes) -> tuple[int, bytes]:
        if self.mechanism == "PLAIN":
            _, user, password = message.decode().split("\0")
            self.is_complete = self.users.get(user) == password
            return (0 if self.is_complete else AUTHENTICATION_FAILED), b""
        if self.mechanism == "":
            return ILLEGAL_STATE, b""
        mechanism = scramp.ScramMechanism(self.mechanism)
        try:
            if self.server is None:
                server = mechanism.make_server(
                    lambda user: mechanism.make_auth_info(self.users[user], iteration_count=4096)
                )
                server.set_client_first(message.decode())
                self.server = server
                return 0, server.get_server_first().encode()
            self.server.set_client_final(message.decode())
            self.is_complete = True
            return 0, self.server.get_server_final().encode()
        except (scramp.ScramException, KeyError):
            return AUTHENTICATION_FAILED, b""


def frame(stream: socket.socket) -> bytes:
    """Reads a message, empty at the end of the stream."""

    def exactly(length: int) -> bytes:
        data = b""
        while len(data) < length:
            part = stream.recv(length - len(data))
            if not part:
                return b""
            data += part
        return data

    head = exactly(4)
    return exactly(struct.unpack(">i", head)[0]) if head else b""


def answer(login: Login, key: int, version: int, body: bytes) -> bytes:
    if key == SASL_HANDSHAKE:
        code = login.handshake(body[2:].decode())
        names = b"".join(struct.pack(">h", len(name)) + name.encode() for name in login.mechanisms)
        return struct.pack(">hi", code, len(login.mechanisms)) + names
    if version < 2:
        code, message = login.authenticate(body[4:])
        lifetime = bytes(8) if version == 1 else b""
        return struct.pack(">hhi", code, -1, len(message)) + message + lifetime
    # Lengths are one greater, in groups of seven bits; structures end with tagged fields.
    place = next(place for place, byte in enumerate(body) if byte < 128) + 1
    code, message = login.authenticate(body[place:-1])
    length = len(message) + 1
    head = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
    return struct.pack(">bhb", 0, code, 0) + head + message + bytes(9)


def talk(client: socket.socket, broker: socket.socket, login: Login) -> None:
    while request := frame(client):
        key, version, number, name = struct.unpack_from(">hhih", request)
        is_login = key in (SASL_HANDSHAKE, SASL_AUTHENTICATE)
        if is_login:
            start = 10 + max(name, 0) + (key == SASL_AUTHENTICATE and version >= 2)
            reply = struct.pack(">i", number) + answer(login, key, version, request[start:])
        elif login.is_complete or key == API_VERSIONS:
            broker.sendall(struct.pack(">i", len(request)) + request)
            reply = frame(broker)
        else:
            return
        client.sendall(struct.pack(">i", len(reply)) + reply)
        if is_login and key == SASL_AUTHENTICATE and not (login.is_complete or login.server):
            return


@contextlib.contextmanager
def login(
    port: int, broker: int, users: dict[str, str], mechanisms: list[str], certificate: Path
) -> Iterator[None]:
    """Accepts clients over TLS at `port`, and forwards them to `broker` after their login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, f"{certificate}.key")
    listener = socket.create_server(("127.0.0.1", port))

    def serve(stream: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(stream, server_side=True) as client:
            with socket.create_connection(("127.0.0.1", broker)) as other:
                talk(client, other, Login(users, mechanisms))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                stream, _ = listener.accept()
                threading.Thread(target=serve, args=(stream,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield
    listener.close()
