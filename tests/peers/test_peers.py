"""Flows to real receivers: `make test-peers`. A test is skipped if its receiver is not installed.

Every receiver is a process of the test on the loopback interface and ends with it.
"""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from live import ask_clickhouse, clickhouse_config
from peers import (
    COMMAND,
    FLOWS,
    certificate,
    free_port,
    kafka,
    messages,
    needs,
    run,
    running,
    wait_until,
)


def test_nfcapd_receives_both_records_of_every_flow(capture: Path, tmp_path: Path) -> None:
    port = free_port()
    store = tmp_path / "store"
    store.mkdir()
    nfcapd = needs("nfcapd")
    with running(nfcapd, "-w", str(store), "-p", str(port), "-b", "127.0.0.1", "-B", "8388608",
                 "-t", "3600", stdout=subprocess.DEVNULL) as collector:  # fmt: skip
        time.sleep(1)
        url = f"ipfix://127.0.0.1:{port}#records_per_s=20000"
        result = run("flows", str(capture), "--no-dissect", "-o", url)
        assert (result.returncode, result.stderr) == (0, "")
        time.sleep(1)
        collector.terminate()
        collector.wait(20)
    read = subprocess.run(
        ["nfdump", "-R", str(store), "-q", "-o", "csv"], capture_output=True, text=True, check=True
    )
    rows = [line.split(",") for line in read.stdout.splitlines() if line.startswith("20")]
    assert len(rows) == 2 * FLOWS
    assert {row[7] for row in rows} == {"UDP"}
    # Bytes of the IP packets.
    assert sorted({row[12] for row in rows}) == ["38", "58"]


def test_a_collector_that_is_gone_and_comes_back(capture: Path) -> None:
    """Nothing is lost over TCP: the run waits, and sends the flows in progress again."""
    port = free_port()
    received = bytearray()
    done = threading.Event()

    def serve() -> None:
        for part in range(2):
            listener = socket.create_server(("127.0.0.1", port))
            stream, _ = listener.accept()
            listener.close()
            while True:
                data = stream.recv(65536)
                if not data:
                    break
                received.extend(data)
                if part == 0 and len(received) > 200_000:
                    break
            stream.close()
            received.clear() if part == 0 else None
            time.sleep(0.5)
        done.set()

    threading.Thread(target=serve, daemon=True).start()
    wait_until(lambda: port)
    time.sleep(0.3)
    result = run("flows", str(capture), "--no-dissect", "-o", f"ipfix+tcp://127.0.0.1:{port}")
    assert result.returncode == 0, result.stderr
    assert "trying again" in result.stderr and "connected again" in result.stderr
    assert done.wait(10)


class Bulk(http.server.BaseHTTPRequestHandler):
    """The bulk interface of Elastic, which is busy at every third request."""

    requests = 0
    lock = threading.Lock()
    documents: ClassVar[set[tuple[object, ...]]] = set()
    rows = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            type(self).requests += 1
            number = self.requests
        status, answer = 200, b""
        if self.headers["Authorization"] != "Basic YWRhOnNlY3JldA==":
            status = 401
        elif number % 3 == 0:
            status = 429
        else:
            lines = gzip.decompress(body).splitlines()
            assert set(lines[::2]) == {b'{"create":{}}'}
            items = []
            for line in lines[1::2]:
                event = json.loads(line)
                ends = event["source"], event["destination"]
                key = tuple((end["ip"], end["port"]) for end in ends)
                type(self).documents.add(key)
                type(self).rows += 1
                items.append({"create": {"status": 201}})
            answer = json.dumps({"errors": False, "items": items}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def test_a_bulk_interface_gets_every_flow_once(capture: Path, tmp_path: Path) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bulk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    secrets = tmp_path / "secrets"
    secrets.write_text("user = ada\npassword = secret\n")
    url = f"http://127.0.0.1:{server.server_port}/flows/_bulk#bulk=yes,credentials={secrets}"
    result = run("flows", str(capture), "--no-dissect", "--format", "ecs", "-o", url)
    assert result.returncode == 0, result.stderr
    assert len(Bulk.documents) == Bulk.rows == FLOWS
    secrets.write_text("user = ada\npassword = wrong\n")
    result = run("flows", str(capture), "--no-dissect", "--format", "ecs", "-o", url)
    assert result.returncode == 1
    assert "HTTP status 401" in result.stderr and "wrong" not in result.stderr
    server.shutdown()
    server.server_close()


def test_clickhouse_has_every_flow(capture: Path, tmp_path: Path) -> None:
    clickhouse = needs("clickhouse-server")
    port = free_port()
    config = clickhouse_config(tmp_path, port)

    def query(text: str) -> str:
        return ask_clickhouse(port, text)

    with running(clickhouse, f"--config-file={config}", stdout=subprocess.DEVNULL, cwd=tmp_path):
        wait_until(lambda: query("SELECT 1") == "1", 120)
        url = f"clickhouse://127.0.0.1:{port}/default/flows"
        secret = {**os.environ, "NFSTREAM_USER": "default", "NFSTREAM_PASSWORD": "secret"}
        missing = run("flows", str(capture), "--no-dissect", "-o", url, env=secret)
        assert missing.returncode == 1 and "doesn't exist" in missing.stderr, missing.stderr
        result = run("flows", str(capture), "--no-dissect", "-o", url + "#create=yes", env=secret)
        assert result.returncode == 0, result.stderr
        assert query("SELECT count(), sum(total_packets) FROM flows") == f"{FLOWS}\t{2 * FLOWS}"
        wrong = {**secret, "NFSTREAM_PASSWORD": "hunter2"}
        refused = run("flows", str(capture), "--no-dissect", "-o", url, env=wrong)
        assert refused.returncode == 1 and "hunter2" not in refused.stderr, refused.stderr
        query("CREATE TABLE other (id Int64) ENGINE = Log")
        other = run("flows", str(capture), "-o", url.replace("/flows", "/other"), env=secret)
        assert other.returncode == 1 and "lacks columns: first_seen" in other.stderr, other.stderr
        assert query("SELECT count() FROM other") == "0"
        types = [line.split("\t")[:2] for line in query("DESCRIBE flows").splitlines()]
        types = [(name, "UInt8" if name == "src_port" else kind) for name, kind in types]
        columns = ", ".join(f"{name} {kind}" for name, kind in types)
        query(f"CREATE TABLE narrow ({columns}) ENGINE = Log")
        narrow = run("flows", str(capture), "--no-dissect", "-o",
                     url.replace("/flows", "/narrow"), env=secret)  # fmt: skip
        assert narrow.returncode == 1
        assert "src_port is 1024, but has the type UInt8 in the table" in narrow.stderr
        assert query("SELECT count() FROM narrow") == "0"


def test_ctrl_c_ends_a_run_whose_receiver_is_gone(capture: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    url = f"ipfix+tcp://127.0.0.1:{port}#queue_mib=1,retry_s=600,timeout_s=5"
    process = subprocess.Popen(
        [COMMAND, "flows", str(capture), "--no-dissect", "-o", url],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    stream, _ = listener.accept()
    # The run has begun once the templates arrive.
    stream.recv(1)
    listener.close()
    stream.close()
    time.sleep(2)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - start < 3
    assert process.returncode == 130, errors
    assert "flows sent to ipfix+tcp" in errors


@pytest.mark.parametrize("source", ["live", "flows"])
def test_prometheus_scrapes(source: str, tmp_path: Path) -> None:
    prometheus = needs("prometheus")
    if source == "live" and os.geteuid() != 0:
        pytest.skip("live capture needs root")
    metrics, port = free_port(), free_port()
    (tmp_path / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: nfstream\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{metrics}']}}]\n"
        f"rule_files: ['{Path('deploy/nfstream-alerts.yml').resolve()}']\n"
    )
    command = [COMMAND, source, "lo" if source == "live" else "-", "-o", f"{tmp_path}/flows.csv"]
    with (
        running(*command, "--metrics", f"127.0.0.1:{metrics}", stdin=subprocess.PIPE) as process,
        running(prometheus, f"--config.file={tmp_path}/prometheus.yml",
                f"--storage.tsdb.path={tmp_path}/data",
                f"--web.listen-address=127.0.0.1:{port}", stdout=subprocess.DEVNULL),
    ):  # fmt: skip
        # A pipe stays open, so that its run lasts.
        process.stdin.write(Path("tests/captures/web.pcap").read_bytes())
        process.stdin.flush()

        def scraped() -> bool:
            url = f"http://127.0.0.1:{port}/api/v1/query?query=nfstream_flow_packets_total"
            with urllib.request.urlopen(url) as answer:
                result = json.load(answer)["data"]["result"]
            return bool(result) and (source == "live" or result[0]["value"][1] == "255")

        wait_until(scraped)


def test_a_topic_has_every_flow_once_although_the_broker_hangs(capture: Path) -> None:
    port = free_port()
    url = f"kafka://127.0.0.1:{port}/flows"
    with kafka(port=port) as broker:
        missing = run("flows", str(capture), "--no-dissect", "-o", url)
        assert missing.returncode == 1 and "have no topic flows" in missing.stderr
        command = [COMMAND, "flows", str(capture), "--no-dissect", "-o"]
        process = subprocess.Popen(
            [*command, url + "#create=yes,rows=500,timeout_s=1"], stderr=subprocess.PIPE, text=True
        )
        time.sleep(0.5)
        broker.send_signal(signal.SIGSTOP)
        time.sleep(3)
        broker.send_signal(signal.SIGCONT)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        found = messages(port, "flows")
        assert len(found) == FLOWS
        assert len({json.loads(value)["id"] for _, value, _ in found}) == FLOWS
        assert len({partition for *_, partition in found}) > 1
        flow = json.loads(found[0][1])
        ends = sorted(f"{flow[side + '_ip']} {flow[side + '_port']}" for side in ("src", "dst"))
        assert found[0][0] == f"{ends[0]} {ends[1]} 17".encode()
        events = run("flows", "tests/captures/web.pcap", "--format", "eve", "-o",
                     url + "-events#create=yes")  # fmt: skip
        assert events.returncode == 0, events.stderr
        kinds = {json.loads(value)["event_type"] for _, value, _ in messages(port, "flows-events")}
        assert kinds == {"flow", "tls", "dns", "http"}
        tables = run("flows", str(capture), "--no-dissect", "--format", "arrows", "-o",
                     url + "-tables#create=yes")  # fmt: skip
        assert tables.returncode == 0, tables.stderr
        streams = messages(port, "flows-tables")
        arrow = pytest.importorskip("pyarrow")
        rows = [arrow.ipc.open_stream(value).read_all().num_rows for _, value, _ in streams]
        assert sum(rows) == FLOWS


def test_a_broker_that_is_started_again_gets_the_rest(capture: Path) -> None:
    """All flows arrive that the first broker has not confirmed."""
    port, rows = free_port(), 10
    url = f"kafka://127.0.0.1:{port}/flows#create=yes,rows={rows}"
    with kafka(port=port) as broker:
        process = subprocess.Popen(
            [COMMAND, "flows", str(capture), "--no-dissect", "-o", url],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(1)
        broker.kill()
    with kafka(port=port):
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        found = {json.loads(value)["id"] for _, value, _ in messages(port, "flows")}
    assert "connected again" in errors
    assert set(range(min(found) + rows, FLOWS)) <= found
    assert 0 < len(found) < FLOWS


def test_only_a_trusted_certificate_is_accepted(capture: Path, tmp_path: Path) -> None:
    ours, other = certificate(tmp_path, "localhost"), certificate(tmp_path, "other.example")
    port = free_port()
    server = ["s_server", "-accept", str(port), "-cert", str(ours), "-key", f"{ours}.key", "-quiet"]
    with running(needs("openssl"), *server, stdout=subprocess.DEVNULL, stdin=subprocess.PIPE):
        wait_until(lambda: socket.create_connection(("127.0.0.1", port)).close() is None)
        for url in (
            f"ipfix+tls://localhost:{port}",
            f"https://localhost:{port}/flows",
            f"clickhouse+https://localhost:{port}/default/flows",
            f"kafka+tls://localhost:{port}/flows",
        ):
            refused = run("flows", str(capture), "--no-dissect", "-o", f"{url}#ca={other}")
            assert refused.returncode == 1, url
            assert "certificate" in refused.stderr and refused.stderr.count("\n") == 1, url
        url = f"ipfix+tls://localhost:{port}#ca={ours}"
        accepted = run("flows", "tests/captures/web.pcap", "-o", url)
        assert accepted.returncode == 0, accepted.stderr


def test_readers_of_ipfix_files_agree(tmp_path: Path) -> None:
    reader = pytest.importorskip("ipfix.reader")
    elements = pytest.importorskip("ipfix.ie")
    elements.use_iana_default()
    elements.use_5103_default()
    path = tmp_path / "flows.ipfix"
    assert run("flows", "tests/captures/web.pcap", "-o", str(path)).returncode == 0
    table = run("flows", "tests/captures/web.pcap", "--accounting-mode", "1", "--format", "jsonl")
    flows = [json.loads(line) for line in table.stdout.splitlines()]
    with path.open("rb") as file:
        records = [
            record
            for record in reader.from_stream(file).namedict_iterator()
            if "octetDeltaCount" in record
        ]
    octets = sum(record["octetDeltaCount"] for record in records)
    assert octets == sum(flow["total_bytes"] for flow in flows)
    packets = sum(record["packetDeltaCount"] for record in records)
    assert packets == sum(flow["total_packets"] for flow in flows)
    assert len(records) == sum(
        (flow["src2dst_packets"] > 0) + (flow["dst2src_packets"] > 0) for flow in flows
    )
    dissected = subprocess.run(
        [needs("tshark"), "-r", str(path), "-V"], capture_output=True, text=True, check=True
    )
    assert "Malformed" not in dissected.stdout
    assert dissected.stdout.count("SrcAddr:") == len(records)


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[dict[str, str]]:
    """A PostgreSQL of the test; yields the environment of its clients."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("postgresql is not installed")
    data, port = folder / "data", free_port()
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    for parent in folder.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o111)
    initialize = [*user, str(programs[-1]), "-D", str(data), "-U", "postgres", "-A", "trust"]
    subprocess.run(initialize, check=True, capture_output=True, cwd="/")
    server = [str(programs[-1].parent / "postgres"), "-D", str(data), "-k", str(folder)]
    server += ["-p", str(port), "-c", "listen_addresses="]
    with running(*user, *server, stdout=subprocess.DEVNULL, cwd="/"):
        wait_until((folder / f".s.PGSQL.{port}").exists)
        client = {"PGHOST": str(folder), "PGPORT": str(port), "PGUSER": "postgres"}
        create = [str(programs[-1].parent / "createdb"), "flows"]

        def created() -> bool:
            return subprocess.run(create, env={**os.environ, **client}, check=False).returncode == 0

        wait_until(created)
        yield client


def test_the_recipe_for_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = pytest.importorskip("adbc_driver_postgresql.dbapi")
    [recipe] = re.findall(r"^```py\n(.*?)^```$", Path("docs/deploy.md").read_text(), re.M | re.S)
    with postgresql(tmp_path) as client:
        for name, value in client.items():
            monkeypatch.setenv(name, value)
        exec(compile(recipe, "docs/deploy.md", "exec"), {"__name__": "recipe"})
        with driver.connect("postgresql:///flows") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*), sum(total_packets)::bigint FROM flows")
            assert cursor.fetchone() == (29, 255)
