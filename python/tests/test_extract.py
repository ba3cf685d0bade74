"""The packets of selected flows."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nfstream import NFStreamer

WEB = "tests/captures/web.pcap"
SHARED = Path("../shared/pcaps")


def packets(path: str | Path) -> int:
    streamer = NFStreamer(path, dissect=False)
    list(streamer)
    return streamer.stats().packets


def test_packets_of_selected_flows_are_written(tmp_path: Path) -> None:
    streamer = NFStreamer(WEB)
    flows = [flow for flow in streamer if flow.dst_port == 443]
    expected = sum(flow.total_packets for flow in flows)
    path = tmp_path / "tls.pcapng"
    assert streamer.extract(path, where="dst_port == 443") == (expected, len(flows))
    again = list(NFStreamer(path))
    assert [
        (f.src_ip, f.src_port, f.first_seen, f.total_bytes, f.application_name) for f in again
    ] == [(f.src_ip, f.src_port, f.first_seen, f.total_bytes, f.application_name) for f in flows]
    with pytest.raises(FileExistsError):
        streamer.extract(path, where="dst_port == 443")
    streamer.extract(path, where="dst_port == 443", overwrite=True)


def test_flows_are_chosen_by_number_community_id_and_rows(tmp_path: Path) -> None:
    streamer = NFStreamer(WEB, features="community_id", idle_timeout=5)
    flow = max(streamer, key=lambda flow: flow.total_packets)
    expected = (sum(f.total_packets for f in streamer if f.id == flow.id), 1)
    assert streamer.extract(tmp_path / "a.pcapng", ids=[flow.id]) == expected
    _, flows = streamer.extract(tmp_path / "b.pcapng", community_ids=flow.community_id)
    assert flows >= 1
    chosen = NFStreamer(WEB, idle_timeout=5, where=f"id == {flow.id}")
    for name in ("rows.parquet", "rows.csv", "rows.jsonl", "rows.arrow"):
        rows = tmp_path / name
        write = {
            "parquet": chosen.to_parquet,
            "csv": chosen.to_csv,
            "jsonl": chosen.to_jsonl,
            "arrow": chosen.to_ipc,
        }[name.split(".")[1]]
        write(rows)
        # CSV and JSON Lines record no parameters.
        reader = streamer if name.endswith(("csv", "jsonl")) else NFStreamer(WEB)
        assert reader.extract(tmp_path / f"{name}.pcapng", rows=rows) == expected, name


def test_a_file_for_each_flow(tmp_path: Path) -> None:
    count, flows = NFStreamer(WEB).extract(
        tmp_path / "flow.pcapng", where="dst_port == 53", split=True
    )
    files = sorted(tmp_path.iterdir())
    assert len(files) == flows > 1
    assert sum(packets(file) for file in files) == count
    assert all(len(list(NFStreamer(file))) == 1 for file in files)


def test_nothing_is_extracted_onto_the_source_or_from_a_pipe(tmp_path: Path) -> None:
    copy = tmp_path / "web.pcap"
    shutil.copy(WEB, copy)
    with pytest.raises(ValueError, match="is a file of the source"):
        NFStreamer(copy).extract(copy, overwrite=True)
    with pytest.raises(ValueError, match="where"):
        NFStreamer(copy).extract(tmp_path / "x.pcapng", where="nothing")
    with pytest.raises(OSError, match="missing"):
        NFStreamer(copy).extract(tmp_path / "missing/x.pcapng")


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.skipif(not SHARED.is_dir(), reason="no captures in ../shared")
def test_packets_are_those_of_a_display_filter(tmp_path: Path) -> None:
    names = sorted(SHARED.rglob("*.pcap*"), key=lambda path: path.stat().st_size)
    compared = 0
    for capture in names:
        if compared == 3:
            break
        chosen = tmp_path / "chosen.pcapng"
        count, _ = NFStreamer(capture, dissect=False, idle_timeout=1e6, active_timeout=1e6).extract(
            chosen, where="protocol == TCP && dst_port == 443", overwrite=True
        )
        if count == 0:
            continue
        compared += 1
        stream = {
            line.split("\t")[0] for line in fields(capture, "tcp.port == 443", "frame.number")
        }
        ours = fields(chosen, "", "frame.time_epoch", "frame.len", "frame.cap_len")
        assert len(ours) == len(stream) == count, capture


def fields(capture: Path, display: str, *names: str) -> list[str]:
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields"]
    command += [word for name in names for word in ("-e", name)]
    command += ["-Y", display] if display else []
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
