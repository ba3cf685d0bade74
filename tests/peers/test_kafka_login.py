"""Kafka with a login and TLS: the broker `tansu` with users in a file, from
`cargo install tansu --features libsql`, behind socat for TLS."""

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


@contextlib.contextmanager
def tls(folder: Path, port: int, target: int) -> Iterator[Path]:
    """Accepts TLS at `port` for `target`; yields the certificate."""
    path = certificate(folder, "localhost")
    both = folder / "both.pem"
    both.write_bytes(path.read_bytes() + Path(f"{path}.key").read_bytes())
    listener = f"OPENSSL-LISTEN:{port},fork,reuseaddr,cert={both},verify=0"
    with running(needs("socat"), listener, f"TCP:127.0.0.1:{target}", stdout=subprocess.DEVNULL):
        wait_until(lambda: socket.create_connection(("127.0.0.1", port)).close() is None)
        yield path


def test_a_topic_has_every_flow_over_tls(capture: Path, tmp_path: Path) -> None:
    port, secure = free_port(), free_port()
    with kafka(port=port, advertised=secure), tls(tmp_path, secure, port) as path:
        url = f"kafka+tls://localhost:{secure}/flows#create=yes,ca={path}"
        result = run("flows", str(capture), "--no-dissect", "-o", url)
        assert (result.returncode, result.stderr) == (0, "")
        found = messages(secure, "flows", security_protocol="SSL", ssl_cafile=str(path))
        assert len(found) == len({json.loads(value)["id"] for _, value, _ in found}) == FLOWS


@pytest.mark.parametrize("mechanism", ["scram-sha-256", "scram-sha-512"])
def test_a_login_with(mechanism: str, capture: Path, tmp_path: Path) -> None:
    program = needs("tansu")
    storage = ("--storage-engine", f"sqlite://{tmp_path}/broker.db")
    port, secure = free_port(), free_port()
    name = "scram" + mechanism[-3:]
    with kafka(*storage, port=port, program=program):
        create = [program, "user", "create", "--broker", f"tcp://127.0.0.1:{port}"]
        subprocess.run([*create, "--mechanism", name, "a=d,a", "ge:heim ü"], check=True)
    with (
        kafka(*storage, "--authentication", port=port, advertised=secure, program=program),
        tls(tmp_path, secure, port) as path,
    ):
        url = f"kafka+tls://a=d,a@localhost:{secure}/flows#sasl={mechanism},create=yes,ca={path}"
        secret = {**os.environ, "NFSTREAM_PASSWORD": "ge:heim ü"}
        result = run("flows", str(capture), "--no-dissect", "-o", url, env=secret)
        assert (result.returncode, result.stderr) == (0, "")
        login = {"security_protocol": "SASL_SSL", "sasl_mechanism": mechanism.upper(),
                 "sasl_plain_username": "a=d,a", "sasl_plain_password": "ge:heim ü"}  # fmt: skip
        found = messages(secure, "flows", ssl_cafile=str(path), **login)
        assert len(found) == len({json.loads(value)["id"] for _, value, _ in found}) == FLOWS
        for user, password in (("a=d,a", "hunter2"), ("eve", "ge:heim ü")):
            wrong = {**os.environ, "NFSTREAM_PASSWORD": password}
            refused = run("flows", str(capture), "--no-dissect", "-o",
                          url.replace("a=d,a", user), env=wrong)  # fmt: skip
            assert refused.returncode == 1
            assert "refuses user or password" in refused.stderr, refused.stderr
            assert refused.stderr.count("\n") == 1 and password not in refused.stderr
        other = "scram-sha-512" if name == "scram256" else "scram-sha-256"
        none = run("flows", str(capture), "--no-dissect", "-o",
                   url.replace(mechanism, other), env=secret)  # fmt: skip
        assert none.returncode == 1 and "refuses user or password" in none.stderr, none.stderr
        anonymous = url.replace("a=d,a@", "").replace(f"sasl={mechanism},", "")
        closed = run("flows", str(capture), "--no-dissect", "-o", anonymous)
        assert closed.returncode == 1 and "it may require TLS or a login" in closed.stderr
