"""Reports: their contents, and the methods that write them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from scapy.packet import Raw
from scapy.utils import wrpcap

from nfstream import NFPlugin, NFStreamer

ALERT = "<img src=x onerror=alert(1)>"
BIDI = "moc.\u202egpj.exe"


def hostile(folder: Path) -> Path:
    """Returns a capture of HTTP requests with hostile texts."""
    agents = [
        ALERT,
        "</script><script>window.hacked=1</script>",
        BIDI,
        "\x1b[31mred\x07",
        "ä" * 32_000,
    ]
    packets = []
    for number, agent in enumerate(agents):
        request = f"GET /{ALERT} HTTP/1.1\r\nHost: {ALERT}.example\r\nUser-Agent: {agent}\r\n\r\n"
        packet = IP(src="192.0.2.1", dst="192.0.2.2") / TCP(
            sport=2000 + number, dport=80, flags="PA"
        )
        packets.append(packet / Raw(request.encode()[:60_000]))
    path = folder / "hostile.pcap"
    wrpcap(str(path), packets)
    return path


def data(page: Path) -> dict[str, Any]:
    """Returns the data in a page."""
    text = page.read_text()
    found: dict[str, Any] = json.loads(text.split('id="data">')[1].split("</script>")[0])
    return found


def test_report_has_the_flows_and_parameters_of_the_streamer(web: Path, tmp_path: Path) -> None:
    streamer = NFStreamer(web, idle_timeout=5)
    page = tmp_path / "report.html"
    streamer.report(page, title="Monday")
    found = data(page)
    assert found["title"] == "Monday"
    assert found["total"]["flows"] == len(list(streamer))
    assert [one["name"] for one in found["parameters"] if one["changed"]] == ["idle_timeout"]
    groups = {one["group"] for one in found["columns"]}
    assert {"tls", "dns", "tcp_quality", "splt"} <= groups
    assert os.listdir(tmp_path) == ["report.html"]


def test_report_without_dissection(web: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    NFStreamer(web, dissect=False, time_unit="ns").report(page, flows=2)
    groups = {one["group"] for one in data(page)["columns"]}
    assert "tls" not in groups and "tcp_quality" in groups


def test_report_runs_plugins(redis: Path, tmp_path: Path) -> None:
    class count(NFPlugin):
        ended = 0

        def on_expire(self, flow: Any) -> None:
            count.ended += 1

    NFStreamer(redis, plugins=[count()]).report(tmp_path / "report.html")
    assert count.ended == 6


def test_existing_files_and_captures_stay(redis: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("mine")
    streamer = NFStreamer(redis)
    with pytest.raises(FileExistsError):
        streamer.report(page)
    assert page.read_text() == "mine"
    streamer.report(page, overwrite=True)
    assert data(page)["total"]["flows"] == 6
    with pytest.raises(ValueError, match="is a file of the source"):
        streamer.report(redis, overwrite=True)
    with pytest.raises(FileNotFoundError):
        streamer.report(tmp_path / "absent" / "report.html")
    for arguments in ({"flows": -1}, {"flows": True}, {"title": 1}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            streamer.report(page, **arguments)


def test_report_warns_of_damaged_captures(redis: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(redis.read_bytes()[:-7])
    with pytest.warns(UserWarning, match=r"cut\.pcap"):
        NFStreamer(cut).report(tmp_path / "report.html")
    assert len(data(tmp_path / "report.html")["warnings"]) == 1


def test_text_of_packets_is_no_markup(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    NFStreamer(hostile(tmp_path)).report(page, title="</title><script>")
    text = page.read_text()
    assert "<img" not in text and text.lower().count("</script") == 2
    assert "\u202e" not in text and "\x1b" not in text
    agents = str(data(page)["flows"])
    assert "<img src=x onerror=alert(1)>" in agents and "\\u{202e}" in agents
    assert max(len(line) for line in agents.split("'")) < 10_000
