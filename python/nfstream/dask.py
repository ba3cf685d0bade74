"""Flows of a plan as a Dask data frame: needs the extra ``dask``."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from nfstream import clusters
from nfstream.clusters import ORDER, Plan, Task

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd


def flows(plan: Plan, *, ids: str = "sparse", order_columns: bool = False) -> dd.DataFrame:
    """Returns the flows of all shards; each shard is a partition.

    Nothing is read before the frame is computed. The rows of a partition are in the order in which
    their flows end; :func:`nfstream.dask.table` sorts all of them.

    Args:
        plan: Plan made by :func:`nfstream.plan`.
        ids: ``"sparse"``: an id is the place of the conversation's first packet, so ids are unique
            and in the order of one pass. ``"dense"``: numbers from 0, as in one pass; this holds
            the ids of all conversations in one task.
        order_columns: Whether to keep the columns that sort the rows of all shards.

    Returns:
        A Dask data frame with the columns of :meth:`NFStreamer.to_pandas`.

    Raises:
        ImportError: If Dask or pandas is not installed.
    """
    import dask.dataframe as dd

    clusters.check_ids(ids)
    parts = _shards(plan)
    if ids == "dense":
        from dask import delayed

        births = delayed(_all_births)([delayed(_births)(part) for part in parts])
        parts = [delayed(_number)(part, births) for part in parts]
    from dask import delayed

    frames = [delayed(_frame)(part, order_columns) for part in parts]
    meta = _frame(clusters.schema(plan).empty_table(), order_columns)
    return dd.from_delayed(frames, meta=meta, verify_meta=False)


def table(plan: Plan, *, ids: str = "dense") -> Any:
    """Computes the table of one pass, cell by cell and in its order, as a pyarrow table.

    Args:
        plan: Plan made by :func:`nfstream.plan`.
        ids: As in :func:`flows`.

    Returns:
        The rows of all shards in this process.
    """
    import dask
    import pyarrow as pa

    clusters.check_ids(ids)
    parts = dask.compute(*_shards(plan))
    return clusters.in_order(pa.concat_tables(parts), ids=ids)


def _shards(plan: Plan) -> list[Any]:
    """Returns a delayed Arrow table for each shard of each stream."""
    from dask import delayed

    for message in plan.warnings:
        clusters.warn(message)
    shared = delayed(plan, pure=False)
    if plan.shards == 1:
        streams = range(len(plan.streams))
        return [delayed(_whole_stream)(shared, stream) for stream in streams]
    shards: list[list[list[Any]]] = [[[] for _ in range(plan.shards)] for _ in plan.streams]
    for task in plan.tasks:
        blocks = delayed(_map)(shared, task)
        for shard, parts in enumerate(shards[task.stream]):
            parts.append(delayed(operator.getitem)(blocks, shard))
    return [
        delayed(_reduce)(shared, stream, parts)
        for stream, of_stream in enumerate(shards)
        for parts in of_stream
    ]


def _map(plan: Plan, task: Task) -> list[list[bytes]]:
    shards: list[list[bytes]] = [[] for _ in range(plan.shards)]
    for shard, _, _, block in clusters.map_task(plan, task):
        shards[shard].append(block)
    return shards


def _reduce(plan: Plan, stream: int, parts: list[list[bytes]]) -> Any:
    return clusters.table(plan, stream, (block for part in parts for block in part))


def _whole_stream(plan: Plan, stream: int) -> Any:
    return clusters.table(plan, stream, clusters.whole_stream(plan, stream))


def _births(table: Any) -> Any:
    return table[clusters.BIRTH].unique()


def _all_births(births: list[Any]) -> Any:
    import numpy as np

    return np.unique(np.concatenate([of_shard.to_numpy() for of_shard in births]))


def _number(table: Any, births: Any) -> Any:
    import numpy as np

    return clusters.numbered(table, np.searchsorted(births, table[clusters.BIRTH].to_numpy()))


def _frame(table: Any, order_columns: bool) -> pd.DataFrame:
    import pyarrow as pa

    if not order_columns:
        table = table.drop_columns(list(ORDER))
    # Categories would differ between partitions.
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            plain = table.column(place).cast(field.type.value_type)
            table = table.set_column(place, field.with_type(field.type.value_type), plain)
    frame: pd.DataFrame = table.to_pandas()
    return frame
