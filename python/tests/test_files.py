"""Several files as one capture, and files that cannot be read completely."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest

from frames import file_header, record, udp_frame, write_large_pcap, write_pcap
from nfstream import NFStreamer, v6

DAMAGE = record(0, b"", captured=2**32 - 1)


def to_csv(streamer: NFStreamer, folder: Path) -> list[int]:
    path = folder / "flows.csv"
    streamer.to_csv(path, overwrite=True)
    found: list[int] = pyarrow.csv.read_csv(path)["id"].to_pylist()
    return found


WAYS: dict[str, Callable[[NFStreamer, Path], list[int]]] = {
    "iteration": lambda streamer, _: [flow.id for flow in streamer],
    "to_pandas": lambda streamer, _: streamer.to_pandas()["id"].tolist(),
    "to_arrow": lambda streamer, _: streamer.to_arrow()["id"].to_pylist(),
    "capsule": lambda streamer, _: pa.table(streamer)["id"].to_pylist(),
    "to_polars": lambda streamer, _: streamer.to_polars()["id"].to_list(),
    "to_csv": to_csv,
}


def write(path: Path, times: list[int], port: int = 1000, after: bytes = b"") -> Path:
    """Writes a capture with one packet at each of these seconds."""
    packets = [record(time * 1_000_000, udp_frame(src_port=port)) for time in times]
    path.write_bytes(b"".join([file_header(), *packets, after]))
    return path


@pytest.mark.parametrize("way", WAYS)
def test_every_way_returns_what_was_read_and_warns(way: str, tmp_path: Path) -> None:
    damaged = write(tmp_path / "a.pcap", [0, 1], after=DAMAGE + bytes(100))
    empty = tmp_path / "b.pcap"
    empty.write_bytes(b"")
    good = write(tmp_path / "c.pcap", [100])
    note = tmp_path / "note.txt"
    note.write_text("no capture, but longer than the header of one\n")
    streamer = NFStreamer([damaged, empty, good, note])
    with pytest.warns(UserWarning) as caught:
        found = WAYS[way](streamer, tmp_path)
    assert found == [0, 1]
    messages = sorted(str(warning.message).rpartition("/")[2] for warning in caught)
    assert messages[0] == (
        "a.pcap: corrupt at byte 154: a packet cannot have 4294967295 captured bytes here; "
        "116 of its 270 bytes were not read"
    )
    assert messages[1] == "b.pcap: empty, not even a file header"
    assert messages[2].startswith("note.txt: not a capture file")
    assert streamer.stats().damaged_files == 3

    strict = NFStreamer(damaged, strict_files=True)
    (tmp_path / "strict").mkdir()
    with pytest.raises((ValueError, pa.ArrowInvalid), match="corrupt at byte 154"):
        WAYS[way](strict, tmp_path / "strict")
    assert list((tmp_path / "strict").iterdir()) == []


def test_an_empty_file_has_no_flows_and_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    path.write_bytes(b"")
    streamer = NFStreamer(path)
    with pytest.warns(UserWarning, match="empty, not even a file header"):
        frame = streamer.to_pandas()
    assert len(frame) == 0
    assert "application_name" in frame.columns
    with pytest.raises(ValueError, match="empty, not even a file header"):
        NFStreamer(path, strict_files=True)


def test_a_folder_is_one_capture_in_time_order(tmp_path: Path) -> None:
    for number in range(12):
        suffix = str(number) if number else ""
        write(tmp_path / f"day.pcap{suffix}", [10 * number, 10 * number + 5])
    (tmp_path / "notes.txt").write_text("no capture, but longer than the header of one\n")
    streamer = NFStreamer(tmp_path)
    with pytest.warns(UserWarning, match=r"skipped, not captures: notes\.txt"):
        (flow,) = streamer
    assert (flow.total_packets, flow.duration) == (24, 115_000)
    assert streamer.stats().late_packets == 0
    listed = [tmp_path / f"day.pcap{number}" for number in (10, 2, 1)]
    (flow,) = NFStreamer(listed, idle_timeout=1000)
    assert (flow.first_seen, flow.last_seen) == (10_000, 105_000)


def test_overlapping_files_are_merged_or_late_in_the_given_order(tmp_path: Path) -> None:
    one = write(tmp_path / "tx.pcap", [1, 3, 5, 7])
    other = write(tmp_path / "rx.pcap", [0, 2, 4, 6])
    streamer = NFStreamer([one, other])
    (flow,) = streamer
    assert (flow.first_seen, flow.last_seen, streamer.stats().late_packets) == (0, 7000, 0)
    streamer = NFStreamer([one, other], order="given")
    with pytest.warns(UserWarning, match=r"4 of 8 packets \(50\.0 %\) are late"):
        (flow,) = streamer
    assert flow.first_seen == 1000


def test_v6_reads_a_list_in_the_order_given(tmp_path: Path) -> None:
    one = write(tmp_path / "tx.pcap", [1, 3])
    other = write(tmp_path / "rx.pcap", [0, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        (flow,) = v6.NFStreamer([str(one), str(other)])
    assert flow.bidirectional_first_seen_ms == 1000


def test_a_file_with_several_names_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pcap", [0, 1])
    os.link(path, tmp_path / "latest.pcap")
    with pytest.warns(UserWarning, match=r"latest\.pcap: the same file as .*a\.pcap"):
        (flow,) = NFStreamer(tmp_path)
    assert flow.total_packets == 2


def test_many_ignored_packets_are_explained(tmp_path: Path) -> None:
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    packets = [(n, udp_frame() if n % 2 else arp) for n in range(24)]
    streamer = NFStreamer(write_pcap(tmp_path / "arp.pcap", packets))
    with pytest.warns(UserWarning, match="^12 of 24 packets ignored: not ip$"):
        list(streamer)


@pytest.mark.parametrize("link", [os.link, os.symlink], ids=["hard", "symbolic"])
def test_a_capture_is_not_replaced_under_another_name(link: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "in.pcap", [0])
    content = path.read_bytes()
    link(path, tmp_path / "flows.0.csv")
    streamer = NFStreamer(path)
    targets: list[tuple[str, Any]] = [("flows.0.csv", {}), ("flows.csv", {"flows_per_file": 1})]
    for target, options in targets:
        with pytest.raises(ValueError, match="is a file of the source"):
            streamer.to_csv(tmp_path / target, overwrite=True, **options)
    with pytest.raises(ValueError, match="is a file of the source"):
        v6.NFStreamer(str(path)).to_csv(str(tmp_path / "flows.0.csv"))
    assert path.read_bytes() == content


def test_standard_input_is_not_replaced(tmp_path: Path) -> None:
    path = write(tmp_path / "in.pcap", [0])
    content = path.read_bytes()
    program = """
        import sys
        from nfstream import NFStreamer
        try:
            NFStreamer("-").to_csv(sys.argv[1], overwrite=True)
        except ValueError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(path)]
    with path.open("rb") as stdin:
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, timeout=60)
    assert "is a file of the source" in done.stdout, done.stderr
    assert path.read_bytes() == content


def test_enabling_faulthandler_later_is_harmless(tmp_path: Path) -> None:
    path = write_large_pcap(tmp_path / "large.pcap", 200_000)
    program = """
        import faulthandler, os, shutil, sys
        from nfstream import NFStreamer
        path = sys.argv[1]
        shutil.copy(path, path + "1")
        flows = iter(NFStreamer(path + "1", idle_timeout=0, dissect=False, n_meters=1))
        next(flows)
        faulthandler.enable()
        os.truncate(path + "1", 0)
        try:
            print(sum(1 for _ in flows))
        except ValueError as error:
            print(error)
        flows = iter(NFStreamer(path, idle_timeout=0, dissect=False, n_meters=2))
        next(flows)
        os.truncate(path, 0)
        try:
            print(sum(1 for _ in flows))
        except ValueError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.count("changed while it was read") == 2, done.stdout
