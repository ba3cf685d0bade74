"""Integers as they leave the engine: signed and wide, so that arithmetic does not wrap around."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather
import pyarrow.parquet
import pytest

from nfstream import NFStreamer

WIDE_CODES = {"id", "gre_key", "src2dst_teid", "dst2src_teid", "quic_version"}
"""Codes that do not fit 31 bits."""


@pytest.fixture
def streamer(web: Path) -> NFStreamer:
    return NFStreamer(web, features="all", track_tcp=True)


def schemas(streamer: NFStreamer, folder: Path) -> dict[str, Any]:
    """Returns the schema of each format with types."""
    streamer.to_parquet(folder / "flows.parquet")
    streamer.to_ipc(folder / "flows.arrow")
    return {
        "arrow": streamer.to_arrow().schema,
        "stream": pa.table(streamer).schema,
        "frame": pa.Schema.from_pandas(streamer.to_pandas(), preserve_index=False),
        "parquet": pyarrow.parquet.read_schema(folder / "flows.parquet"),
        "ipc": pyarrow.feather.read_table(folder / "flows.arrow").schema,
    }


def integer_type(data_type: Any) -> Any:
    """Returns the type of a column's integers or of those in its lists, `None` without any."""
    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if any(kind(data_type) for kind in kinds):
        data_type = data_type.value_type
    return data_type if pa.types.is_integer(data_type) else None


def test_no_unsigned_or_narrow_integer_leaves_the_engine(
    streamer: NFStreamer, tmp_path: Path
) -> None:
    for name, schema in schemas(streamer, tmp_path).items():
        types = {field.name: integer_type(field.type) for field in schema}
        assert len(types) > 100
        assert set(types.values()) == {None, pa.int32(), pa.int64()}, name
    polars = streamer.to_polars().schema.values()
    integers = {kind for kind in polars if kind.is_integer()}
    lists = {kind.inner for kind in polars if isinstance(kind, pl.List | pl.Array)}
    assert integers == lists == {pl.Int32, pl.Int64}


def test_the_kind_of_a_column_decides_its_width(streamer: NFStreamer) -> None:
    types = {field.name: integer_type(field.type) for field in streamer.to_arrow().schema}
    numbers = ("packets", "bytes", "duration", "first_seen", "last_seen", "piat")
    for name, kind in types.items():
        if kind is not None and (name in WIDE_CODES or any(part in name for part in numbers)):
            assert kind == pa.int64(), name
    codes = ("version", "protocol", "src_port", "dst_port", "vlan_id", "tunnel_id", "tls_cipher")
    assert {types[name] for name in codes} == {pa.int32()}


def differences(streamer: NFStreamer) -> list[int]:
    return [flow.src2dst_bytes - flow.dst2src_bytes for flow in streamer]


def test_differences_are_negative_where_they_should_be(
    streamer: NFStreamer, tmp_path: Path
) -> None:
    expected = differences(streamer)
    assert min(expected) < 0 < max(expected)

    frame = streamer.to_pandas()
    assert (frame["src2dst_bytes"] - frame["dst2src_bytes"]).tolist() == expected
    polars = streamer.to_polars()
    assert (polars["src2dst_bytes"] - polars["dst2src_bytes"]).to_list() == expected
    table = streamer.to_arrow()
    arrow = pc.subtract_checked(table["src2dst_bytes"], table["dst2src_bytes"])
    assert arrow.to_pylist() == expected

    with duckdb.connect() as connection:
        query = "select src2dst_bytes - dst2src_bytes from "
        assert connection.sql(query + "streamer").fetchall() == [(one,) for one in expected]
        streamer.to_parquet(tmp_path / "flows.parquet")
        found = connection.sql(f"{query} '{tmp_path / 'flows.parquet'}'").fetchall()
        assert found == [(one,) for one in expected]
        streamer.to_csv(tmp_path / "flows.csv")
        found = connection.sql(f"{query} '{tmp_path / 'flows.csv'}'").fetchall()
        assert found == [(one,) for one in expected]


def test_products_of_codes_do_not_wrap_around(streamer: NFStreamer) -> None:
    expected = [flow.protocol * 100 for flow in streamer]
    assert max(expected) == 1700
    frame = streamer.to_pandas()
    assert (frame["protocol"] * 100).tolist() == expected
    assert (streamer.to_polars()["protocol"] * 100).to_list() == expected
    table = streamer.to_arrow()
    assert pc.multiply(table["protocol"], pa.scalar(100, pa.int32())).to_pylist() == expected
    ports = frame["dst_port"] - frame["src_port"]
    assert ports.tolist() == [flow.dst_port - flow.src_port for flow in streamer]
    assert ports.min() < 0


def test_items_of_lists_can_be_subtracted(streamer: NFStreamer) -> None:
    sizes = streamer.to_polars()["splt_ps"].arr.to_list()
    steps = sizes.list.diff(null_behavior="drop").to_list()
    lists = [flow.splt_ps for flow in streamer]
    assert steps == [[b - a for a, b in itertools.pairwise(one)] for one in lists]
    assert min(min(one) for one in steps) < 0
