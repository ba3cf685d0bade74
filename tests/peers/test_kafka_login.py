"""Kafka over TLS, with and without a login."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import FLOWS, certificate, free_port, kafka, messages, needs, run, running, wait_until

# Characters that SCRAM quotes, and some outside ASCII.
USER, PASSWORD = "a=d,a", "ge:heim ü"
# For a reader that does not quote.
READER, SECRET = "reader", "secret"
PLAIN, SHORT, LONG = "plain", "scram-sha-256", "scram-sha-512"


@contextlib.contextmanager
def tls(path: Path, port: int, target: int) -> Iterator[None]:
    """Accepts TLS at `port` for `target`."""
    both = path.with_suffix(".both")
    both.write_bytes(path.read_bytes() + Path(f"{path}.key").read_bytes())
    listener = f"OPENSSL-LISTEN:{port},fork,reuseaddr,cert={both},verify=0"
    with running(needs("socat"), listener, f"TCP:127.0.0.1:{target}", stdout=subprocess.DEVNULL):
        wait_until(lambda: socket.create_connection(("127.0.0.1", port)).close() is None)
        yield


def test_a_topic_has_every_flow_over_tls(capture: Path, tmp_path: Path) -> None:
    port, secure = free_port(), free_port()
    path = certificate(tmp_path, "localhost")
    with kafka(port=port, advertised=secure), tls(path, secure, port):
        url = f"kafka+tls://localhost:{secure}/flows#create=yes,ca={path}"
        result = run("flows", str(capture), "--no-dissect", "-o", url)
        assert (result.returncode, result.stderr) == (0, "")
        found = messages(secure, "flows", security_protocol="SSL", ssl_cafile=str(path))
        assert len(found) == len({json.loads(value)["id"] for _, value, _ in found}) == FLOWS


def check_login(capture: Path, port: int, path: Path, mechanism: str, wrong: list[str]) -> None:
    """Checks that the right password delivers every flow, and others none; `wrong` are mechanisms
    that the user may not use."""
    url = f"kafka+tls://{USER}@localhost:{port}/flows#sasl={mechanism},create=yes,ca={path}"

    def send(url: str, password: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "NFSTREAM_PASSWORD": password}
        return run("flows", str(capture), "--no-dissect", "-o", url, env=environment)

    result = send(url, PASSWORD)
    assert (result.returncode, result.stderr) == (0, "")
    login = {"security_protocol": "SASL_SSL", "sasl_mechanism": mechanism.upper(),
             "sasl_plain_username": READER, "sasl_plain_password": SECRET}  # fmt: skip
    found = messages(port, "flows", ssl_cafile=str(path), **login)
    assert len(found) == len({json.loads(value)["id"] for _, value, _ in found}) == FLOWS
    for user, password in ((USER, "hunter2"), ("eve", PASSWORD)):
        refused = send(url.replace(USER, user), password)
        assert refused.returncode == 1
        assert "refuses user or password" in refused.stderr, refused.stderr
        assert refused.stderr.count("\n") == 1 and password not in refused.stderr
    for other in wrong:
        refused = send(url.replace(f"sasl={mechanism}", f"sasl={other}"), PASSWORD)
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1
        assert "does not support this way to log in" in refused.stderr, refused.stderr
        assert f"it supports {mechanism.upper()}" in refused.stderr
    anonymous = url.replace(f"{USER}@", "").replace(f"sasl={mechanism},", "")
    closed = send(anonymous, PASSWORD)
    assert closed.returncode == 1 and "it may require TLS or a login" in closed.stderr


@pytest.mark.parametrize("mechanism", [PLAIN, SHORT, LONG])
def test_a_login_with(mechanism: str, capture: Path, tmp_path: Path) -> None:
    """The server of the login is another implementation of SCRAM, before a real broker."""
    login = pytest.importorskip("login")
    port, secure = free_port(), free_port()
    path = certificate(tmp_path, "localhost")
    users, mechanisms = {USER: PASSWORD, READER: SECRET}, [mechanism.upper()]
    wrong = [other for other in (PLAIN, SHORT, LONG) if other != mechanism]
    with (
        kafka(port=port, advertised=secure),
        login.login(secure, port, users, mechanisms, path),
    ):
        check_login(capture, secure, path, mechanism, wrong)


@pytest.mark.parametrize("mechanism", [SHORT, LONG])
def test_a_login_at_the_broker_with(mechanism: str, capture: Path, tmp_path: Path) -> None:
    """The broker checks the password: `cargo install tansu --features libsql`."""
    program = needs("tansu")
    storage = ("--storage-engine", f"sqlite://{tmp_path}/broker.db")
    port, secure = free_port(), free_port()
    path = certificate(tmp_path, "localhost")
    with kafka(*storage, port=port, program=program):
        create = [program, "user", "create", "--broker", f"tcp://127.0.0.1:{port}"]
        kind = "scram" + mechanism[-3:]
        for user in ([USER, PASSWORD], [READER, SECRET]):
            subprocess.run([*create, "--mechanism", kind, *user], check=True)
    with (
        kafka(*storage, "--authentication", port=port, advertised=secure, program=program),
        tls(path, secure, port),
    ):
        check_login(capture, secure, path, mechanism, [])
