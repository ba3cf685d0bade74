"""Columns that plugins compute from batches of ended flows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from nfstream.plugin import NFPlugin


def appender(plugins: Sequence[NFPlugin]) -> Callable[[Any], Any] | None:
    """Returns the function that computes the columns of ``plugins`` for a batch.

    The function takes a record batch, and returns one with only the new columns. Each plugin sees
    the columns of the plugins before it. ``None`` without plugins.
    """
    if not plugins:
        return None
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ImportError("on_batch needs pyarrow: pip install 'nfstream-rs[arrow]'") from error
    types: dict[str, pa.DataType] = {}

    def append(given: Any) -> pa.RecordBatch:
        batch = pa.record_batch(given)
        added: dict[str, pa.Array] = {}
        for plugin in plugins:
            for name, values in _columns(plugin, plugin.on_batch(batch)):
                if name in batch.column_names:
                    raise ValueError(f"{plugin.name}.on_batch returned the column {name!r} twice")
                array = _array(plugin, name, values, types.get(name), batch.num_rows)
                if types.setdefault(name, array.type) != array.type:
                    raise ValueError(f"{plugin.name}.on_batch changed the type of {name!r}")
                added[name] = array
                batch = batch.append_column(pa.field(name, array.type), array)
        if list(added) != list(types):
            missing = [name for name in types if name not in added] or list(added)
            raise ValueError(f"on_batch must return the same columns each time: {missing}")
        return pa.record_batch(added)

    return append


def has_batches(plugin: NFPlugin) -> bool:
    """Returns whether a plugin works on batches.

    Raises:
        ValueError: If it has methods for packets or flows as well.
    """
    from nfstream.plugin import NFPlugin

    def is_own(method: str) -> bool:
        return getattr(type(plugin), method) is not getattr(NFPlugin, method)

    if not is_own("on_batch"):
        return False
    for method in ("on_init", "on_update", "on_expire"):
        if is_own(method):
            raise ValueError(
                f"plugin {plugin.name!r} has on_batch and {method}: split it into two plugins"
            )
    if plugin.volatile:
        raise ValueError(f"plugin {plugin.name!r} has on_batch, so it cannot be volatile")
    return True


def _columns(plugin: NFPlugin, found: Any) -> Iterable[tuple[str, Any]]:
    """Returns the names and values of the columns that ``on_batch`` has returned."""
    import pyarrow as pa

    if isinstance(found, (pa.RecordBatch, pa.Table)):
        return zip(found.column_names, found.columns, strict=True)
    if isinstance(found, Mapping):
        for name in found:
            if not isinstance(name, str) or not name:
                raise ValueError(f"{plugin.name}.on_batch returned a column called {name!r}")
        return found.items()
    return [(plugin.name, found)]


def _array(
    plugin: NFPlugin, name: str, values: Any, type: pa.DataType | None, rows: int
) -> pa.Array:
    """Returns values as an array of ``type``, or of their own type for the first batch."""
    import pyarrow as pa

    if values is None:
        raise ValueError(f"{plugin.name}.on_batch returned nothing for {name!r}")
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    array = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if len(array) != rows:
        raise ValueError(
            f"{plugin.name}.on_batch returned {len(array)} values of {name!r} for {rows} flows"
        )
    return array if type is None or array.type == type else array.cast(type)
