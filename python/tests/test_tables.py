"""Flow tables in memory and in files, which must all be equal."""

from __future__ import annotations

import csv
import ctypes
import errno
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

import nfstream
from conftest import CAPTURES, SHARED, each_capture, each_shared_capture
from frames import write_pcap
from nfstream import NFPlugin, NFStreamer

FORMATS = {"csv": "csv", "jsonl": "jsonl", "parquet": "parquet", "ipc": "arrow"}
REDIS = CAPTURES / "redis.pcap"

# Most tests hide an address next to columns that could reveal one.
pytestmark = pytest.mark.filterwarnings("ignore:not anonymized")


def plain(table: Any) -> Any:
    """Returns a table without dictionaries, in one chunk and without metadata."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    schema = pa.schema([pa.field(field.name, field.type) for field in fields])
    return table.cast(schema).combine_chunks()


def write(streamer: NFStreamer, method: str, path: Path, **options: Any) -> int:
    rows: int = getattr(streamer, f"to_{method}")(path, **options)
    return rows


def read(method: str, path: Path, schema: Any) -> Any:
    if method == "parquet":
        return plain(pyarrow.parquet.read_table(path))
    if method == "ipc":
        return plain(pyarrow.feather.read_table(path))
    if method == "jsonl":
        lines = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
        for line in lines:
            assert list(line) == schema.names
        return pa.Table.from_pylist(lines, schema=schema)
    types = schema
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    # Lists are text in CSV.
    kinds = (pa.types.is_list, pa.types.is_fixed_size_list)
    lists = [field.name for field in schema if any(kind(field.type) for kind in kinds)]
    for name in lists:
        place = schema.get_field_index(name)
        types = types.set(place, pa.field(name, pa.string()))
    options = pyarrow.csv.ConvertOptions(
        column_types=types, strings_can_be_null=False, quoted_strings_can_be_null=False
    )
    table = pyarrow.csv.read_csv(path, parse_options=parse, convert_options=options)
    assert table.column_names == schema.names
    for name in lists:
        values = [json.loads(text) for text in table[name].to_pylist()]
        place = schema.get_field_index(name)
        table = table.set_column(
            place, schema.field(name), pa.array(values, schema.field(name).type)
        )
    return table


def assert_round_trip(streamer: NFStreamer, folder: Path, **options: Any) -> Any:
    expected = plain(streamer.to_arrow(**options))
    for method, ending in FORMATS.items():
        path = folder / f"flows.{ending}"
        assert write(streamer, method, path, **options) == expected.num_rows
        assert read(method, path, expected.schema).equals(expected), method
    assert sorted(os.listdir(folder)) == sorted(f"flows.{e}" for e in FORMATS.values())
    return expected


# Equal tables


@each_capture
def test_files_read_back_equal(capture: Path, tmp_path: Path) -> None:
    assert_round_trip(NFStreamer(capture, features="all"), tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@each_shared_capture
def test_files_of_shared_captures_read_back_equal(capture: Path, tmp_path: Path) -> None:
    streamer = NFStreamer(capture)
    try:
        flows = sum(1 for _ in streamer)
    except ValueError as error:
        # A damaged capture fails with the same error in every format, and leaves no file.
        for method in FORMATS:
            with pytest.raises(ValueError) as caught:
                write(streamer, method, tmp_path / "flows")
            assert str(caught.value) == str(error)
        assert os.listdir(tmp_path) == []
        return
    assert assert_round_trip(streamer, tmp_path).num_rows == flows


def test_tables_hold_what_flows_hold() -> None:
    streamer = NFStreamer(CAPTURES / "web.pcap")
    flows = [flow.to_dict() for flow in streamer]
    assert flows
    assert streamer.to_arrow().to_pylist() == flows
    assert json.loads(streamer.to_pandas().to_json(orient="records")) == flows


def test_without_flows_a_table_has_columns(tmp_path: Path) -> None:
    empty = write_pcap(tmp_path / "empty.pcap", [])
    folder = tmp_path / "out"
    folder.mkdir()
    expected = assert_round_trip(NFStreamer(empty), folder)
    assert expected.schema == plain(NFStreamer(REDIS).to_arrow()).schema
    assert (folder / "flows.csv").read_text().startswith("id,first_seen,last_seen,version,")


def test_consumers_of_the_capsule_protocol() -> None:
    streamer = NFStreamer(CAPTURES / "web.pcap")
    expected = streamer.to_arrow()
    assert pa.table(streamer).equals(expected)
    assert pa.schema(streamer).equals(expected.schema, check_metadata=True)
    assert pa.RecordBatchReader.from_stream(streamer).read_all().equals(expected)
    assert streamer.stats().flows == expected.num_rows


def test_polars() -> None:
    streamer = NFStreamer(CAPTURES / "web.pcap")
    rows = streamer.to_arrow().to_pylist()
    assert streamer.to_polars().to_dicts() == rows
    assert pl.DataFrame(streamer).to_dicts() == rows
    assert streamer.to_polars(timestamps=True).schema["first_seen"] == pl.Datetime("ms", "UTC")


def test_duckdb() -> None:
    streamer = NFStreamer(CAPTURES / "web.pcap")
    table = streamer.to_arrow()
    query = "select application_name, sum(total_bytes) from streamer group by 1 order by 1"
    sums: dict[str, int] = {}
    for row in table.to_pylist():
        name = row["application_name"]
        sums[name] = sums.get(name, 0) + row["total_bytes"]
    with duckdb.connect() as connection:
        assert dict(connection.sql(query).fetchall()) == sums
        relation = connection.sql("select id from streamer")
        # Each use of a relation is a separate run.
        ids = [row["id"] for row in table.to_pylist()]
        assert sorted(r[0] for r in relation.fetchall()) == sorted(ids)
        assert sorted(r[0] for r in connection.sql("select id from relation").fetchall()) == (
            sorted(ids)
        )


def test_a_stream_can_be_abandoned() -> None:
    streamer = NFStreamer(CAPTURES / "web.pcap", n_meters=2)
    reader = pa.RecordBatchReader.from_stream(streamer)
    assert "src_ip" in reader.schema.names
    del reader
    assert streamer.to_arrow().num_rows


def test_a_stream_of_a_damaged_capture_raises_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(REDIS.read_bytes() + struct.pack("<IIII", 0, 0, 2**31, 2**31))
    streamer = NFStreamer(path, strict_files=True)
    with pytest.raises(ValueError, match=r"cut\.pcap") as expected:
        streamer.to_arrow()
    with pytest.raises(ValueError, match=r"cut\.pcap") as caught:
        pa.table(streamer)
    assert str(expected.value) in str(caught.value)


# Types and metadata


def test_timestamps(tmp_path: Path) -> None:
    streamer = NFStreamer(REDIS)
    numbers = streamer.to_arrow()
    times = streamer.to_arrow(timestamps=True)
    for name in ("first_seen", "last_seen"):
        assert times.schema.field(name).type == pa.timestamp("ms", "UTC")
        assert times[name].cast(pa.int64()).equals(numbers[name])
    assert times.drop_columns(["first_seen", "last_seen"]).equals(
        numbers.drop_columns(["first_seen", "last_seen"])
    )
    assert str(streamer.to_pandas(timestamps=True)["first_seen"].dtype) == "datetime64[ms, UTC]"
    for method, ending in FORMATS.items():
        path = tmp_path / f"flows.{ending}"
        write(streamer, method, path, timestamps=True)
        if method in ("parquet", "ipc"):
            assert read(method, path, None).equals(plain(times))
    line = json.loads((tmp_path / "flows.jsonl").read_text().splitlines()[0])
    wanted = times["first_seen"][0].as_py().isoformat(timespec="milliseconds")
    assert line["first_seen"] == wanted.replace("+00:00", "Z")
    with open(tmp_path / "flows.csv", newline="") as file:
        assert next(csv.DictReader(file))["first_seen"] == line["first_seen"]


@pytest.mark.parametrize("method", ["parquet", "ipc"])
def test_files_have_versions_and_parameters(method: str, tmp_path: Path) -> None:
    streamer = NFStreamer(REDIS, idle_timeout=7, dissector="auto")
    path = tmp_path / "flows"
    write(streamer, method, path)
    if method == "parquet":
        found = pyarrow.parquet.read_metadata(path).metadata
        assert pyarrow.parquet.read_metadata(path).created_by.startswith("nfstream version ")
    else:
        found = pa.ipc.open_file(path).schema.metadata
    assert found[b"nfstream.version"] == nfstream.__version__.encode()
    assert found[b"nfstream.schema_version"] == b"4"
    assert found[b"nfstream.dissector"] == b"auto"
    assert found[b"nfstream.ndpi_version"] == nfstream._engine.versions()["ndpi"].encode()
    parameters = json.loads(found[b"nfstream.parameters"])
    assert parameters["idle_timeout"] == 7
    assert parameters["source"] == [str(REDIS)]
    assert streamer.to_arrow().schema.metadata[b"nfstream.schema_version"] == b"4"


class Values(NFPlugin):
    """Assigns the values of a list to flows, one after the other."""

    def on_init(self, pkt: Any) -> Any:
        return self.user_data.pop(0)


class Odd:
    def __str__(self) -> str:
        return "odd, very"


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, True, None, -3, 2**62, 0], pa.int64(), [1, 1, None, -3, 2**62, 0]),
        ([True, False] * 3, pa.bool_(), [True, False] * 3),
        ([1, 0.5, None, 2, 3, 4], pa.float64(), [1.0, 0.5, None, 2.0, 3.0, 4.0]),
        (["a,b", 'c"d', "e\nf", "", None, "ü"], pa.string(), ["a,b", 'c"d', "e\nf", "", None, "ü"]),
        ([2**64, 1, 2, 3, 4, 5], pa.string(), [str(2**64), "1", "2", "3", "4", "5"]),
        (
            [Odd(), 1, None, "x", b"y", 2.5],
            pa.string(),
            ["odd, very", "1", None, "x", "b'y'", "2.5"],
        ),
        (
            [[1], (2, None), [], None, [3], [4]],
            pa.list_(pa.int64()),
            [[1], [2, None], [], None, [3], [4]],
        ),
        ([[1], [0.5], [["x"]], [], None, []], pa.list_(pa.string()), None),
        ([None] * 6, pa.null(), [None] * 6),
    ],
)
def test_values_of_plugins(values: list[Any], kind: Any, expected: Any, tmp_path: Path) -> None:
    def streamer() -> NFStreamer:
        return NFStreamer(
            REDIS, plugins=[Values(user_data=list(values)), Values("hidden", True, [0] * 9)]
        )

    table = streamer().to_arrow()
    assert "hidden" not in table.column_names
    assert table.schema.field("Values").type == kind
    if expected is not None:
        by_id = dict(zip(table["id"].to_pylist(), table["Values"].to_pylist(), strict=True))
        assert [by_id[id] for id in sorted(by_id)] == expected
    assert pa.table(streamer()).equals(table)
    for method, ending in FORMATS.items():
        path = tmp_path / f"flows.{ending}"
        assert write(streamer(), method, path) == 6
        if method in ("parquet", "ipc") or kind in (pa.int64(), pa.bool_(), pa.float64()):
            assert read(method, path, plain(table).schema)["Values"].equals(plain(table)["Values"])


def test_numbers_of_numpy_are_numbers() -> None:
    values = [np.int32(1), np.float64(2.5), np.bool_(True), 3, np.uint8(4), 5.0]
    table = NFStreamer(REDIS, plugins=[Values(user_data=values)]).to_arrow()
    assert table.schema.field("Values").type == pa.float64()
    arrays = [np.array([n, n + 1]) for n in range(6)]
    table = NFStreamer(REDIS, plugins=[Values(user_data=arrays)]).to_arrow()
    assert table.schema.field("Values").type == pa.list_(pa.int64())


def test_consumers_see_plugins_after_one_run() -> None:

    class count(NFPlugin):
        runs = 0

        def on_update(self, pkt: Any, flow: Any) -> None:
            flow.count += 1

        def cleanup(self) -> None:
            count.runs += 1

    streamer = NFStreamer(REDIS, plugins=[count()])
    table = NFStreamer(REDIS).to_arrow()
    total = pa.compute.sum(table["total_packets"]).as_py() - table.num_rows
    assert pa.compute.sum(pa.table(streamer)["count"]).as_py() == total
    assert count.runs == 1
    assert pl.DataFrame(streamer)["count"].sum() == total
    with duckdb.connect() as connection:
        relation = connection.sql("select sum(count) from streamer")
        assert relation is not None and relation.fetchall() == [(total,)]


# Text that needs quoting


def http(port: int, agent: bytes, host: bytes) -> list[bytes]:
    request = b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nUser-Agent: " + agent + b"\r\n\r\n"

    def segment(flags: int, sequence: int, payload: bytes, back: bool = False) -> bytes:
        ends = (80, port) if back else (port, 80)
        tcp = struct.pack(">HHIIBBHHH", *ends, sequence, 0, 0x50, flags, 8192, 0, 0) + payload
        addresses = [b"\x0a\0\0\1", b"\x0a\0\0\2"]
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0)
        ip = head + b"".join(reversed(addresses) if back else addresses) + tcp
        return bytes(12) + b"\x08\0" + ip

    return [
        segment(2, 0, b""),
        segment(0x12, 0, b"", True),
        segment(0x10, 1, b""),
        segment(0x18, 1, request),
        segment(0x18, 1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
    ]


def test_untrusted_text_is_written_unchanged(tmp_path: Path) -> None:
    agents = [
        b'Mozilla, "the" browser',
        b"'; drop table flows; --",
        b"caf\xc3\xa9 \xe4\xb8\xad",
        b"no utf-8 \xff\xfe\x80 here",
        b"=cmd|' /C calc'!A0",
        b"tab\there",
        b"<script>alert(1)</script>",
    ]
    packets = [p for n, agent in enumerate(agents) for p in http(1000 + n, agent, b'h,"o\xffst')]
    capture = write_pcap(
        tmp_path / "agents.pcap", [(n * 1000, packet) for n, packet in enumerate(packets)]
    )
    streamer = NFStreamer(capture)
    folder = tmp_path / "out"
    folder.mkdir()
    table = assert_round_trip(streamer, folder)
    found = dict(zip(table["src_port"].to_pylist(), table["client_info"].to_pylist(), strict=True))
    assert found[1000] == 'Mozilla, "the" browser'
    assert found[1002] == "café 中"
    with open(folder / "flows.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["client_info"] for row in rows] == table["client_info"].to_pylist()
    page = next(flow for flow in streamer if flow.src_port == 1006)._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert "<script>" not in streamer._repr_html_()


# Anonymisation


def test_hashes_are_keyed_blake2b(tmp_path: Path) -> None:
    streamer = NFStreamer(REDIS)
    table = streamer.to_arrow()
    names = ["src_ip", "dst_ip", "dst_port", "application_name"]
    hidden = streamer.to_arrow(names, key=b"secret")
    for name in names:
        assert hidden.schema.field(name).type == pa.string()
        assert hidden[name].to_pylist() == [
            hashlib.blake2b(str(v).encode(), key=b"secret", digest_size=32).hexdigest()
            for v in table[name].to_pylist()
        ]
    assert hidden.drop_columns(names).equals(table.drop_columns(names))
    assert str(REDIS).encode() not in hidden.schema.metadata[b"nfstream.parameters"]
    folder = tmp_path / "out"
    folder.mkdir()
    assert_round_trip(streamer, folder, columns_to_anonymize=names, key=b"secret")
    frame = streamer.to_pandas(names, key=b"secret")
    assert frame["src_ip"].tolist() == hidden["src_ip"].to_pylist()


def test_without_a_key_hashes_differ_between_calls() -> None:
    streamer = NFStreamer(REDIS)
    plain_ips = streamer.to_arrow()["src_ip"].to_pylist()
    first, second = (streamer.to_arrow("src_ip")["src_ip"].to_pylist() for _ in range(2))
    assert not set(first) & set(second)
    for hashes in (first, second):
        assert len(set(hashes)) == len(set(plain_ips))
        assert len(dict(zip(plain_ips, hashes, strict=True))) == len(set(hashes))


def test_values_of_plugins_can_be_anonymised() -> None:
    values = [1, 2, None, 1, 2, 3]
    for hidden in (
        NFStreamer(REDIS, plugins=[Values(user_data=[*values])]).to_arrow(["Values"]),
        NFStreamer(REDIS, plugins=[Values(user_data=[*values])]).to_pandas(["Values"]),
    ):
        column = list(
            hidden["Values"].to_pylist() if hasattr(hidden, "num_rows") else hidden["Values"]
        )
        hashes = [value for value in column if isinstance(value, str)]
        assert len(hashes) == 5 and len(set(hashes)) == 3


def test_columns_of_the_engine_can_be_anonymised_with_plugins() -> None:
    streamer = NFStreamer(REDIS, plugins=[NFPlugin("zero")])
    frame = streamer.to_pandas(["src_ip"], key=b"k")
    assert frame["zero"].tolist() == [0] * 6
    assert frame["src_ip"].tolist() == streamer.to_arrow(["src_ip"], key=b"k")["src_ip"].to_pylist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns_to_anonymize": ["src_ib"]}, "no column 'src_ib'; there are id, first_seen"),
        ({"columns_to_anonymize": [3]}, "columns_to_anonymize must be names of columns, not 3"),
        ({"columns_to_anonymize": 3}, "columns_to_anonymize must be names of columns, not 3"),
        ({"columns_to_anonymize": ["src_ip"], "key": b""}, "key must have 1 to 64 bytes, not 0"),
        ({"columns_to_anonymize": ["src_ip"], "key": "k"}, "key must be bytes, not 'k'"),
        ({"timestamps": "yes"}, "timestamps must be True or False, not 'yes'"),
        ({"flows_per_file": -1}, "flows_per_file must be a whole number from 0 on, not -1"),
        ({"rotate_files": 2}, "rotate_files makes sense only with"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    streamer = NFStreamer(REDIS)
    with pytest.raises(ValueError, match=message):
        streamer.to_csv(tmp_path / "flows.csv", **options)
    assert os.listdir(tmp_path) == []
    if not {"flows_per_file", "rotate_files"} & set(options):
        for method in (streamer.to_arrow, streamer.to_pandas):
            with pytest.raises(ValueError, match=message):
                method(**options)


# Files


def test_rotation_by_flows(tmp_path: Path) -> None:
    streamer = NFStreamer(REDIS)
    expected = plain(streamer.to_arrow())
    for method, ending in FORMATS.items():
        folder = tmp_path / method
        folder.mkdir()
        assert write(streamer, method, folder / f"f.x.{ending}", flows_per_file=4) == 6
        assert sorted(os.listdir(folder)) == [f"f.x.0.{ending}", f"f.x.1.{ending}"]
        parts = [read(method, folder / f"f.x.{n}.{ending}", expected.schema) for n in (0, 1)]
        assert [part.num_rows for part in parts] == [4, 2]
        assert pa.concat_tables(parts).equals(expected)


def test_rotation_keeps_the_newest(tmp_path: Path) -> None:
    streamer = NFStreamer(REDIS)
    assert streamer.to_csv(tmp_path / "flows", flows_per_file=1, rotate_files=2) == 6
    assert sorted(os.listdir(tmp_path)) == ["flows.4", "flows.5"]


def test_rotation_by_bytes(tmp_path: Path) -> None:
    streamer = NFStreamer(SHARED / "pcaps" / "synscan.pcap" if SHARED.is_dir() else REDIS)
    rows = streamer.to_jsonl(tmp_path / "flows.jsonl", bytes_per_file=100_000)
    files = sorted(tmp_path.iterdir(), key=lambda path: int(path.name.split(".")[1]))
    assert sum(len(path.read_text().splitlines()) for path in files) == rows
    sizes = [path.stat().st_size for path in files]
    assert all(100_000 <= size < 400_000 for size in sizes[:-1])


def test_rotation_does_not_overwrite_files(tmp_path: Path) -> None:
    streamer = NFStreamer(REDIS)
    others = ["flows.csv", "flows.x.csv", "flows.01.csv", "flows.3.csv.bak", "other.1.csv"]
    for name in [*others, "flows.7.csv"]:
        (tmp_path / name).write_text("old")
    with pytest.raises(FileExistsError) as caught:
        streamer.to_csv(tmp_path / "flows.csv", flows_per_file=4)
    assert caught.value.filename == str(tmp_path / "flows.7.csv")
    assert streamer.to_csv(tmp_path / "flows.csv", flows_per_file=4, overwrite=True) == 6
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "flows.0.csv", "flows.1.csv"])


@pytest.mark.parametrize("method", FORMATS)
def test_an_existing_file_is_kept_without_overwrite(method: str, tmp_path: Path) -> None:
    streamer = NFStreamer(REDIS)
    path = tmp_path / "flows"
    path.write_text("old")
    path.chmod(0o640)
    with pytest.raises(FileExistsError) as caught:
        write(streamer, method, path)
    assert caught.value.filename == str(path)
    assert "overwrite=True" in str(caught.value)
    assert path.read_text() == "old"
    link = tmp_path / "link"
    link.symlink_to(path)
    assert write(streamer, method, link, overwrite=True) == 6
    assert link.is_symlink() and path.stat().st_size > 100
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["flows", "link"]


def test_new_files_have_the_usual_permissions(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        NFStreamer(REDIS).to_csv(tmp_path / "flows.csv")
    finally:
        os.umask(old)
    assert (tmp_path / "flows.csv").stat().st_mode & 0o777 == 0o640


def test_a_source_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "redis.pcap"
    path.write_bytes(REDIS.read_bytes())
    with pytest.raises(ValueError, match="is a file of the source"):
        NFStreamer(path).to_csv(path, overwrite=True)
    assert path.read_bytes() == REDIS.read_bytes()


@pytest.mark.parametrize("method", FORMATS)
def test_a_folder_or_an_empty_path_is_an_error(method: str, tmp_path: Path) -> None:
    streamer = NFStreamer(REDIS)
    for overwrite in (False, True):
        with pytest.raises(IsADirectoryError) as caught:
            write(streamer, method, tmp_path, overwrite=overwrite)
        assert caught.value.filename == str(tmp_path)
    with pytest.raises(FileNotFoundError) as missing:
        write(streamer, method, tmp_path / "no" / "flows")
    assert missing.value.filename == str(tmp_path / "no" / "flows")
    with pytest.raises(NotADirectoryError):
        write(streamer, method, REDIS / "flows")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("method", FORMATS)
def test_pipes_and_devices_are_written_directly(method: str, tmp_path: Path) -> None:
    streamer = NFStreamer(REDIS)
    assert write(streamer, method, Path("/dev/null")) == 6
    assert Path("/dev/null").is_char_device()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as cat:
        assert write(streamer, method, pipe) == 6
        assert cat.stdout is not None
        written = cat.stdout.read()
    assert pipe.is_fifo()
    path = tmp_path / "flows"
    write(streamer, method, path)
    assert written == path.read_bytes()
    if Path("/dev/full").exists():
        with pytest.raises(OSError) as caught:
            write(streamer, method, Path("/dev/full"))
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")


def child(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    script = "import os, sys, warnings\nfrom nfstream import NFStreamer\n" + textwrap.dedent(code)
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("method", FORMATS)
def test_a_full_disk_leaves_nothing(method: str, tmp_path: Path) -> None:
    # A limit of the process replaces the full disk, with the error EFBIG instead of ENOSPC.
    code = """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        method, path = sys.argv[2:]
        streamer = NFStreamer(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
        try:
            getattr(streamer, "to_" + method)(path, overwrite=True)
        except OSError as error:
            print(type(error).__name__, error.errno, error.filename == path)
    """
    path = tmp_path / "flows"
    for before in ([], ["flows"]):
        done = child(code, CAPTURES / "web.pcap", method, path)
        assert done.stdout.split() == ["OSError", str(errno.EFBIG), "True"], done.stderr
        assert os.listdir(tmp_path) == before
        path.write_text("old")
    assert path.read_text() == "old"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    libc = ctypes.CDLL(None, use_errno=True)
    folder = tmp_path / "small"
    folder.mkdir()
    if libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, b"size=4k"):
        pytest.skip("only root mounts a tmpfs: " + os.strerror(ctypes.get_errno()))
    yield folder
    libc.umount(bytes(folder))


@pytest.mark.parametrize("method", FORMATS)
def test_a_small_disk_leaves_nothing(method: str, small_disk: Path) -> None:
    path = small_disk / "flows"
    with pytest.raises(OSError) as caught:
        write(NFStreamer(CAPTURES / "web.pcap"), method, path)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert os.listdir(small_disk) == []


@pytest.mark.parametrize("method", FORMATS)
def test_without_permission_nothing_is_left(method: str, tmp_path: Path) -> None:
    code = """
        if os.getuid() == 0:
            os.setuid(65534)
        method, path = sys.argv[2:]
        try:
            getattr(NFStreamer(sys.argv[1]), "to_" + method)(path)
        except PermissionError as error:
            print(error.errno, error.filename == path)
    """
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    for parent in [tmp_path, *list(tmp_path.parents)[:2]]:
        parent.chmod(0o755)
    done = child(code, REDIS, method, folder / "flows")
    assert done.stdout.split() == [str(errno.EACCES), "True"], done.stderr
    assert os.listdir(folder) == []


def test_a_failing_plugin_leaves_nothing(tmp_path: Path) -> None:
    class bad(NFPlugin):
        def on_update(self, pkt: Any, flow: Any) -> None:
            raise LookupError("bad plugin")

    for method in FORMATS:
        with pytest.raises(LookupError, match="bad plugin"):
            write(NFStreamer(REDIS, plugins=[bad()]), method, tmp_path / "flows")
    assert os.listdir(tmp_path) == []


def large(folder: Path) -> Path:
    """Makes a capture that takes a few seconds to read."""
    data = (CAPTURES / "web.pcap").read_bytes()
    path = folder / "large.pcap"
    with open(path, "wb") as file:
        file.write(data[:24])
        for _ in range(1 + 200_000_000 // len(data)):
            file.write(data[24:])
    return path


@pytest.mark.parametrize(
    "call",
    [
        "s.to_csv(path)",
        "s.to_parquet(path)",
        "s.to_arrow()",
        "s.to_polars()",
        "pa.table(s)",
    ],
)
def test_ctrl_c_ends_a_run(call: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    # Python may lose a Ctrl-C that arrives during an import.
    modules = "pyarrow as pa, polars" if "polars" in call else "pyarrow as pa"
    # A stream that another library reads can only report Ctrl-C as an error of its own.
    code = f"""
        import {modules}
        s = NFStreamer(sys.argv[1], n_meters=1)
        warnings.simplefilter("ignore")
        try:
            for number in range(1000):
                path = f"{{sys.argv[2]}}/{{number}}"
                try:
                    print("begin", flush=True)
                    {call}
                except pa.ArrowInvalid:
                    for _ in range(3):
                        pass
                    print("not interrupted")
        except KeyboardInterrupt:
            print("interrupted")
    """
    script = "import sys, warnings\nfrom nfstream import NFStreamer\n" + textwrap.dedent(code)
    command = [sys.executable, "-c", script, str(large(tmp_path)), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begin\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        lines = process.stdout.read().split("\n")
    assert lines[-2] == "interrupted"
    assert "not interrupted" not in lines
    assert [name for name in os.listdir(folder) if name.startswith(".")] == []


# Notebooks and missing packages


def test_html_of_a_streamer(tmp_path: Path) -> None:
    class boom(NFPlugin):
        def on_init(self, pkt: Any) -> Any:
            raise AssertionError("plugins must not run")

    streamer = NFStreamer(REDIS, plugins=[boom()])
    page = streamer._repr_html_()
    # Source and plugins, the header of the table, and the flows.
    assert page.count("<tr>") == 2 + 1 + 6
    assert "<svg" in page and "idle_timeout" not in page
    assert "idle_timeout" in NFStreamer(REDIS, idle_timeout=5)._repr_html_()
    assert "without plugins" in page and "boom" in page
    assert streamer.stats().packets == 0
    pipe = tmp_path / "<pipe>"
    os.mkfifo(pipe)
    streamer._source = [str(pipe)]
    page = streamer._repr_html_()
    assert "only regular files" in page and "&lt;pipe&gt;" in page
    streamer._source = [str(tmp_path / "gone")]
    assert "only regular files" in streamer._repr_html_()


def test_html_of_a_large_capture_reads_only_its_beginning(tmp_path: Path) -> None:
    script = """
import sys, time
from nfstream import NFStreamer
s = NFStreamer(sys.argv[1])
start = time.monotonic()
page = s._repr_html_()
assert "first" in page
print(time.monotonic() - start < 2)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(large(tmp_path))], capture_output=True, text=True
    )
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize(
    ("call", "module", "extra"),
    [
        ("to_pandas", "pandas", "pandas"),
        ("to_arrow", "pyarrow", "arrow"),
        ("to_polars", "polars", "polars"),
    ],
)
def test_missing_packages_are_named(
    call: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    method: Callable[[], Any] = getattr(NFStreamer(REDIS), call)
    with pytest.raises(ImportError, match=rf"{call}\(\) needs .*nfstream-rs\[{extra}\]"):
        method()


def test_files_need_no_packages(tmp_path: Path) -> None:
    code = """
        for name in ("pandas", "pyarrow", "polars", "numpy"):
            sys.modules[name] = None
        streamer = NFStreamer(sys.argv[1])
        for method in ("csv", "jsonl", "parquet", "ipc"):
            print(getattr(streamer, "to_" + method)(sys.argv[2] + method))
    """
    done = child(code, REDIS, tmp_path / "flows.")
    assert done.stdout.split() == ["6"] * 4, done.stderr


def hidden_everywhere(folder: Path, **options: Any) -> list[bytes]:
    """Returns the bytes of a table with hidden addresses in each format."""
    capture = folder / "10.0.0.99.pcap"
    capture.write_bytes(REDIS.read_bytes())
    streamer = NFStreamer(
        capture, bpf_filter="not host 10.0.0.97", features="community_id", **options
    )
    tables = []
    for method, extension in FORMATS.items():
        path = folder / f"hidden.{extension}"
        write(streamer, method, path, columns_to_anonymize=["src_ip", "dst_ip"], overwrite=True)
        tables.append(path.read_bytes())
    return tables


def test_no_hidden_value_is_in_the_metadata_or_a_derived_column(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tables = hidden_everywhere(tmp_path, dissect=False)
    for table in tables:
        assert b"10.0.0.99" not in table and b"10.0.0.97" not in table
    ids = NFStreamer(REDIS, features="community_id", dissect=False).to_arrow()["community_id"]
    for table in tables:
        assert not any(one.as_py().encode() in table for one in ids)
    hidden = NFStreamer(REDIS, features=["community_id", "mac"], dissect=False)
    frame = hidden.to_arrow(["dst_port", "src_mac"])
    assert {len(value.as_py()) for value in frame["community_id"]} == {64}
    assert {len(value.as_py()) for value in frame["src_oui"]} == {64}
    assert {len(value.as_py()) for value in frame["dst_oui"]} == {8}


def test_columns_that_can_reveal_a_hidden_value_are_named(tmp_path: Path) -> None:
    plugins = [NFPlugin("mine")]
    streamer = NFStreamer(REDIS, features=["dns", "tls"], plugins=plugins)
    names = "client_info, server_info, .*tls_server_name.*dns_query_name.*mine"
    with pytest.warns(UserWarning, match=f"can reveal a hidden value: {names}"):
        streamer.to_pandas(["src_ip"])
    with pytest.warns(UserWarning, match="can reveal a hidden value: client_info, server_info; "):
        NFStreamer(REDIS).to_csv(tmp_path / "a.csv", ["src_ip"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NFStreamer(REDIS).to_csv(tmp_path / "b.csv", ["src_ip", "client_info", "server_info"])
        streamer.to_pandas()


def test_safe_csv_has_no_formulas(tmp_path: Path) -> None:
    values = ["=1+1", "+1", "-1", "@A1", "\tx", "a"]
    for safe, sign in [(False, ""), (True, "'")]:
        streamer = NFStreamer(REDIS, plugins=[Values(user_data=[*values])])
        streamer.to_csv(tmp_path / "a.csv", safe=safe, overwrite=True)
        with (tmp_path / "a.csv").open(newline="") as file:
            found = [row["Values"] for row in csv.DictReader(file)]
        assert found == [*(sign + value for value in values[:-1]), "a"]
    with pytest.raises(ValueError, match="safe must be True or False"):
        streamer.to_csv(tmp_path / "b.csv", safe="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize("hidden", [[], ["src_ip"]])
def test_files_record_the_account_of_packets_and_their_captures(
    redis: Path, tmp_path: Path, hidden: list[str]
) -> None:
    streamer = NFStreamer(redis, dissect=False)
    streamer.to_parquet(tmp_path / "flows.parquet", hidden)
    streamer.to_ipc(tmp_path / "flows.arrow", hidden)
    found = [
        pyarrow.parquet.read_metadata(tmp_path / "flows.parquet").metadata,
        pa.ipc.open_file(tmp_path / "flows.arrow").metadata,
    ]
    expected: dict[str, Any] = {"bytes": redis.stat().st_size}
    expected["blake2b_256"] = hashlib.blake2b(redis.read_bytes(), digest_size=32).hexdigest()
    for metadata in found:
        account = json.loads(metadata[b"nfstream.account"])
        assert (
            account["packets"] == account["flow_packets"] + sum(account["ignored"].values()) == 83
        )
        assert account["flows"] == 6
        assert json.loads(metadata[b"nfstream.captures"]) == [expected]
