"""Tables of pandas, Polars and pyarrow: their columns, rows and times."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

NANOSECONDS = {"ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds of each unit of time."""

# Headings of CICFlowMeter, which a table may have instead of names.
_HEADINGS = {
    "src_ip": "Src IP",
    "dst_ip": "Dst IP",
    "src_port": "Src Port",
    "dst_port": "Dst Port",
    "protocol": "Protocol",
    "first_seen": "Timestamp",
}


def library(frame: Any) -> str:
    """Returns the library of a table: ``"pandas"``, ``"polars"`` or ``"pyarrow"``.

    Raises:
        TypeError: If it is no such table.
    """
    module = type(frame).__module__.partition(".")[0]
    if module not in ("pandas", "polars", "pyarrow") or not hasattr(frame, "columns"):
        raise TypeError(
            f"frame must be a pandas or Polars data frame or a pyarrow table, not {type(frame)}"
        )
    return module


def names(frame: Any) -> list[str]:
    """Returns the names of the columns."""
    found = frame.column_names if library(frame) == "pyarrow" else frame.columns
    return [str(name) for name in found]


def select(frame: Any, chosen: list[str]) -> Any:
    """Returns a table with the chosen columns."""
    return frame[chosen] if library(frame) == "pandas" else frame.select(chosen)


def column(frame: Any, name: str) -> list[Any]:
    """Returns the values of a column, by its name or the heading of CICFlowMeter.

    Raises:
        ValueError: If there is no such column.
    """
    present = names(frame)
    if name not in present:
        heading = _HEADINGS.get(name)
        if heading not in present:
            raise ValueError(f"the table has no column {name!r}")
        name = heading
    if library(frame) == "pandas":
        return list(frame[name].tolist())
    if library(frame) == "pyarrow":
        return list(frame.column(name).to_pylist())
    return list(frame[name].to_list())


def take(frame: Any, rows: list[int]) -> Any:
    """Returns a table with the rows at these positions."""
    if library(frame) == "pandas":
        return frame.iloc[rows]
    return frame.take(rows) if library(frame) == "pyarrow" else frame[rows]


def with_texts(frame: Any, name: str, texts: Sequence[str]) -> Any:
    """Returns a table with a further column of texts, the last one."""
    if library(frame) == "pandas":
        return frame.assign(**{name: list(texts)})
    if library(frame) == "polars":
        import polars as pl

        return frame.with_columns(pl.Series(name, texts, dtype=pl.String))
    import pyarrow as pa

    return frame.append_column(name, pa.array(texts, pa.string()))


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Returns a data frame that equals pyarrow's.

    pyarrow takes each list out of the numbers of its column with a slice; numpy's iterator over the
    rows of an array takes half the time.
    """
    import pandas as pd

    lists = [
        (place, name) for place, name in enumerate(table.column_names) if _is_array(table, name)
    ]
    names = {name for _, name in lists}
    others = table.select([name for name in table.column_names if name not in names])
    frame: pd.DataFrame = others.to_pandas()
    for place, name in lists:
        rows = pd.Series(_rows(table.column(name)), index=frame.index, dtype=object, copy=False)
        frame.insert(place, name, rows)
    return frame


def _is_array(table: pa.Table, name: str) -> bool:
    """Returns whether a column holds lists of one length, of whole numbers without nulls."""
    import pyarrow as pa

    kind = table.schema.field(name).type
    if not pa.types.is_fixed_size_list(kind) or not pa.types.is_integer(kind.value_type):
        return False
    column = table.column(name)
    return not column.null_count and not any(chunk.values.null_count for chunk in column.chunks)


def _rows(column: pa.ChunkedArray) -> np.ndarray:
    """Returns the lists of a column as arrays that share the memory of all of them."""
    import numpy as np

    parts = [chunk.flatten().to_numpy() for chunk in column.chunks]
    numbers = parts[0] if len(parts) == 1 else np.concatenate(parts or [np.empty(0, np.int64)])
    rows = numbers.reshape(len(column), column.type.list_size)
    return np.fromiter(rows, dtype=object, count=len(rows))


def nanoseconds(value: Any) -> int:
    """Returns a time as nanoseconds; numbers are milliseconds, or the unit that fits their size."""
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return int(value.timestamp() * 1e6) * 1000
    number = int(value)
    # Milliseconds of today have 13 digits, microseconds 16, nanoseconds 19.
    for unit in ("ms", "us", "ns"):
        if abs(number) < 10**14 * (1_000_000 // NANOSECONDS[unit]):
            return number * NANOSECONDS[unit]
    return number
