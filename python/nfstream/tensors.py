"""Columns with values of the first packets as arrays, and as flat columns.

>>> from nfstream import NFStreamer, tensors
>>> table = NFStreamer("tests/captures/redis.pcap", splt_analysis=3).to_arrow()
>>> tensors.to_numpy(table, "splt_ps").shape
(6, 3)
>>> tensors.flatten(table.select(["id", "splt_ps"])).column_names
['id', 'splt_ps_1', 'splt_ps_2', 'splt_ps_3']
>>> table = NFStreamer("tests/captures/redis.pcap", packet_bytes=(2, 40)).to_arrow()
>>> tensors.to_numpy(table, "packet_bytes").shape
(6, 2, 40)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import torch

__all__ = ["flatten", "to_numpy", "to_torch"]


def to_numpy(table: pa.Table | pa.RecordBatch, column: str) -> np.ndarray:
    """Returns a column of lists or bytes as an array with a row for each flow.

    Bytes of packets have three dimensions: flows, packets and bytes. The array shares the memory of
    a record batch, or of a table with one batch, and is read-only; larger tables are copied once.

    Args:
        table: Table or batch of flows.
        column: Name of a column of bytes, such as ``packet_bytes``, or of lists that all have the
            same length, such as ``splt_ps``.

    Raises:
        ValueError: If the column has no lists, or lists of different lengths.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    lists = table.column(column)
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0) if lists.num_chunks == 1 else lists.combine_chunks()
    if pa.types.is_fixed_size_binary(lists.type):
        return _bytes(lists, table.schema.field(column))
    if not _has_lists(lists.type):
        raise ValueError(f"column {column!r} has no lists")
    if lists.null_count:
        raise ValueError(f"column {column!r} has nulls instead of lists")
    lengths = pc.unique(pc.list_value_length(lists)).to_pylist()
    if len(lengths) > 1 or None in lengths:
        raise ValueError(f"the lists of column {column!r} have several lengths")
    values: np.ndarray = lists.flatten().to_numpy(zero_copy_only=True)
    return values.reshape(len(lists), *(lengths or [0]))


def to_torch(table: pa.Table | pa.RecordBatch, column: str) -> torch.Tensor:
    """Returns a column of lists or bytes as a tensor, of the shape that :func:`to_numpy` returns.

    The tensor shares the memory of the table: do not write to it.

    Raises:
        ImportError: If PyTorch is not installed.
        ValueError: If the column has no lists, or lists of different lengths.
    """
    import warnings

    import torch

    with warnings.catch_warnings():
        # PyTorch warns because the memory is read-only.
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(to_numpy(table, column))


def flatten(table: pa.Table, columns: Iterable[str] | None = None) -> pa.Table:
    """Returns a table with a column for each place of the lists: ``splt_ps_1``, ``splt_ps_2``.

    Decision trees and CSV need flat columns. A list that is shorter than the longest one has nulls.
    Bytes of packets have a column for each byte of each packet: ``packet_bytes_1_1``.

    Args:
        table: Table of flows.
        columns: Names of columns of lists or bytes; all of lists by default.

    Raises:
        ValueError: If a column has no lists.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    chosen = [field.name for field in table.schema if _has_lists(field.type)]
    if columns is not None:
        wanted = list(columns)
        for name in wanted:
            kind = table.schema.field(name).type if name in table.column_names else pa.null()
            if name not in chosen and not pa.types.is_fixed_size_binary(kind):
                raise ValueError(f"column {name!r} has no lists")
        chosen = wanted
    fields, arrays = [], []
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if field.name not in chosen:
            fields.append(field)
            arrays.append(column)
            continue
        if pa.types.is_fixed_size_binary(field.type):
            array = to_numpy(table.select([field.name]), field.name)
            for packet in range(array.shape[1]):
                for byte in range(array.shape[2]):
                    name = f"{field.name}_{packet + 1}_{byte + 1}"
                    fields.append(pa.field(name, pa.int32(), metadata={b"role": _role(field)}))
                    arrays.append(pa.array(array[:, packet, byte].astype("int32")))
            continue
        longest = pc.max(pc.list_value_length(column)).as_py() or 0
        for item in range(longest):
            part = pc.list_slice(column, item, item + 1, return_fixed_size_list=True)
            chunks = [chunk.flatten() for chunk in part.chunks]
            if any(
                len(flat) != len(chunk) for flat, chunk in zip(chunks, part.chunks, strict=True)
            ):
                raise ValueError(f"column {field.name!r} has nulls instead of lists")
            name = f"{field.name}_{item + 1}"
            fields.append(pa.field(name, field.type.value_type, metadata=field.metadata))
            arrays.append(pa.chunked_array(chunks, field.type.value_type))
    return pa.table(arrays, pa.schema(fields, metadata=table.schema.metadata))


def _bytes(column: pa.FixedSizeBinaryArray, field: pa.Field) -> np.ndarray:
    """Returns bytes by flow, packet and place."""
    import numpy as np

    if column.null_count:
        raise ValueError(f"column {field.name!r} has nulls instead of bytes")
    width = column.type.byte_width
    shape = json.loads((field.metadata or {}).get(b"shape", b"null")) or [1, width]
    values = np.frombuffer(column.buffers()[1], np.uint8)
    values = values[column.offset * width : (column.offset + len(column)) * width]
    return values.reshape(len(column), *shape)


def _role(field: pa.Field) -> bytes:
    role: bytes = (field.metadata or {}).get(b"role", b"behaviour")
    return role


def _has_lists(type: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type)
    )
