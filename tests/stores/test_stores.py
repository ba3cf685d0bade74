"""Captures in an object store of their own: `make test-stores`.

The store is moto's server, which has the interface of Amazon S3, as a process of the test.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

import nfstream
import nfstream.dask
from nfstream import NFStreamer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python" / "tests"))

from frames import write_large_pcap  # noqa: E402
from pieces import busy_packets, cut  # noqa: E402
from servers import serving  # noqa: E402

CAPTURES = ROOT / "tests" / "captures"
COMMAND = Path(sys.executable).parent / "nfstream"
EVERYTHING: dict[str, Any] = {"features": "all", "dissector": "native"}
BUCKET = "sensors"


class Store:
    """A store, and its client."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process = process
        self.url = url
        self.client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
        self.client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, content: bytes) -> str:
        """Stores an object, and returns its URL."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"


@contextlib.contextmanager
def storing(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a store on this port until the block ends."""
    call = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with open(os.devnull, "wb") as nothing:
        process = subprocess.Popen(call, stdout=nothing, stderr=nothing)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """Returns a port that no program uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    for name, value in {
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with storing(port) as process:
        yield Store(process, url)


def rows(*sources: Any, **parameters: Any) -> list[dict[str, Any]]:
    """Returns the flows of captures."""
    found: list[dict[str, Any]] = NFStreamer(list(sources), **parameters).to_arrow().to_pylist()
    return found


def test_a_thousand_objects_give_the_table_of_one_pass(store: Store, tmp_path: Path) -> None:
    # More than one page of a list.
    files = cut(tmp_path, busy_packets(), 1008)
    for file in files:
        store.put(f"day=1/{file.name}", file.read_bytes())
    expected = rows(*files, **EVERYTHING)
    start = time.monotonic()
    assert rows(f"s3://{BUCKET}/day=1/", **EVERYTHING) == expected
    print(f"\n1,008 objects of a folder: {time.monotonic() - start:.1f} s")
    assert rows(f"s3://{BUCKET}/*/0*.pcap", **EVERYTHING) == expected
    plan = nfstream.plan(f"s3://{BUCKET}/day=1/", shards=4, **EVERYTHING)
    expected = NFStreamer(files, n_meters=4, **EVERYTHING).to_arrow().to_pylist()
    assert nfstream.dask.table(plan).to_pylist() == expected


def test_a_plan_is_read_by_other_processes(store: Store, tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    files = cut(tmp_path, busy_packets(), 64)
    for file in files:
        store.put(f"day=1/{file.name}", file.read_bytes())
    plan = nfstream.plan(f"s3://{BUCKET}/day=1/", shards=4, task_bytes=0, **EVERYTHING)
    expected = NFStreamer(files, n_meters=4, **EVERYTHING).to_arrow().to_pylist()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster):
            assert nfstream.dask.table(plan).to_pylist() == expected


def test_the_store_is_killed_in_the_middle(store: Store, tmp_path: Path) -> None:
    large = write_large_pcap(tmp_path / "large.pcap", 1_600_000)
    url = store.put("large.pcap", large.read_bytes())
    table = tmp_path / "flows.parquet"
    call = [COMMAND, "flows", url, "-o", table, "--no-dissect"]
    whole = subprocess.run(call, check=True, capture_output=True)
    assert whole.returncode == 0 and table.exists()
    table.unlink()
    streamer = NFStreamer(url, dissect=False, active_timeout=0.05, idle_timeout=0.05)
    with pytest.raises(ConnectionError, match=rf"{url}: cannot be read"):
        for number, _ in enumerate(streamer):
            if number == 0:
                os.kill(store.process.pid, signal.SIGKILL)
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 1 and f"error: {url}: cannot be read" in done.stderr
    assert list(tmp_path.glob("*flows*")) == []


def test_the_command_and_its_halves(store: Store, tmp_path: Path) -> None:
    files = cut(tmp_path, busy_packets(), 12)
    for file in files:
        store.put(f"a/{file.name}", file.read_bytes())
    folder = f"s3://{BUCKET}/a/"
    blocks = tmp_path / "blocks"
    subprocess.run(
        [COMMAND, "blocks", folder, "--shards", "2", "-o", blocks, "--task-bytes", "0"], check=True
    )
    count = 0
    for shard in (0, 1):
        call = [COMMAND, "flows", blocks / f"shard={shard}", "--format", "csv"]
        count += len(subprocess.check_output(call).splitlines()) - 1
    assert count == len(rows(*files))


def test_fsspec_reads_the_same(store: Store) -> None:
    import s3fs

    redis = CAPTURES / "redis.pcap"
    url = store.put("redis.pcap", redis.read_bytes())
    files = s3fs.S3FileSystem(
        key="testing", secret="testing", client_kwargs={"endpoint_url": store.url}
    )
    with files.open(url.removeprefix("s3://")) as file:
        assert rows(file) == rows(redis) == rows(url)


def test_signed_urls_are_read(store: Store) -> None:
    redis = CAPTURES / "redis.pcap"
    store.put("redis.pcap", redis.read_bytes())
    url = store.client.generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "redis.pcap"}
    )
    assert "Signature" in url
    assert rows(url) == rows(redis)


def test_an_object_that_is_overwritten_is_noticed(store: Store, tmp_path: Path) -> None:
    large = write_large_pcap(tmp_path / "large.pcap", 1_600_000)
    url = store.put("large.pcap", large.read_bytes())
    streamer = NFStreamer(url, dissect=False, active_timeout=0.05, idle_timeout=0.05)
    with pytest.raises(ValueError, match="changed while it was read"):
        for number, _ in enumerate(streamer):
            if number == 0:
                store.put("large.pcap", large.read_bytes()[:-1])


def test_a_store_that_only_fails_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        server.failures = [500] * 100
        start = time.monotonic()
        with pytest.raises(ConnectionError, match="HTTP status 500: Busy: Come later"):
            NFStreamer(f"{server.url}/x.pcap")
        assert 3 < time.monotonic() - start < 20


def test_machines_outside_a_cloud_have_no_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "GOOGLE_", "AZURE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "lab")
    for url in ("s3://bucket/x", "gs://bucket/x", "az://bucket/x"):
        start = time.monotonic()
        with pytest.raises(PermissionError, match="no credentials; set"):
            NFStreamer(url)
        assert time.monotonic() - start < 10


def test_missing_buckets_and_keys_are_named(store: Store) -> None:
    for url in (f"s3://{BUCKET}/nothing", "s3://no-such-bucket/x", f"s3://{BUCKET}/empty/"):
        with pytest.raises(FileNotFoundError, match=url):
            NFStreamer(url)
