"""Flows that Python sends to other programs, and the errors."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import CAPTURES
from nfstream import NFPacket, NFPlugin, NFStreamer

REDIS = CAPTURES / "redis.pcap"


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[tuple[str, list[bytes]]]:
    """A Unix socket, and the lines that it has received once its peer has closed."""
    path = tmp_path / "flows.sock"
    received: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        # A test that fails before it connects does not wait for ever.
        listener.settimeout(20)

        def serve() -> None:
            stream, _ = listener.accept()
            stream.settimeout(20)
            with stream, stream.makefile("rb") as reader:
                received.extend(reader)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix://{path}", received
        thread.join()


def test_a_socket_gets_every_flow(lines: tuple[str, list[bytes]]) -> None:
    url, received = lines
    expected = NFStreamer(REDIS).to_pandas()
    assert NFStreamer(REDIS).to_url(url) == len(expected)
    flows = [json.loads(line) for line in received]
    assert [flow["id"] for flow in flows] == expected["id"].tolist()
    assert list(flows[0]) == expected.columns.tolist()


def test_a_format_adds_the_features_that_it_needs(lines: tuple[str, list[bytes]]) -> None:
    url, received = lines
    streamer = NFStreamer(REDIS)
    streamer.to_url(url, format="zeek-json")
    records = [json.loads(line) for line in received]
    assert {"uid", "conn_state", "history", "orig_ip_bytes"} <= set(records[0])
    # The bytes of IP packets, although the streamer counts frames.
    frames = [flow.src2dst_bytes for flow in streamer]
    pairs = zip(records, frames, strict=True)
    assert all(record["orig_ip_bytes"] < size for record, size in pairs)


class Twice(NFPlugin):
    def on_init(self, pkt: NFPacket) -> int:
        return 2


def test_a_destination_for_any_columns_takes_those_of_plugins(
    lines: tuple[str, list[bytes]],
) -> None:
    url, received = lines
    assert NFStreamer(REDIS, plugins=[Twice("twice")]).to_url(url) == 6
    assert [json.loads(line)["twice"] for line in received] == 6 * [2]


def test_columns_of_others_exclude_choices() -> None:
    url = "ipfix://127.0.0.1:4739"
    with pytest.raises(ValueError, match="timestamps cannot be used with ipfix://"):
        NFStreamer(REDIS).to_url(url, timestamps=True)
    with pytest.raises(ValueError, match="columns_to_anonymize cannot be used with ipfix://"):
        NFStreamer(REDIS).to_url(url, ["src_ip"])
    with pytest.raises(ValueError, match="columns cannot be used with ipfix://"):
        NFStreamer(REDIS, columns=["id"]).to_url(url)
    with pytest.raises(ValueError, match="plugins cannot be used with ipfix://"):
        NFStreamer(REDIS, plugins=[Twice()]).to_url(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("flows.csv", "is no URL; it must begin with one of ipfix,"),
        ("ipfixx://host", "unknown kind of destination"),
        ("https://ada:secret@host/", "refusing a password on the command line"),
        ("ipfix://host#domian=1", "unknown option domian"),
    ],
)
def test_invalid_urls_are_value_errors(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        NFStreamer(REDIS).to_url(url)
    assert "secret" not in str(error.value)


def test_a_receiver_that_is_not_there_is_a_connection_error(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match=r"flows\.sock"):
        NFStreamer(REDIS).to_url(f"unix://{tmp_path}/flows.sock")
    with pytest.raises(ConnectionError, match="has no address"):
        NFStreamer(REDIS).to_url("http://host.invalid/flows")
    with pytest.raises(OSError, match="cannot be read"):
        NFStreamer(REDIS).to_url(f"https://localhost/#ca={tmp_path}/none.pem")


def test_a_server_that_refuses_flows_is_a_connection_error() -> None:
    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(403)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/flows"
        with pytest.raises(ConnectionError, match=r"6 flows were not sent.*HTTP status 403"):
            NFStreamer(REDIS).to_url(url)
        server.shutdown()
