"""A live run: packets on an interface, `nfstream live` and a receiver, in a network namespace.

    unshare --net python tests/peers/live.py RECEIVER [SECONDS]

Prints flows, sent, received and refused records, rate and memory as JSON. Packets come at 20,000 a
second, two of each flow.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from peers import COMMAND, certificate, kafka, needs, running, wait_until

PACKETS_PER_SECOND = 20_000
IDLE_TIMEOUT = 2
METRICS = "127.0.0.1:9100"

# Address of a receiver, and the function that counts its records once the run has ended.
Receiver = tuple[str, Callable[[], int]]


def write_capture(path: Path, seconds: int) -> int:
    """Writes the packets for some seconds, and returns the number of their flows."""
    flows = PACKETS_PER_SECOND // 2 * seconds
    server = bytes([192, 0, 2, 1])
    ethernet = bytes([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0])
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(flows):
            host = bytes([10, number >> 16]) + struct.pack(">H", number & 0xFFFF)
            for way, (source, target, ports) in enumerate(
                [(host, server, (1024, 53)), (server, host, (53, 1024))]
            ):
                payload = b"x" * (10 + 20 * way)
                datagram = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
                packet = (
                    ethernet
                    + struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0)
                    + source
                    + target
                    + datagram
                )
                file.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)
    return flows


@contextlib.contextmanager
def nfcapd(folder: Path) -> Iterator[Receiver]:
    command = [needs("nfcapd"), "-w", str(folder), "-p", "4739", "-b", "127.0.0.1"]
    command += ["-B", "8388608", "-t", "3600"]
    with running(*command, stdout=subprocess.DEVNULL) as process:

        def count() -> int:
            process.terminate()
            process.wait(20)
            text = subprocess.run(
                ["nfdump", "-R", str(folder), "-I"], capture_output=True, text=True, check=True
            ).stdout
            return int(re.search(r"^Flows: (\d+)", text, re.M)[1])

        time.sleep(1)
        yield "ipfix://127.0.0.1:4739", count


@contextlib.contextmanager
def stream(folder: Path, kind: str) -> Iterator[Receiver]:
    """A program that writes a stream to a file, which another crate reads."""
    file, options = folder / "stream.ipfix", ""
    if kind == "tcp":
        listener = "TCP-LISTEN:4739"
    else:
        path = certificate(folder, "localhost")
        both = folder / "both.pem"
        both.write_bytes(path.read_bytes() + Path(f"{path}.key").read_bytes())
        listener, options = f"OPENSSL-LISTEN:4739,cert={both},verify=0", f"#ca={path}"
    command = [needs("socat"), "-u", f"{listener},reuseaddr", f"CREATE:{file}"]
    with running(*command, stdout=subprocess.DEVNULL) as process:

        def count() -> int:
            process.wait(20)
            return int(
                subprocess.run(
                    [os.environ["READERS"], "netgauze", "--count", str(file)],
                    capture_output=True, text=True, check=True,
                ).stdout
            )  # fmt: skip

        time.sleep(1)
        yield f"ipfix+{kind}://localhost:4739{options}", count


def clickhouse_config(folder: Path, port: int) -> Path:
    """Writes the configuration of a server whose user "default" has the password "secret"."""
    config = folder / "config.xml"
    config.write_text(
        f"""<yandex><logger><level>none</level></logger><http_port>{port}</http_port>
        <listen_host>127.0.0.1</listen_host><path>{folder}/data/</path>
        <tmp_path>{folder}/tmp/</tmp_path><mark_cache_size>5368709</mark_cache_size>
        <users_config>{folder}/users.xml</users_config>
        <default_profile>default</default_profile><default_database>default</default_database>
        </yandex>"""
    )
    (folder / "users.xml").write_text(
        """<yandex><profiles><default/></profiles><quotas><default/></quotas><users><default>
        <password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
        <quota>default</quota></default></users></yandex>"""
    )
    return config


def ask_clickhouse(port: int, text: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=text.encode())
    request.add_header("X-ClickHouse-User", "default")
    request.add_header("X-ClickHouse-Key", "secret")
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode().strip()


@contextlib.contextmanager
def clickhouse(folder: Path) -> Iterator[Receiver]:
    command = [needs("clickhouse-server"), f"--config-file={clickhouse_config(folder, 8123)}"]
    os.environ |= {"NFSTREAM_USER": "default", "NFSTREAM_PASSWORD": "secret"}
    with running(*command, stdout=subprocess.DEVNULL, cwd=folder):
        wait_until(lambda: ask_clickhouse(8123, "SELECT 1") == "1", 120)
        url = "clickhouse://127.0.0.1:8123/default/flows#create=yes"
        yield url, lambda: int(ask_clickhouse(8123, "SELECT count() FROM flows"))


@contextlib.contextmanager
def broker(_: Path) -> Iterator[Receiver]:
    import kafka as client

    with kafka(port=9092):

        def count() -> int:
            consumer = client.KafkaConsumer(
                bootstrap_servers="localhost:9092", enable_auto_commit=False,
                consumer_timeout_ms=5000,
            )  # fmt: skip
            partitions = consumer.partitions_for_topic("flows")
            consumer.assign([client.TopicPartition("flows", number) for number in partitions])
            consumer.seek_to_beginning()
            return len({json.loads(message.value)["id"] for message in consumer})

        yield "kafka://localhost:9092/flows#create=yes", count


@contextlib.contextmanager
def web(_: Path) -> Iterator[Receiver]:
    import gzip

    rows = [0]

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            rows[0] += gzip.decompress(body).count(b"\n")
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:8080/flows", lambda: rows[0]
    server.shutdown()


@contextlib.contextmanager
def unix(folder: Path) -> Iterator[Receiver]:
    rows, ended = [0], threading.Event()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "flows.sock"))
    listener.listen()

    def read() -> None:
        stream, _ = listener.accept()
        while data := stream.recv(1 << 16):
            rows[0] += data.count(b"\n")
        stream.close()
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    yield f"unix://{folder}/flows.sock", lambda: ended.wait(20) and rows[0]


RECEIVERS = {
    "ipfix": nfcapd,
    "ipfix+tcp": lambda folder: stream(folder, "tcp"),
    "ipfix+tls": lambda folder: stream(folder, "tls"),
    "clickhouse": clickhouse,
    "kafka": broker,
    "http": web,
    "unix": unix,
}


def metrics() -> dict[str, float]:
    """Returns the sum of each metric over its labels."""
    with urllib.request.urlopen(f"http://{METRICS}/metrics") as answer:
        text = answer.read().decode()
    sums: dict[str, float] = {}
    for name, value in re.findall(r"^nfstream_(\w+)(?:\{.*\})? (\S+)$", text, re.M):
        sums[name] = sums.get(name, 0) + float(value)
    return sums


def peak_memory_mb(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1000


def measure(name: str, seconds: int) -> dict[str, object]:
    for command in (
        "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1",
        "ip link set lo up",
        "ip link add packets0 type veth peer name packets1",
        "ip link set packets0 up",
        "ip link set packets1 up",
    ):
        subprocess.run(command.split(), check=True)
    tcpreplay = needs("tcpreplay")
    period = min(seconds, 10)
    if seconds % period:
        raise SystemExit("error: SECONDS is at most 10, or a multiple of 10")
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        flows = write_capture(folder / "packets.pcap", period) * (seconds // period)
        state = folder / "receiver"
        state.mkdir()
        with RECEIVERS[name](state) as (url, received):
            live = [
                COMMAND,
                "live",
                "packets1",
                "--no-dissect",
                "--idle-timeout",
                str(IDLE_TIMEOUT),
            ]
            process = subprocess.Popen(
                [*live, "--metrics", METRICS, "-o", url], stderr=subprocess.PIPE, text=True
            )
            wait_until(lambda: "sink_connected" in metrics())
            subprocess.run(
                [tcpreplay, "-i", "packets0", "--pps", str(PACKETS_PER_SECOND), "-K",
                 "--loop", str(seconds // period), str(folder / "packets.pcap")],
                check=True, capture_output=True,
            )  # fmt: skip
            wait_until(lambda: metrics()["sink_flows_total"] >= flows, 30)
            counts = metrics()
            memory = peak_memory_mb(process.pid)
            ticks = Path(f"/proc/{process.pid}/stat").read_text().split()[13:15]
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
            end = time.monotonic() - start
            return {
                "receiver": name,
                "seconds": seconds,
                "flows": flows,
                "packets": int(counts["packets_total"]),
                "dropped_packets": int(counts["dropped_packets_total"]),
                "sent": int(counts["sink_flows_total"]),
                "dropped": int(counts["sink_dropped_flows_total"]),
                "rejected": int(counts["sink_rejected_flows_total"]),
                "received": received(),
                "memory_mb": memory,
                "processor_s": sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"),
                "end_s": round(end, 2),
                "exit_code": process.returncode,
                "errors": errors,
            }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60)))
