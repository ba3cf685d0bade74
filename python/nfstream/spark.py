"""Flows of a plan as a Spark data frame: needs the extra ``spark``, PySpark 4.1 or later."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nfstream import clusters
from nfstream.clusters import ORDER, Plan

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

_BLOCKS = "stream int, shard int, file long, block int, settled long, data binary"


def flows(
    spark: SparkSession, plan: Plan, *, ids: str = "sparse", order_columns: bool = False
) -> DataFrame:
    """Returns the flows of all shards.

    Nothing is read before the frame is used. The packets of a shard pass through a reducer block by
    block, so its memory depends on the active flows and not on the size of the shard. Each block is
    one row of about 4 MiB: ``spark.sql.execution.arrow.maxRecordsPerBatch`` should be
    small, such as 4.

    Args:
        spark: Session of the cluster.
        plan: Plan made by :func:`nfstream.plan`.
        ids: ``"sparse"``: an id is the place of the conversation's first packet, so ids are unique
            and in the order of one pass. ``"dense"``: numbers from 0, as in one pass; this sorts
            the ids of all conversations.
        order_columns: Whether to keep the columns that sort the rows of all shards in the order of
            one pass: ``frame.orderBy(*nfstream.clusters.ORDER)``.

    Returns:
        A Spark data frame with the columns of :meth:`NFStreamer.to_arrow`; names are plain text.

    Raises:
        ImportError: If PySpark is not installed.
    """
    from pyspark import cloudpickle
    from pyspark.sql.pandas.types import from_arrow_schema

    clusters.check_ids(ids)
    for message in plan.warnings:
        clusters.warn(message)
    packed = cloudpickle.dumps(plan)
    shards = len(plan.streams) * plan.shards
    tasks = spark.sparkContext.parallelize(
        [(number,) for number in range(len(plan.tasks))], max(len(plan.tasks), 1)
    ).toDF("task int")

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _blocks(packed, batches)

    def meter(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _flows(packed, batches)

    blocks = tasks.mapInArrow(read, _BLOCKS)
    sorted_blocks = blocks.repartition(shards, "stream", "shard").sortWithinPartitions(
        "stream", "shard", "file", "block"
    )
    schema = from_arrow_schema(_plain(clusters.schema(plan)))
    frame = sorted_blocks.mapInArrow(meter, schema)
    if ids == "dense":
        frame = _dense(spark, frame)
    return frame if order_columns else frame.drop(*ORDER)


def _blocks(packed: bytes, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    plan: Plan = pickle.loads(packed)
    kinds = [pa.int32(), pa.int32(), pa.int64(), pa.int32(), pa.int64(), pa.binary()]
    names = ["stream", "shard", "file", "block", "settled", "data"]
    for batch in batches:
        for number in batch.column(0).to_pylist():
            task = plan.tasks[number]
            for shard, block, settled, data in clusters.map_task(plan, task):
                row = (task.stream, shard, task.file, block, settled, data)
                cells = [pa.array([cell], kind) for cell, kind in zip(row, kinds, strict=True)]
                yield pa.RecordBatch.from_arrays(cells, names)


def _flows(packed: bytes, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    plan: Plan = pickle.loads(packed)
    rows = (
        (stream.as_py(), shard.as_py(), data)
        for batch in batches
        for stream, shard, data in zip(
            batch.column("stream"), batch.column("shard"), batch.column("data"), strict=True
        )
    )
    for (stream, _), group in itertools.groupby(rows, key=lambda row: row[:2]):
        blocks = (data.as_py() for _, _, data in group)
        for table in _tables(plan, stream, blocks):
            yield from table.cast(_plain(table.schema)).combine_chunks().to_batches()


def _tables(plan: Plan, stream: int, blocks: Iterator[bytes]) -> Iterator[pa.Table]:
    import pyarrow as pa

    if plan.plugins:
        yield clusters.table(plan, stream, blocks)
        return
    reader = pa.RecordBatchReader.from_stream(clusters.reduce_shard(plan, blocks))
    for batch in reader:
        yield clusters.finished(plan, stream, pa.Table.from_batches([batch]))


def _plain(schema: pa.Schema) -> pa.Schema:
    """Returns a schema with types that Spark has."""
    import pyarrow as pa

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_dictionary(kind):
            return plain(kind.value_type)
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            return pa.string()
        if pa.types.is_fixed_size_binary(kind):
            return pa.binary()
        is_list = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)
        if is_list or pa.types.is_large_list(kind):
            return pa.list_(plain(kind.value_type))
        unsigned = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64()}
        return unsigned.get(kind, pa.int64() if kind == pa.uint64() else kind)

    fields = [pa.field(field.name, plain(field.type), field.nullable) for field in schema]
    return pa.schema(fields)


def _dense(spark: SparkSession, frame: DataFrame) -> DataFrame:
    births = frame.select(clusters.BIRTH).distinct().sort(clusters.BIRTH)
    pairs = births.rdd.map(lambda row: row[0]).zipWithIndex()
    numbers = spark.createDataFrame(pairs, f"{clusters.BIRTH} long, dense long")
    names = frame.columns
    place = 1 if names[0] == "stream" else 0
    joined = frame.join(numbers, clusters.BIRTH).drop(names[place])
    return joined.withColumnRenamed("dense", names[place]).select(*names)
