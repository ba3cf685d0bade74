"""A run on a cluster: its plan, and the two pure functions that carry it out.

``docs/clusters.md`` explains the whole. Engines such as Dask and Spark move the blocks between the
two functions; ``nfstream.dask`` and ``nfstream.spark`` connect them.
"""

from __future__ import annotations

import copy
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nfstream import _engine
from nfstream.plugin import NFPlugin
from nfstream.source import Path, is_url
from nfstream.streamer import NFStreamer, _checked_query

if TYPE_CHECKING:
    import pyarrow as pa

File = tuple[str, int, int | None]

ORDER = (
    "order_release",
    "order_end",
    "order_birth",
    "order_slice",
    "order_packets",
    "order_kind",
)
"""Columns whose values sort the rows of all shards of a stream in the order of one pass."""

BIRTH = "order_birth"
"""Column of sparse ids, whatever the heading of ids."""

_SHARD_BYTES = 256 << 20
_TASK_BYTES = 64 << 20
_SAMPLE_FLOWS = 1000
_MOST_FILES = 1 << 24
_OF_FILES = ("order", "strict_files", "large_windows")


@dataclass(frozen=True)
class Task:
    """Consecutive files of a stream that one process reads.

    Attributes:
        stream: Number of the stream.
        piece: Number of the task in its stream.
        pieces: Tasks of the stream.
        file: Number of its first file among all files.
        files: Its files, in order: path or URL, bytes, and nanoseconds of the first packet.
        earlier: Files before it that may hold first fragments of its packets.
        next: First file of the next task, and nanoseconds of its first packet.
    """

    stream: int
    piece: int
    pieces: int
    file: int
    files: tuple[File, ...]
    earlier: tuple[File, ...]
    next: tuple[str, int] | None


@dataclass(frozen=True)
class Plan:
    """Division of a set of captures into tasks, made by :func:`nfstream.plan`.

    Attributes:
        streams: Names of the streams; one without a name if there is no ``stream_by``.
        tasks: Tasks of all streams, in order.
        shards: Shards of each stream.
        parameters: Parameters of the run.
        plugins: Plugins of the run.
        plugin_types: Names of the Arrow types of the plugins' columns.
        warnings: Warnings about the files as a whole.
        has_names: Whether tables have the column ``stream``.
    """

    streams: tuple[str, ...]
    tasks: tuple[Task, ...]
    shards: int
    parameters: dict[str, Any]
    plugins: tuple[NFPlugin, ...]
    plugin_types: dict[str, str]
    warnings: tuple[str, ...]
    has_names: bool

    def tasks_of(self, stream: int) -> list[Task]:
        """Returns the tasks of a stream."""
        return [task for task in self.tasks if task.stream == stream]


def plan(
    files: Path | Sequence[Path],
    *,
    stream_by: str | None = None,
    shards: int = 0,
    plugins: NFPlugin | Iterable[NFPlugin] = (),
    plugin_types: dict[str, str] | None = None,
    task_bytes: int = _TASK_BYTES,
    **parameters: Any,
) -> Plan:
    r"""Divides captures into tasks for a cluster; the flows are those of one pass.

    Reads only the start of each file. Every machine must find the files under the same paths or
    URLs; the plan holds URLs as they are, with any signature in them.

    Args:
        files: Capture files and folders, or URLs of them.
        stream_by: Regular expression that finds the stream of a file, such as its sensor, in its
            path: the first group, or the whole match. A stream is metered separately, and tables
            get the column ``stream``. Without it all files are one stream.
        shards: Tasks that meter each stream; 0 for one per 256 MiB. If there are at least as many
            streams, each is metered by a single task.
        plugins: Plugins that keep no state across flows.
        plugin_types: Arrow types of plugin columns by name, such as ``"int64"`` and ``"string"``;
            by default those of the first flows.
        task_bytes: Bytes of consecutive files that one task reads; 0 for a task per file.
        parameters: Parameters of :class:`NFStreamer`.

    Returns:
        The plan, for :func:`nfstream.dask.flows` and :func:`nfstream.spark.flows`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a parameter has an invalid value, or needs all packets in one process.

    Examples:
        >>> import nfstream
        >>> plan = nfstream.plan("tests/captures/redis.pcap", shards=4, features="payload")
        >>> len(plan.tasks), plan.shards
        (1, 4)
    """
    for name, number in (("shards", shards), ("task_bytes", task_bytes)):
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise ValueError(f"{name} must be a whole number from 0 on, not {number!r}")
    _refuse(parameters)
    streamer = NFStreamer(files, plugins=plugins, **parameters)
    if streamer._is_live:
        raise ValueError("a cluster reads files: a network interface belongs to one machine")
    if "-" in streamer._source:
        raise ValueError("a cluster reads files: standard input belongs to one process")
    if not all(isinstance(source, str) for source in streamer._source):
        raise ValueError("a cluster reads files: bytes and file objects belong to one process")
    if streamer._batch_plugins:
        name = streamer._batch_plugins[0].name
        raise ValueError(f"plugin {name!r} has on_batch: apply it to the partitions of the table")
    checked = dict(streamer._parameters)
    # Processes of the cluster may work in other folders.
    if checked["rules"] is not None:
        checked["rules"] = os.path.abspath(checked["rules"])
    if checked["model"] is not None:
        checked["model"] = {n: os.path.abspath(path) for n, path in checked["model"].items()}
    checked["geoip"] = [os.path.abspath(path) for path in checked["geoip"]]
    options = {name: checked[name] for name in _OF_FILES}
    found: list[tuple[str, list[File]]] = []
    warnings: list[str] = []
    for name, paths in _streams(streamer._source, stream_by, options).items():
        listed, warned = _engine.find_files(paths, options)
        found.append((name, [(_absolute(path), size, start) for path, size, start in listed]))
        warnings += warned
    if sum(len(listed) for _, listed in found) >= _MOST_FILES:
        raise ValueError(f"a plan holds fewer than {_MOST_FILES:,} files")
    largest = max((sum(size for _, size, _ in listed) for _, listed in found), default=0)
    shards = shards or largest // _SHARD_BYTES + 1
    if len(found) > 1 and len(found) >= shards:
        shards = 1
    tasks: list[Task] = []
    first = 0
    for stream, (_, of_stream) in enumerate(found):
        tasks += _tasks(stream, first, of_stream, task_bytes, checked)
        first += len(of_stream)
    return Plan(
        streams=tuple(name for name, _ in found),
        tasks=tuple(tasks),
        shards=shards,
        parameters=checked,
        plugins=tuple(streamer._plugins),
        plugin_types=_plugin_types(streamer, found, plugin_types or {}),
        warnings=tuple(warnings),
        has_names=stream_by is not None,
    )


def map_task(plan: Plan, task: Task) -> Iterator[tuple[int, int, int | None, bytes]]:
    """Reads the files of a task; yields shard, number, settled time and bytes of each block.

    ``settled`` is the time of the last packet so far, in nanoseconds, ``None`` without one. A pure
    function: repeated, it yields the same blocks. Warns about files that are damaged.
    """
    writer = _engine.BlockWriter(
        list(task.files),
        earlier=list(task.earlier),
        stream=task.stream,
        piece=task.piece,
        pieces=task.pieces,
        file=task.file,
        next=task.next,
        shards=plan.shards,
        parameters=plan.parameters,
    )
    for number, blocks in enumerate(writer):
        for shard, block in enumerate(blocks):
            yield shard, number, writer.settled, block
    for message in writer.take_warnings():
        warn(message)


def reduce_shard(plan: Plan, blocks: Iterable[bytes]) -> Shard:
    """Returns the flows of one shard of a stream, whose ``blocks`` are in the order of tasks.

    A pure function: its tables depend on the blocks alone. The shard has the methods of
    :class:`NFStreamer` for tables, and the counts of its run.
    """
    return Shard(plan, blocks)


def whole_stream(plan: Plan, stream: int) -> Iterator[bytes]:
    """Yields the blocks of a stream with a single shard, read one task after the other."""
    for task in plan.tasks_of(stream):
        for _, _, _, block in map_task(plan, task):
            yield block


def table(plan: Plan, stream: int, blocks: Iterable[bytes]) -> pa.Table:
    """Returns the flows of one shard as an Arrow table, with plugin columns of the planned types.

    The columns :data:`ORDER` are the last ones.
    """
    return finished(plan, stream, reduce_shard(plan, blocks).to_arrow())


def finished(plan: Plan, stream: int, table: pa.Table) -> pa.Table:
    """Returns the table of a shard with the types and columns of the plan."""
    import pyarrow as pa

    for name, kind in plan.plugin_types.items():
        place = table.column_names.index(name)
        try:
            column = table.column(place).cast(pa.type_for_alias(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ValueError(
                f"the values of plugin {name!r} are not all of type {kind}: "
                f"choose one with plugin_types={{{name!r}: …}}"
            ) from error
        table = table.set_column(place, pa.field(name, column.type), column)
    names = [name for name in table.column_names if name not in ORDER]
    table = table.select([*names, *ORDER])
    if plan.has_names:
        column = pa.array([plan.streams[stream]] * table.num_rows, pa.string())
        table = table.add_column(0, "stream", column)
    return table


def schema(plan: Plan) -> pa.Schema:
    """Returns the schema of the tables of all shards."""
    return table(plan, 0, ()).schema


def in_order(table: pa.Table, *, ids: str = "sparse") -> pa.Table:
    """Sorts the rows of all shards in the order of one pass, and drops the columns for that.

    Args:
        table: Rows of all shards, with the columns :data:`ORDER`.
        ids: ``"sparse"`` keeps ids, ``"dense"`` numbers the conversations from 0 in their order.

    Returns:
        The table of one pass; of several streams, one after the other.
    """
    check_ids(ids)
    keys = [(name, "ascending") for name in ORDER]
    if "stream" in table.column_names:
        keys.insert(0, ("stream", "ascending"))
    table = table.sort_by(keys)
    if ids == "dense":
        import pyarrow.compute as pc

        births = table[BIRTH].combine_chunks()
        table = numbered(table, pc.subtract(pc.rank(births, tiebreaker="dense"), 1))
    return table.drop_columns(list(ORDER))


def numbered(table: pa.Table, ids: Any) -> pa.Table:
    """Returns the table with other numbers of conversations."""
    import pyarrow as pa

    # The heading depends on the parameter `names`.
    place = 1 if table.column_names[0] == "stream" else 0
    field = table.schema.field(place)
    return table.set_column(place, field, pa.array(ids).cast(field.type))


def check_ids(ids: str) -> None:
    """Raises ``ValueError`` unless ``ids`` is a kind of id."""
    if ids not in ("sparse", "dense"):
        raise ValueError(f"ids must be 'sparse' or 'dense', not {ids!r}")


def warn(message: str) -> None:
    """Warns in the process that started the work, if this one works for a Dask client."""
    try:
        from distributed import get_worker
        from distributed import warn as forward

        get_worker()
    except (ImportError, ValueError):
        warnings.warn(message, UserWarning, stacklevel=2)
        return
    forward(message, UserWarning)


class Shard(NFStreamer):
    """Flows of one shard, from its blocks. It can be read once for each list of blocks."""

    def __init__(self, plan: Plan, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self._source = []
        self._plugins = list(plan.plugins)
        self._batch_plugins = []
        self._query = _checked_query(None, None, None, None, False)
        self._parameters = plan.parameters
        self._report_interval = 0.0
        self._is_live = False
        self._begin()

    def _make_run(
        self, plugins: Sequence[NFPlugin], changes: Mapping[str, Any] | None = None
    ) -> _engine.Run:
        parameters = {**self._parameters, **(changes or {})}
        return _engine.Run.of_blocks(
            self._blocks, plugins=plugins, plugin_base=NFPlugin, **parameters
        )


def _absolute(path: str) -> str:
    """Returns a path that is valid in every folder; a URL is."""
    return path if is_url(path) else os.path.abspath(path)


def _refuse(parameters: dict[str, Any]) -> None:
    """Refuses parameters that need all packets in one process, with the reason."""
    reasons = {
        "max_nflows": "the first flows of all shards are known only when every shard has ended",
        "duration": "a network interface belongs to one machine",
        "system_visibility_mode": "the processes of a machine are known only there",
        "performance_report": "the engine of the cluster reports the progress of tasks",
        "n_meters": "a cluster has one meter for each of its `shards`",
        "where": "select rows of the resulting frame",
        "columns": "select columns of the resulting frame",
        "limit": "take the first rows of the resulting frame",
        "sort": "sort the resulting frame",
        "separate": "use `stream_by`, which meters streams separately",
    }
    for name, reason in reasons.items():
        if parameters.get(name):
            raise ValueError(f"{name} does not work on a cluster: {reason}")


def _streams(
    source: Sequence[str], stream_by: str | None, options: dict[str, Any]
) -> dict[str, list[str]]:
    """Returns the files of each stream by its name, sorted by name."""
    if stream_by is None:
        return {"": list(source)}
    try:
        pattern = re.compile(stream_by)
    except re.error as error:
        raise ValueError(f"stream_by is no regular expression: {error}") from error
    listed, _ = _engine.find_files(list(source), {**options, "order": "given"})
    streams: dict[str, list[str]] = {}
    for path in (path for path, _, _ in listed):
        found = pattern.search(path)
        if found is None:
            raise ValueError(f"stream_by={stream_by!r} does not match {path!r}")
        name = found.group(1) if pattern.groups else found.group()
        streams.setdefault(name or "", []).append(path)
    return dict(sorted(streams.items()))


def _tasks(
    stream: int, first: int, files: list[File], task_bytes: int, parameters: dict[str, Any]
) -> list[Task]:
    pieces = _engine.cut_files(files, task_bytes, parameters)
    tasks = []
    for piece, (start, end, earlier, following) in enumerate(pieces):
        begins = None
        if following is not None:
            path, _, time = files[following]
            begins = (path, time or 0)
        task = Task(
            stream=stream,
            piece=piece,
            pieces=len(pieces),
            file=first + start,
            files=tuple(files[start:end]),
            earlier=tuple(files[earlier:start]),
            next=begins,
        )
        tasks.append(task)
    return tasks


def _plugin_types(
    streamer: NFStreamer, found: list[tuple[str, list[File]]], given: dict[str, str]
) -> dict[str, str]:
    """Returns the types of the plugins' columns, of the first flows if they are not given."""
    import pyarrow as pa

    names = [plugin.name for plugin in streamer._plugins if not plugin.volatile]
    for name, kind in given.items():
        if name not in names:
            raise ValueError(f"plugin_types: there is no plugin {name!r}")
        try:
            pa.type_for_alias(kind)
        except ValueError as error:
            raise ValueError(f"plugin_types: {kind!r} is no type of Arrow") from error
    if all(name in given for name in names):
        return {name: given[name] for name in names}
    parameters = {**streamer._parameters, "max_nflows": _SAMPLE_FLOWS}
    paths = next((listed for _, listed in found if listed), [])
    plugins = copy.deepcopy(streamer._plugins)
    with warnings.catch_warnings():
        # The tasks give the warnings about files.
        warnings.simplefilter("ignore")
        sample = NFStreamer([paths[0][0]], plugins=plugins, **parameters).to_arrow()
    kinds = {name: sample.schema.field(name).type for name in names}
    guessed = {name: "double" if kind == pa.null() else str(kind) for name, kind in kinds.items()}
    return {**guessed, **given}
