"""Captures on web servers and in object stores."""

from __future__ import annotations

import bz2
import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nfstream
from conftest import CAPTURES
from frames import write_large_pcap
from nfstream import NFStreamer, clusters
from pieces import busy_packets, cut
from servers import Server, serving

COMMAND = Path(sys.executable).parent / "nfstream"
EVERYTHING: dict[str, Any] = {"features": "all", "dissector": "native"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def store(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with the bucket `sensors`, which the environment names."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ada")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    return server


def rows(*sources: Any, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = NFStreamer(list(sources), **parameters).to_arrow().to_pylist()
    return found


def command(*arguments: str | Path) -> tuple[int, str, str]:
    """Runs the command; returns its exit code, output and messages."""
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress])
def test_urls_are_read_as_files(server: Server, ranges: bool, compress: Any) -> None:
    server.ranges = ranges
    web, redis = CAPTURES / "web.pcap", CAPTURES / "redis.pcap"
    server.files = {"/a b/web.cap": compress(web.read_bytes()), "/redis": redis.read_bytes()}
    found = rows(f"{server.url}/redis", f"{server.url}/a b/web.cap")
    assert found == rows(web, redis)


@pytest.mark.parametrize("ranges", [True, False])
def test_long_captures_are_read_in_ranges_ahead(
    server: Server, tmp_path: Path, ranges: bool
) -> None:
    capture = write_large_pcap(tmp_path / "large.pcap", 80_000)
    server.ranges = ranges
    server.files = {"/large.pcap": capture.read_bytes()}
    streamer = NFStreamer(f"{server.url}/large.pcap", dissect=False)
    assert sum(flow.total_packets for flow in streamer) == 80_000
    if ranges:
        sizes = [
            int(last) - int(first) + 1
            for _, wanted in server.requests
            if wanted is not None
            for first, last in [wanted.removeprefix("bytes=").split("-")]
        ]
        assert max(sizes) <= 4 << 20 and sizes[0] == 64 << 10
        assert len(sizes) > 5


def test_a_list_of_urls_has_the_rules_of_a_list_of_files(server: Server, tmp_path: Path) -> None:
    files = cut(tmp_path, busy_packets(), 8)
    server.files = {f"/{file.name}": file.read_bytes() for file in files}
    urls = [f"{server.url}/{file.name}" for file in files]
    expected = rows(*files)
    assert rows(*reversed(urls)) == expected
    assert rows(*urls[:5], *files[5:]) == expected
    content = server.files["/00004.pcap"]
    damaged = content + b"\xff" * 64
    server.files["/00004.pcap"] = damaged
    files[4].write_bytes(damaged)
    with pytest.warns(UserWarning, match=r"http://.*/00004\.pcap: corrupt at byte"):
        found = rows(*urls)
    with pytest.warns(UserWarning):
        assert found == rows(*files)
    with pytest.raises(ValueError, match=r"00004\.pcap"):
        rows(*urls, strict_files=True)
    server.files |= {"/00004.pcap": content, "/00005.pcap": b"not a capture at all"}
    with pytest.warns(UserWarning, match=r"00005\.pcap: not a capture"):
        rows(*urls)


@pytest.mark.parametrize("tags", [True, False])
def test_a_capture_that_is_overwritten_is_an_error(
    server: Server, tmp_path: Path, tags: bool
) -> None:
    capture = write_large_pcap(tmp_path / "large.pcap", 80_000)
    content = capture.read_bytes()
    other = content[:-1] + b"?" if tags else content[:-1000]
    server.files = {"/large.pcap": content}
    server.tags = tags

    def overwrite(number: int) -> None:
        if number == 5:
            server.files = {"/large.pcap": other}

    streamer = NFStreamer(f"{server.url}/large.pcap", dissect=False)
    server.requests.clear()
    server.before = overwrite
    with pytest.raises(ValueError, match=r"large\.pcap: changed while it was read"):
        streamer.to_parquet(tmp_path / "flows.parquet")
    assert not (tmp_path / "flows.parquet").exists()


def test_failures_that_pass_are_not_noticed(server: Server, redis: Path) -> None:
    server.files = {"/redis": redis.read_bytes()}
    server.failures = [503, 429]
    assert rows(f"{server.url}/redis") == rows(redis)
    # A body that ends early.
    server.cuts = 100

    def heal(number: int) -> None:
        if len(server.requests) > 1:
            server.cuts = None

    server.requests.clear()
    server.before = heal
    assert rows(f"{server.url}/redis") == rows(redis)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_server_that_goes_leaves_no_table(server: Server, tmp_path: Path, ranges: bool) -> None:
    capture = write_large_pcap(tmp_path / "large.pcap", 80_000)
    server.files = {"/large.pcap": capture.read_bytes()}
    server.ranges = ranges
    streamer = NFStreamer([f"{server.url}/large.pcap", CAPTURES / "redis.pcap"], dissect=False)
    server.requests.clear()

    def close(number: int) -> None:
        if not ranges:
            server.cuts = 1_000_000
        elif number == 5:
            server.cuts = 0
            threading.Thread(target=server.end).start()

    server.before = close
    with pytest.raises(ConnectionError, match=r"large\.pcap: cannot be read"):
        streamer.to_parquet(tmp_path / "flows.parquet")
    assert not (tmp_path / "flows.parquet").exists()


def test_an_interrupt_does_not_wait_for_a_silent_server(server: Server, tmp_path: Path) -> None:
    capture = write_large_pcap(tmp_path / "large.pcap", 80_000)
    server.files = {"/large.pcap": capture.read_bytes()}
    is_silent, test_is_over = threading.Event(), threading.Event()

    def keep_silent(number: int) -> None:
        if number >= 4:
            is_silent.set()
            test_is_over.wait(60)

    server.before = keep_silent
    arguments: list[str | Path] = [
        COMMAND,
        "flows",
        f"{server.url}/large.pcap",
        "-o",
        tmp_path / "flows.csv",
    ]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert is_silent.wait(30)
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            _, messages = process.communicate(timeout=10)
        finally:
            test_is_over.set()
            process.kill()
    assert process.returncode == 130, messages
    assert "Traceback" not in messages and "corrupt" not in messages


def test_access_that_ends_in_the_middle_ends_the_run(server: Server, tmp_path: Path) -> None:
    """As a signature does that expires."""
    capture = write_large_pcap(tmp_path / "large.pcap", 80_000)
    server.files = {"/large.pcap": capture.read_bytes()}
    streamer = NFStreamer(f"{server.url}/large.pcap", dissect=False)
    begun = len(server.requests)

    def refuse(number: int) -> None:
        if number > begun + 2:
            server.failures = [403]

    server.before = refuse
    with pytest.raises(ConnectionError, match=r"large\.pcap: cannot be read: HTTP status 403"):
        streamer.to_parquet(tmp_path / "flows.parquet")
    assert not (tmp_path / "flows.parquet").exists()


def test_a_server_does_not_choose_the_size_of_a_range(server: Server, redis: Path) -> None:
    server.files = {"/redis": redis.read_bytes()}
    server.surplus = 1 << 20
    with pytest.raises(OSError, match="the server sent more than 65536 bytes"):
        NFStreamer(f"{server.url}/redis")
    assert len(server.requests) == 1


def test_what_a_server_does_not_have_or_give_is_an_error(server: Server, redis: Path) -> None:
    server.files = {"/redis": redis.read_bytes(), "/empty": b""}
    with pytest.raises(FileNotFoundError, match=r"/missing: cannot be read: HTTP status 404"):
        NFStreamer([f"{server.url}/redis", f"{server.url}/missing"])
    server.failures = [403]
    with pytest.raises(PermissionError, match="HTTP status 403: Busy: Come later"):
        NFStreamer(f"{server.url}/redis")
    with pytest.warns(UserWarning, match="/empty: empty"):
        assert rows(f"{server.url}/empty") == []
    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1:1/x: cannot be read: connection ref"):
        NFStreamer("http://127.0.0.1:1/x")
    # A system without a network cannot know that there is no such name.
    with pytest.raises(ConnectionError, match=r"the name of the host has no address|resolution"):
        NFStreamer("http://nothing.invalid/x")


def test_secrets_of_urls_are_not_shown(server: Server, redis: Path, tmp_path: Path) -> None:
    server.files = {"/redis": redis.read_bytes()}
    secret = f"{server.url.replace('//', '//ada:pass%40word@')}/redis?signature=sesame"
    streamer = NFStreamer(secret)
    streamer.to_parquet(tmp_path / "flows.parquet")
    assert server.authorizations[-1] == "Basic YWRhOnBhc3NAd29yZA=="
    assert server.requests[-1][0] == "/redis?signature=sesame"
    with pytest.raises(FileNotFoundError) as error:
        NFStreamer(secret.replace("/redis", "/missing"))
    texts = [repr(streamer), str(error.value), str((tmp_path / "flows.parquet").read_bytes())]
    texts += command("summary", secret)[1:]
    texts += command("summary", secret.replace("/redis", "/missing"))[1:]
    assert all("/redis" in text or "/missing" in text for text in texts[:3])
    assert not any("pass%40" in text or "sesame" in text for text in texts)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://host/a.pcap", r"ftp:// is not supported \(use s3://"),
        ("s3://", "it is incomplete: write s3://BUCKET/KEY"),
        ("https:///a.pcap", "it is incomplete: write https://HOST/PATH"),
        (Path("s3://bucket/a.pcap"), "a slash of the URL is missing: write s3://…, as text"),
        ("file:///a.pcap", "write the path without file://"),
    ],
)
def test_urls_that_cannot_name_captures_are_refused(url: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        NFStreamer(url)


def test_a_prefix_is_a_folder(store: Server, tmp_path: Path) -> None:
    files = cut(tmp_path, busy_packets(), 7)
    store.files = {f"/sensors/day 1/{file.name}": file.read_bytes() for file in files}
    store.files["/sensors/day 1/notes.txt"] = b"Dear diary, today I captured some packets"
    store.files["/sensors/day 1/old/x.pcap"] = b""
    # Consoles mark folders in this way.
    store.files["/sensors/day 1/"] = b""
    store.page = 3
    expected = rows(*files, **EVERYTHING)
    for url in ("s3://sensors/day 1", "s3://sensors/day 1/"):
        with pytest.warns(UserWarning, match=r"day 1/?: skipped, not captures: old, notes\.txt"):
            assert rows(url, **EVERYTHING) == expected
    assert rows("s3://sensors/*/0*.pcap", **EVERYTHING) == expected
    assert rows("s3://sensors/day 1/00003.pcap") == rows(files[3])
    authorization = store.authorizations[-1]
    assert authorization is not None and authorization.startswith("AWS4-HMAC-SHA256")
    for missing, reason in [
        ("s3://sensors/day 2", "NoSuchKey: No key"),
        ("s3://sensors/day 2/", "the folder is empty"),
    ]:
        with pytest.raises(FileNotFoundError, match=f"{missing}: cannot be read: {reason}"):
            NFStreamer(missing)
    with pytest.raises(ValueError, match="no file matches this pattern"):
        NFStreamer("s3://sensors/day 1/*.cap")


def test_profiles_have_keys(
    store: Server, redis: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.files = {"/sensors/redis": redis.read_bytes()}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[lab]\naws_access_key_id = of-the-lab\naws_secret_access_key = secret\n"
    )
    (tmp_path / ".aws" / "config").write_text(f"[profile lab]\nendpoint_url = {store.url}\n")
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert rows("s3://sensors/redis") == rows(redis)
    assert "of-the-lab" in (store.authorizations[-1] or "")
    monkeypatch.setenv("AWS_PROFILE", "other")
    with pytest.raises(OSError, match='there is no profile "other"'):
        NFStreamer("s3://sensors/redis")


def test_missing_credentials_and_refusals_are_explained(
    store: Server, redis: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.files = {"/sensors/redis": redis.read_bytes()}
    store.failures = [403]
    with pytest.raises(PermissionError, match=r"s3://sensors/redis: cannot be read: Busy: Come"):
        NFStreamer("s3://sensors/redis")
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(OSError, match="allow it with AWS_ALLOW_HTTP=true"):
        NFStreamer("s3://sensors/redis")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(PermissionError, match="no credentials; set AWS_ACCESS_KEY_ID"):
        NFStreamer("s3://sensors/redis")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    assert rows("s3://sensors/redis") == rows(redis)


def test_plans_blocks_and_tasks_read_urls(store: Server, tmp_path: Path) -> None:
    files = cut(tmp_path, busy_packets(), 9)
    store.files = {f"/sensors/a/{file.name}": file.read_bytes() for file in files}
    plan = nfstream.plan("s3://sensors/a/", shards=3, task_bytes=0, **EVERYTHING)
    assert len(plan.tasks) == 9 and plan.tasks[0].files[0][0] == "s3://sensors/a/00000.pcap"
    pytest.importorskip("dask.dataframe")
    from nfstream import dask

    expected = NFStreamer(files, n_meters=3, **EVERYTHING).to_arrow()
    assert dask.table(plan).to_pylist() == expected.to_pylist()
    urls = [f"{store.url}/sensors/a/{file.name}?key=sesame" for file in files]
    plan = nfstream.plan(urls, shards=2, **EVERYTHING)
    assert dask.table(plan).to_pylist() == NFStreamer(files, **EVERYTHING).to_arrow().to_pylist()
    store.files["/sensors/a/00003.pcap"] += b"more"
    with pytest.raises(ValueError, match=r"00003\.pcap: changed while it was read") as error:
        for task in plan.tasks:
            list(clusters.map_task(plan, task))
    assert "sesame" not in str(error.value)


def test_the_command_reads_urls(store: Server, tmp_path: Path) -> None:
    redis = CAPTURES / "redis.pcap"
    store.files = {"/sensors/redis.pcap": redis.read_bytes()}
    url = "s3://sensors/redis.pcap"
    code, output, messages = command("flows", url, "--format", "csv")
    assert (code, messages) == (0, "")
    assert output == command("flows", redis, "--format", "csv")[1]
    assert command("summary", url)[0] == 0
    assert command("extract", url, "--id", "2", "-o", tmp_path / "out.pcapng")[0] == 0
    assert rows(tmp_path / "out.pcapng")[0]["total_packets"] > 0
    assert command("blocks", url, "--shards", "2", "-o", tmp_path / "blocks")[0] == 0
    assert (tmp_path / "blocks" / "shard=1").is_dir()
    code, output, messages = command("flows", url, "--sandbox")
    assert (code, output) == (2, "")
    assert "--sandbox cannot be combined with a URL, which is read over the network" in messages


@pytest.mark.parametrize("name", ["redis", "redis.gz"])
def test_fsspec_files_are_file_objects(redis: Path, name: str) -> None:
    fsspec = pytest.importorskip("fsspec")
    files = fsspec.filesystem("memory")
    content = redis.read_bytes()
    files.pipe(f"/{name}", gzip.compress(content) if name.endswith("gz") else content)
    with files.open(f"/{name}") as file:
        assert rows(file) == rows(redis)
    with fsspec.open(f"memory://{name}", compression="infer") as file:
        assert rows(file) == rows(redis)


def test_errors_of_file_objects_are_not_taken_for_damage(web: Path) -> None:
    class Failing:
        def __init__(self) -> None:
            self.content = gzip.compress(web.read_bytes())
            self.place = 0

        def read(self, count: int) -> bytes:
            if self.place > 1000:
                raise OSError("the store is gone")
            part = self.content[self.place : self.place + min(count, 500)]
            self.place += len(part)
            return part

    with pytest.warns(UserWarning) as warned:
        list(NFStreamer(Failing()))  # type: ignore[arg-type]
    assert any("the store is gone" in str(warning.message) for warning in warned)
