"""Data frames: columns, types and values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from conftest import AckCount, each_capture
from frames import udp_frame, write_pcap
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer, frames

TEXT = str(pd.Series(["text"]).dtype)
"""The type of text columns, which differs between pandas 2 and 3."""

VOLUME = {
    "id": "int64",
    "first_seen": "int64",
    "last_seen": "int64",
    "version": "int32",
    "src_port": "int32",
    "dst_port": "int32",
    "protocol": "int32",
    "vlan_id": "int32",
    "src_ip": TEXT,
    "dst_ip": TEXT,
    "total_packets": "int64",
    "total_bytes": "int64",
    "duration": "int64",
    "src2dst_packets": "int64",
    "src2dst_bytes": "int64",
    "dst2src_packets": "int64",
    "dst2src_bytes": "int64",
    "expiration_id": "int32",
}
APPLICATION = {
    "master_protocol": "int32",
    "app_protocol": "int32",
    "application_name": TEXT,
    "category_name": TEXT,
    "client_info": TEXT,
    "server_info": TEXT,
    "j3a_client": TEXT,
    "j3a_server": TEXT,
}


def kinds(frame: pd.DataFrame) -> dict[str, str]:
    """Returns the types of the columns in order."""
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


def test_frame_has_the_base_columns_with_their_types(web: Path) -> None:
    frame = NFStreamer(web).to_pandas()
    assert list(kinds(frame).items()) == list((VOLUME | APPLICATION).items())
    assert frame.index.equals(pd.RangeIndex(29))


def test_frame_without_labels_has_no_columns_for_them(web: Path) -> None:
    frame = NFStreamer(web, dissect=False).to_pandas()
    assert list(kinds(frame).items()) == list(VOLUME.items())


@pytest.mark.parametrize("dissect", [True, False])
def test_empty_frame_has_the_columns_and_types_of_a_full_one(
    web: Path, tmp_path: Path, dissect: bool
) -> None:
    nothing = write_pcap(tmp_path / "nothing.pcap", [])
    empty = NFStreamer(nothing, dissect=dissect).to_pandas()
    assert len(empty) == 0
    assert empty.dtypes.equals(NFStreamer(web, dissect=dissect).to_pandas().dtypes)


def test_first_packets_of_a_flow_are_an_array_of_integers(web: Path) -> None:
    frame = NFStreamer(web, dissect=False, splt_analysis=3).to_pandas()
    kinds = {"splt_direction": "int32", "splt_ps": "int64", "splt_piat_ms": "int64"}
    assert list(frame.columns) == [*VOLUME, *kinds]
    for name, kind in kinds.items():
        assert frame[name].dtype == object
        assert all(type(row) is np.ndarray and row.shape == (3,) for row in frame[name])
        assert {str(row.dtype) for row in frame[name]} == {kind}


def test_frame_of_a_table_equals_that_of_pyarrow() -> None:
    numbers = pa.array(range(24), pa.int64())
    lists = pa.FixedSizeListArray.from_arrays(numbers, 3)
    batch = pa.record_batch(
        {"a": pa.array(range(8)), "lists": lists, "b": pa.array(list("abcdefgh"))}
    )
    whole = pa.Table.from_batches([batch])
    chunks = pa.Table.from_batches([batch, batch.slice(2, 3), batch.slice(8)])
    absent = pa.array([[1, 2], None], pa.list_(pa.int64(), 2))
    unknown = pa.array([[1, None], [3, 4]], pa.list_(pa.int64(), 2))
    tables = [
        whole,
        chunks,
        chunks.slice(3, 6),
        whole.slice(0, 0),
        whole.schema.empty_table(),
        whole.select(["lists"]),
        pa.table({"absent": absent, "unknown": unknown}),
    ]
    for table in tables:
        frame, expected = frames.to_pandas(table), table.to_pandas()
        pd.testing.assert_frame_equal(frame, expected)
        if len(frame) and "lists" in frame:
            row, other = frame["lists"].iloc[0], expected["lists"].iloc[0]
            assert row.flags.writeable == other.flags.writeable


def test_empty_frame_has_the_columns_of_plugins(tmp_path: Path) -> None:
    nothing = write_pcap(tmp_path / "nothing.pcap", [])
    plugins = [AckCount("ack_count"), NFPlugin("hidden", volatile=True)]
    assert list(NFStreamer(nothing, plugins=plugins).to_pandas()) == [
        *VOLUME,
        *APPLICATION,
        "ack_count",
    ]


@pytest.mark.parametrize("plugins", [[], [AckCount("ack_count")]], ids=["plain", "plugin"])
@each_capture
def test_frame_holds_what_iteration_gives(capture: Path, plugins: list[NFPlugin]) -> None:
    streamer = NFStreamer(capture, plugins=plugins)
    assert streamer.to_pandas().to_dict("records") == [flow.to_dict() for flow in streamer]


@pytest.mark.parametrize("n_meters", [2, 5])
@each_capture
def test_frame_is_the_same_for_any_number_of_meters(capture: Path, n_meters: int) -> None:
    expected = NFStreamer(capture, n_meters=1).to_pandas()
    pd.testing.assert_frame_equal(NFStreamer(capture, n_meters=n_meters).to_pandas(), expected)


class Value(NFPlugin):
    """A plugin with the value `user_data(pkt)` of the first packet."""

    def on_init(self, pkt: NFPacket) -> Any:
        return self.user_data(pkt)


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (lambda pkt: pkt.length, "int64"),
        (lambda pkt: pkt.length / 2, "float64"),
        (lambda pkt: pkt.src_port > 1024, "bool"),
        (lambda pkt: pkt.src_ip, TEXT),
        (lambda pkt: [pkt.src_port, pkt.dst_port], "object"),
        (lambda pkt: {"port": pkt.src_port}, "object"),
        (lambda pkt: None, "object"),
        (lambda pkt: pkt.length if pkt.src_port else None, "float64"),
        (lambda pkt: 2**70 + pkt.length, "object"),
    ],
    ids=["int", "float", "bool", "str", "list", "dict", "None", "int or None", "huge"],
)
def test_plugin_column_has_the_type_of_its_values(web: Path, make: Any, dtype: str) -> None:
    frame = NFStreamer(web, plugins=[Value("value", user_data=make)]).to_pandas()
    assert kinds(frame)["value"] == dtype
    found = [None if pd.api.types.is_scalar(v) and pd.isna(v) else v for v in frame["value"]]
    flows = NFStreamer(web, plugins=[Value("value", user_data=make)])
    assert found == [flow.value for flow in flows]


def test_plugin_columns_stand_last_in_the_order_given(web: Path) -> None:
    plugins = [NFPlugin("b"), NFPlugin("hidden", volatile=True), NFPlugin("a")]
    frame = NFStreamer(web, plugins=plugins).to_pandas()
    assert list(frame)[-2:] == ["b", "a"]
    assert "hidden" not in frame


def test_columns_are_final_when_a_plugin_ends_a_flow(web: Path) -> None:
    class Last(NFPlugin):
        def on_expire(self, flow: NFlow) -> None:
            flow.last = flow.total_bytes

    frame = NFStreamer(web, plugins=[Last("last")]).to_pandas()
    assert (frame["last"] == frame["total_bytes"]).all()


def test_frame_of_several_batches_is_in_order(tmp_path: Path) -> None:
    packets = [(index, udp_frame(src_port=index % 65536)) for index in range(40_000)]
    many = write_pcap(tmp_path / "many.pcap", packets)
    frame = NFStreamer(many, dissect=False).to_pandas()
    assert frame["id"].tolist() == list(range(40_000))
    assert frame["src_port"].tolist() == list(range(40_000))
    assert frame.index.equals(pd.RangeIndex(40_000))
