"""Lists of packets as arrays and as flat columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer, pkt, tensors


def test_lists_are_an_array_that_shares_memory(web: Path) -> None:
    table = NFStreamer(web, dissect=False, splt_analysis=5).to_arrow()
    for name in ("splt_ps", "splt_direction", "splt_piat_ms"):
        array = tensors.to_numpy(table, name)
        assert array.tolist() == table[name].to_pylist()
        assert not array.flags.writeable
    batch = table.to_batches()[0]
    array = tensors.to_numpy(batch, "splt_ps")
    buffer = batch["splt_ps"].values.buffers()[1]
    assert array.__array_interface__["data"][0] == buffer.address
    assert tensors.to_numpy(batch.slice(2, 3), "splt_ps").tolist() == array[2:5].tolist()
    both = pa.concat_tables([table, table])
    assert np.array_equal(tensors.to_numpy(both, "splt_ps"), np.vstack([array, array]))


def test_first_packets_have_lists_of_one_length(web: Path, tmp_path: Path) -> None:
    streamer = NFStreamer(web, dissect=False, splt_analysis=5, features="splt_tcp", time_unit="ns")
    table = streamer.to_arrow()
    names = [name for name in table.column_names if name.startswith("splt_")]
    assert names == [
        "splt_direction", "splt_ps", "splt_piat_ns", "splt_tcp_flags", "splt_tcp_window"
    ]  # fmt: skip
    kinds = {name: table.schema.field(name).type for name in names}
    assert kinds["splt_ps"] == pa.list_(pa.int64(), 5)
    assert kinds["splt_tcp_flags"] == pa.list_(pa.int32(), 5)
    measure = {"flags": pkt.tcp_flags.first(5), "windows": pkt.window.first(5)}
    measured = NFStreamer(web, dissect=False, measure=measure).to_arrow()
    for tensor, name in (("splt_tcp_flags", "flags"), ("splt_tcp_window", "windows")):
        array = tensors.to_numpy(table, tensor)
        for row, expected, tcp in zip(
            array.tolist(), measured[name].to_pylist(), table["protocol"].to_pylist(), strict=True
        ):
            given = expected if tcp == 6 else []
            assert row == [*given, *[-1] * (5 - len(given))]
    assert (tensors.to_numpy(table, "splt_tcp_flags")[:, 0] == 2).any()
    streamer.to_parquet(tmp_path / "flows.parquet")
    read = pq.read_table(tmp_path / "flows.parquet")
    assert read.select(names).equals(table.select(names))
    assert streamer.to_pandas()["splt_ps"].map(len).eq(5).all()


def test_bytes_of_packets_are_an_array_that_shares_memory(web: Path, tmp_path: Path) -> None:
    class Raw(NFPlugin):
        def on_init(self, pkt: NFPacket) -> list[bytes]:
            return [pkt.raw[:48]]

        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            flow.raw.append(pkt.raw[:48])

    features = ["packet_bytes", "raw_packet_bytes"]
    streamer = NFStreamer(web, dissect=False, packet_bytes=(3, 48), features=features)
    table = streamer.to_arrow()
    array = tensors.to_numpy(table, "raw_packet_bytes")
    assert array.shape == (len(table), 3, 48) and array.dtype == np.uint8
    flows = NFStreamer(web, dissect=False, plugins=[Raw("raw")])
    expected = [
        b"".join(raw.ljust(48, b"\0") for raw in flow.raw[:3]).ljust(144, b"\0") for flow in flows
    ]
    assert table["raw_packet_bytes"].to_pylist() == expected
    assert [flow.raw_packet_bytes for flow in streamer] == expected
    masked = tensors.to_numpy(table, "packet_bytes")
    is_v4 = array[:, 0, 0] >> 4 == 4
    assert is_v4.any() and not masked[is_v4][:, :, 10:20].any() and array[is_v4][:, 0, 12:20].any()
    has_ports = np.isin(table["protocol"].to_numpy(), [6, 17])
    ports = slice(20, 24)
    assert array[is_v4 & has_ports][:, 0, ports].any()
    assert not masked[is_v4 & has_ports][:, :, ports].any()
    assert (masked[is_v4][:, :, :10] == array[is_v4][:, :, :10]).all()
    batch = table.to_batches()[0]
    one = tensors.to_numpy(batch, "packet_bytes")
    address = batch["packet_bytes"].buffers()[1].address
    assert one.__array_interface__["data"][0] == address and not one.flags.writeable
    assert (tensors.to_numpy(batch.slice(2, 3), "packet_bytes") == one[2:5]).all()
    assert schema_roles(table) == {"packet_bytes": b"behaviour", "raw_packet_bytes": b"identifier"}
    streamer.to_parquet(tmp_path / "flows.parquet")
    read = pq.read_table(tmp_path / "flows.parquet")
    assert (tensors.to_numpy(read, "packet_bytes") == masked).all()
    streamer.to_jsonl(tmp_path / "flows.jsonl")
    lines = (tmp_path / "flows.jsonl").read_text().splitlines()
    assert [json.loads(line)["packet_bytes"] for line in lines] == [
        value.hex() for value in table["packet_bytes"].to_pylist()
    ]
    flat = tensors.flatten(table.select(["id", "packet_bytes"]), ["packet_bytes"])
    assert flat.num_columns == 1 + 3 * 48
    assert flat["packet_bytes_2_9"].to_pylist() == masked[:, 1, 8].tolist()


def schema_roles(table: pa.Table) -> dict[str, bytes]:
    names = [name for name in table.column_names if name.endswith("packet_bytes")]
    return {name: table.schema.field(name).metadata[b"role"] for name in names}


@pytest.mark.parametrize("shape", [(0, 8), (8, 0), (8, 10_000), "8", "x", 5, (1, 2, 3), (-1, 8)])
def test_other_shapes_are_refused(web: Path, shape: Any) -> None:
    with pytest.raises(ValueError, match="packet_bytes must be numbers of packets and bytes"):
        NFStreamer(web, packet_bytes=shape)


def test_bytes_count_for_the_limit(web: Path) -> None:
    streamer = NFStreamer(web, dissect=False, packet_bytes="8x1024", max_active_bytes=20_000)
    assert sum(flow.total_packets for flow in streamer) == streamer.stats().flow_packets
    assert streamer.stats().evicted_flows > 0


def test_lists_are_a_tensor_that_shares_memory(web: Path) -> None:
    torch = pytest.importorskip("torch")
    batch = NFStreamer(web, dissect=False, splt_analysis=5).to_arrow().to_batches()[0]
    tensor = tensors.to_torch(batch, "splt_ps")
    assert tensor.dtype == torch.int64
    assert tensor.data_ptr() == batch["splt_ps"].values.buffers()[1].address


def test_lists_are_flat_columns(web: Path) -> None:
    measure = {"sizes": pkt.payload_length.first(4)}
    table = NFStreamer(web, dissect=False, splt_analysis=3, measure=measure).to_arrow()
    flat = tensors.flatten(pa.concat_tables([table, table.slice(2)]))
    names = [name for name in flat.column_names if name.startswith(("splt_ps", "sizes"))]
    assert names == [f"splt_ps_{n}" for n in (1, 2, 3)] + [f"sizes_{n}" for n in (1, 2, 3, 4)]
    sizes = table["sizes"].to_pylist()
    for place in range(4):
        expected = [one[place] if place < len(one) else None for one in sizes]
        assert flat[f"sizes_{place + 1}"].to_pylist() == expected + expected[2:]
    assert flat.schema.field("splt_ps_1").metadata == {
        b"role": b"behaviour",
        b"unit": b"bytes",
    }
    assert flat.schema.metadata == table.schema.metadata
    chosen = tensors.flatten(table, ["sizes"])
    assert "splt_ps" in chosen.column_names and "sizes_1" in chosen.column_names


def test_other_columns_are_refused(web: Path) -> None:
    measure = {"sizes": pkt.payload_length.first(4)}
    table = NFStreamer(web, dissect=False, measure=measure).to_arrow()
    with pytest.raises(ValueError, match="'id' has no lists"):
        tensors.to_numpy(table, "id")
    with pytest.raises(ValueError, match="'id' has no lists"):
        tensors.flatten(table, ["id"])
    with pytest.raises(ValueError, match="'sizes' have several lengths"):
        tensors.to_numpy(table, "sizes")


def test_an_empty_table_has_an_empty_array(web: Path) -> None:
    table = NFStreamer(web, dissect=False, splt_analysis=5).to_arrow().slice(0, 0)
    assert len(tensors.to_numpy(table, "splt_ps")) == 0
    assert "splt_ps" not in tensors.flatten(table).column_names
