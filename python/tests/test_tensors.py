"""Lists of packets as arrays and as flat columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from nfstream import NFStreamer, pkt, tensors


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
