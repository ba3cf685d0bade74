"""The flows of a run as tables: in memory, in files, and for notebooks."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nfstream import _engine, frames, views
from nfstream.batch import appender
from nfstream.caller import level_of_caller
from nfstream.plugin import NFPlugin
from nfstream.source import is_regular, name_of

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

# Seconds of a partition, and the folders for its time.
_PARTITIONS = {
    "day": (86_400, "day=%F"),
    "hour": (3_600, "day=%F/hour=%H"),
}
_PREVIEW_FLOWS = 1_000
_PREVIEW_PACKETS = 50_000


class Tables:
    """Methods of a streamer that return its flows as a table.

    Each method reads the source to its end. The table has a row for each flow, in the order in
    which flows end, and a column for each attribute; ``docs/columns.md`` explains the columns.
    The methods share these parameters:

    - ``columns_to_anonymize``: names of columns to replace with hashes: keyed BLAKE2b of the
      value's text, 64 hexadecimal digits, so the column becomes text. Equal values have equal
      hashes within a table, even in different columns. Columns that follow from a hidden one,
      such as ``community_id`` from an address, are hashed as well; a warning names other columns
      that can reveal a hidden value, such as host names and DNS answers.
    - ``key``: key of these hashes, 1 to 64 bytes; by default a random one for each call, so that
      hashes of two calls cannot be compared.
    - ``timestamps``: whether ``first_seen`` and ``last_seen`` are timestamps (UTC) instead of
      integers, milliseconds since the Unix epoch.

    A streamer is also a table itself for libraries with the Arrow PyCapsule protocol:
    ``pyarrow.table(streamer)``, ``polars.DataFrame(streamer)``,
    ``duckdb.sql("select * from streamer")``. Each use is a separate run, which delivers batches
    while the engine works. With plugins the library gets the table at the end of the run, because
    the types of plugin columns depend on all values.
    """

    _source: list[Any]
    # Arguments of the query; the interface of nfstream 6 has none.
    _query: dict[str, Any] = {"where": None}  # noqa: RUF012
    _plugins: list[NFPlugin]
    _batch_plugins: list[NFPlugin]
    _parameters: dict[str, Any]
    # A table that was read for its schema; the next request for rows takes it.
    _read_ahead: Any = None

    def _start(self, changes: Mapping[str, Any] | None = None) -> _engine.Run:
        raise NotImplementedError

    def _make_run(
        self, plugins: Sequence[NFPlugin], changes: Mapping[str, Any] | None = None
    ) -> _engine.Run:
        raise NotImplementedError

    def _end(self, run: _engine.Run, *, failed: bool = False) -> None:
        raise NotImplementedError

    def to_pandas(
        self,
        columns_to_anonymize: Sequence[str] = (),
        *,
        key: bytes | None = None,
        timestamps: bool = False,
    ) -> pd.DataFrame:
        """Returns all flows as a pandas data frame.

        Columns of the engine come directly from Arrow and have its types; pandas infers the types
        of plugin columns.

        Args:
            columns_to_anonymize: Columns to replace with hashes.
            key: Key of the hashes, 1 to 64 bytes; random if not given.
            timestamps: Whether ``first_seen`` and ``last_seen`` are timestamps (UTC).

        Returns:
            A data frame with the columns of the flows; without rows if there are no flows.

        Raises:
            ImportError: If pandas or pyarrow is not installed.
            ValueError: If a column is unknown, or the key has a wrong length.

        Examples:
            >>> from nfstream import NFStreamer
            >>> flows = NFStreamer("tests/captures/redis.pcap").to_pandas()
            >>> flows["application_name"].unique().tolist()
            ['RESP']
        """
        try:
            import pandas as pd
            import pyarrow as pa
        except ImportError as error:
            raise _missing("to_pandas()", "pandas and pyarrow", "pandas") from error

        options, names = self._options(columns_to_anonymize, key, timestamps, frame_text=True)
        plugins = [plugin.name for plugin in self._plugins if not plugin.volatile]
        hidden = set(names).intersection(plugins)
        given, values = self._read(options, plugin_columns=bool(hidden))
        table = pa.table(given)
        ours = [name for name in table.column_names if name not in plugins]
        frame = frames.to_pandas(table.select(ours))
        for name, column in zip(plugins, values, strict=True):
            if name in hidden:
                frame[name] = table.column(name).to_pandas()
            else:
                dtype = None if column else object
                frame[name] = pd.Series(column, index=frame.index, dtype=dtype)
        return frame

    def to_arrow(
        self,
        columns_to_anonymize: Sequence[str] = (),
        *,
        key: bytes | None = None,
        timestamps: bool = False,
    ) -> pa.Table:
        """Returns all flows as a pyarrow table.

        A plugin column gets the narrowest type that fits all its values: boolean, 64-bit integer,
        floating-point number, list of these, or text. ``None`` is a missing value; other objects
        are converted with ``str()``.

        Args:
            columns_to_anonymize: Columns to replace with hashes.
            key: Key of the hashes, 1 to 64 bytes; random if not given.
            timestamps: Whether ``first_seen`` and ``last_seen`` are timestamps (UTC).

        Returns:
            A table with the columns of the flows; its metadata has the versions of nfstream, nDPI
            and the columns, and the parameters of the run as JSON.

        Raises:
            ImportError: If pyarrow is not installed.
            ValueError: If a column is unknown, or the key has a wrong length.

        Examples:
            >>> from nfstream import NFStreamer
            >>> streamer = NFStreamer("tests/captures/redis.pcap", dissect=False)
            >>> table = streamer.to_arrow(["src_ip"])
            >>> table.num_rows, table.schema.field("src_port").type, len(table["src_ip"][0].as_py())
            (6, DataType(int32), 64)
        """
        try:
            import pyarrow as pa
        except ImportError as error:
            raise _missing("to_arrow()", "pyarrow", "arrow") from error

        options, _ = self._options(columns_to_anonymize, key, timestamps)
        return pa.table(self._read(options)[0])

    def to_polars(
        self,
        columns_to_anonymize: Sequence[str] = (),
        *,
        key: bytes | None = None,
        timestamps: bool = False,
    ) -> pl.DataFrame:
        """Returns all flows as a Polars data frame.

        Args:
            columns_to_anonymize: Columns to replace with hashes.
            key: Key of the hashes, 1 to 64 bytes; random if not given.
            timestamps: Whether ``first_seen`` and ``last_seen`` are timestamps (UTC).

        Returns:
            A data frame with the columns of the flows, labels as categories; plugin columns as in
            :meth:`to_arrow`.

        Raises:
            ImportError: If Polars is not installed.
            ValueError: If a column is unknown, or the key has a wrong length.

        Examples:
            >>> from nfstream import NFStreamer
            >>> flows = NFStreamer("tests/captures/redis.pcap").to_polars()
            >>> int(flows["dst_port"].max())
            6379
        """
        try:
            import polars as pl
        except ImportError as error:
            raise _missing("to_polars()", "Polars", "polars") from error

        options, _ = self._options(columns_to_anonymize, key, timestamps)
        return pl.DataFrame(self._read(options)[0])

    def to_parquet(
        self,
        path: str | os.PathLike[str],
        columns_to_anonymize: Sequence[str] = (),
        flows_per_file: int = 0,
        rotate_files: int = 0,
        *,
        bytes_per_file: int = 0,
        key: bytes | None = None,
        timestamps: bool = False,
        overwrite: bool = False,
        partition_by: str | None = None,
    ) -> int:
        """Writes all flows to a Parquet file, compressed with zstd.

        The file's metadata has the versions of nfstream, nDPI and the columns, and as JSON the
        parameters of the run, its account of packets and the BLAKE2b-256 hashes of its captures,
        all under names that begin with ``nfstream.``. A run with ``max_nflows`` and pipes have no
        hashes. :meth:`to_csv` explains when files appear, and the arguments.

        Returns:
            The number of flows written.

        Examples:
            >>> import tempfile
            >>> from nfstream import NFStreamer
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     NFStreamer("tests/captures/redis.pcap").to_parquet(f"{folder}/flows.parquet")
            6
        """
        return self._write(
            "parquet", path, columns_to_anonymize, flows_per_file, rotate_files,
            bytes_per_file, key, timestamps, overwrite, partition_by=partition_by,
        )  # fmt: skip

    def to_csv(
        self,
        path: str | os.PathLike[str],
        columns_to_anonymize: Sequence[str] = (),
        flows_per_file: int = 0,
        rotate_files: int = 0,
        *,
        bytes_per_file: int = 0,
        key: bytes | None = None,
        timestamps: bool = False,
        overwrite: bool = False,
        safe: bool = False,
        partition_by: str | None = None,
    ) -> int:
        r"""Writes all flows to a CSV file (RFC 4180, lines end in ``\n``), a header line first.

        Missing values are empty, lists are written as JSON, timestamps as RFC 3339.

        Files are never partial: the data goes to a hidden file in the same folder, which gets its
        name when it is complete and on the disk. If anything fails, the hidden file is removed,
        and an older file of the same name stays unchanged.

        With ``flows_per_file`` or ``bytes_per_file`` the table is split into files with numbers
        before the extension: ``flows.0.csv``, ``flows.1.csv`` and so on, each a complete table that
        appears when it is finished. ``rotate_files`` keeps only that many of the newest files;
        numbers continue to grow.

        Args:
            path: File to write; pipes and devices are written directly. With the extension
                ``.gz`` or ``.zst``, CSV and JSON Lines are compressed.
            columns_to_anonymize: Columns to replace with hashes.
            flows_per_file: Maximum flows of a file; 0 for no limit.
            rotate_files: Number of newest files to keep; 0 for all.
            bytes_per_file: Approximate bytes of a file; 0 for no limit.
            key: Key of the hashes, 1 to 64 bytes; random if not given.
            timestamps: Whether ``first_seen`` and ``last_seen`` are timestamps (UTC).
            overwrite: Whether to replace existing files; with ``flows_per_file`` or
                ``bytes_per_file`` all files with one of these names.
            partition_by: ``"day"`` or ``"hour"``, to write a file for each day or hour (UTC) in
                which flows end, in folders of ``path`` that are named after it:
                ``path/day=2026-11-25/flows.csv``. Or ``path`` is a pattern with ``%F``, ``%Y``,
                ``%m``, ``%d`` and ``%H``. Existing files stay; new ones get the next number.
            safe: Whether to write an apostrophe before text that a spreadsheet may take for a
                formula: text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break.

        Returns:
            The number of flows written.

        Raises:
            FileExistsError: If the file exists, unless ``overwrite`` is true.
            OSError: If a file cannot be written; see ``errno`` and ``filename``.
            ValueError: If a column is unknown, the file is one of the source's, or another
                argument has an invalid value.

        Examples:
            >>> import os, tempfile
            >>> from nfstream import NFStreamer
            >>> streamer = NFStreamer("tests/captures/redis.pcap", dissect=False)
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     streamer.to_csv(f"{folder}/flows.csv", ["src_ip", "dst_ip"])
            ...     streamer.to_csv(f"{folder}/many.csv", flows_per_file=4)
            ...     sorted(os.listdir(folder))
            6
            6
            ['flows.csv', 'many.0.csv', 'many.1.csv']
        """
        if safe not in (True, False):
            raise ValueError(f"safe must be True or False, not {safe!r}")
        return self._write(
            "csv", path, columns_to_anonymize, flows_per_file, rotate_files,
            bytes_per_file, key, timestamps, overwrite, bool(safe), partition_by,
        )  # fmt: skip

    def to_jsonl(
        self,
        path: str | os.PathLike[str],
        columns_to_anonymize: Sequence[str] = (),
        flows_per_file: int = 0,
        rotate_files: int = 0,
        *,
        bytes_per_file: int = 0,
        key: bytes | None = None,
        timestamps: bool = False,
        overwrite: bool = False,
        partition_by: str | None = None,
    ) -> int:
        """Writes all flows to a JSON Lines file, one object per flow.

        :meth:`to_csv` explains when files appear, and the arguments.

        Returns:
            The number of flows written.

        Examples:
            >>> import tempfile
            >>> from nfstream import NFStreamer
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     NFStreamer("tests/captures/redis.pcap").to_jsonl(f"{folder}/flows.jsonl")
            6
        """
        return self._write(
            "jsonl", path, columns_to_anonymize, flows_per_file, rotate_files,
            bytes_per_file, key, timestamps, overwrite, partition_by=partition_by,
        )  # fmt: skip

    def to_ipc(
        self,
        path: str | os.PathLike[str],
        columns_to_anonymize: Sequence[str] = (),
        flows_per_file: int = 0,
        rotate_files: int = 0,
        *,
        bytes_per_file: int = 0,
        key: bytes | None = None,
        timestamps: bool = False,
        overwrite: bool = False,
        partition_by: str | None = None,
    ) -> int:
        """Writes all flows to an Arrow file, also known as Feather version 2.

        The schema's metadata is that of :meth:`to_arrow`; the file's footer has the account and
        the hashes of :meth:`to_parquet`. :meth:`to_csv` explains when files appear, and the
        arguments.

        Returns:
            The number of flows written.

        Examples:
            >>> import tempfile
            >>> from nfstream import NFStreamer
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     NFStreamer("tests/captures/redis.pcap").to_ipc(f"{folder}/flows.arrow")
            6
        """
        return self._write(
            "arrow", path, columns_to_anonymize, flows_per_file, rotate_files,
            bytes_per_file, key, timestamps, overwrite, partition_by=partition_by,
        )  # fmt: skip

    def to_url(
        self,
        url: str,
        columns_to_anonymize: Sequence[str] = (),
        *,
        format: str | None = None,
        key: bytes | None = None,
        timestamps: bool = False,
    ) -> int:
        """Sends all flows to another program: a collector, a broker, a database, a web server.

        ``docs/destinations.md`` lists the URLs and their options, ``docs/deploy.md`` explains when
        flows are sent again, dropped or refused. Passwords come from the environment or a file,
        never from the URL. A destination with fields of its own, such as IPFIX, adds the groups
        that it needs to ``features``. While flows of files wait for a slow receiver, the run waits
        too; flows of a live capture are dropped and counted in a warning.

        Args:
            url: The destination, such as ``"ipfix://collector.example:4739"``.
            columns_to_anonymize: Columns to replace with hashes.
            format: Format of messages and requests, such as ``"ecs"``, if there is a choice.
            key: Key of the hashes, 1 to 64 bytes; random if not given.
            timestamps: Whether ``first_seen`` and ``last_seen`` are timestamps (UTC).

        Returns:
            The number of flows that the receiver took.

        Raises:
            ConnectionError: If the receiver cannot be reached, or does not take the flows.
            OSError: If a file of passwords or certificates cannot be read.
            ValueError: If the URL or an argument is invalid.

        Examples:
            >>> import socket
            >>> from nfstream import NFStreamer
            >>> with socket.socket(type=socket.SOCK_DGRAM) as collector:
            ...     collector.bind(("127.0.0.1", 0))
            ...     port = collector.getsockname()[1]
            ...     NFStreamer("tests/captures/redis.pcap").to_url(f"ipfix://127.0.0.1:{port}")
            6
        """
        if not isinstance(url, str):
            raise ValueError(f"url must be text, not {url!r}")
        if format is not None and not isinstance(format, str):
            raise ValueError(f"format must be the name of a format, not {format!r}")
        options, names = self._options(columns_to_anonymize, key, timestamps)
        destination = _engine.Destination(url, format)
        features, dissect = list(self._parameters["features"]), self._parameters["dissect"]
        time_unit = self._parameters["time_unit"]
        needed = destination.needed_features(features, dissect, time_unit)
        changes: dict[str, Any] = {}
        if needed is not None:
            given = {
                "columns": self._query.get("columns"),
                "columns_to_anonymize": names,
                "plugins": self._plugins or self._batch_plugins,
                "timestamps": timestamps,
            }
            for name, value in given.items():
                if value:
                    raise ValueError(
                        f"{name} cannot be used with {destination.name}, which has columns of "
                        "its own"
                    )
            changes["features"] = list(dict.fromkeys([*features, *needed]))
        if destination.counts_ip_bytes and self._parameters["accounting_mode"] == 0:
            changes["accounting_mode"] = 1
        run = self._start(changes)
        try:
            _warn_of_revealing(run, options)
            flows, messages = _engine.send_table(
                run,
                options,
                destination,
                features=features,
                dissect=dissect,
                time_unit=time_unit,
                append=appender(self._batch_plugins),
            )
        except BaseException:
            self._end(run, failed=True)
            raise
        self._end(run)
        for message in messages:
            warnings.warn(message, UserWarning, stacklevel=level_of_caller())
        return flows

    def __arrow_c_schema__(self) -> object:
        """Returns the columns as a capsule of the Arrow C data interface.

        With plugins this is a complete run; the next request for rows gets its table.
        """
        options, _ = self._options((), None, False)
        if self._plugins or self._batch_plugins:
            if self._read_ahead is None:
                self._read_ahead = self._read(options)[0]
            return self._read_ahead.__arrow_c_schema__()
        run = self._make_run([])
        try:
            return _engine.table_schema(run, options).__arrow_c_schema__()
        finally:
            run.close()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Starts a run and returns its batches as a capsule of the Arrow C stream interface."""
        options, _ = self._options((), None, False)
        if self._plugins or self._batch_plugins:
            table, self._read_ahead = self._read_ahead, None
            if table is None:
                table = self._read(options)[0]
            return table.__arrow_c_stream__(requested_schema)
        batches = _engine.read_batches(self._start(), options, self._end)
        return batches.__arrow_c_stream__(requested_schema)

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        title: str | None = None,
        flows: int = 5000,
        overwrite: bool = False,
    ) -> None:
        """Writes a report on all flows: one HTML page with charts and flows that works offline.

        The page shows the packets by fate, a time line, applications, conversations, the most
        frequent values of every column, flows with their details, encryption, slow and lossy
        connections, and DNS names that failed. Totals and charts count all flows; the largest ones,
        and those that are slow, lossy or risky, are also shown individually. The page adds the
        groups that it needs to ``features``. Values of plugins are not shown.

        Args:
            path: File to write; it appears when it is complete.
            title: Title of the page; by default the name of the capture.
            flows: Number of largest flows to show individually.
            overwrite: Whether to replace an existing file.

        Raises:
            FileExistsError: If the file exists, unless ``overwrite`` is true.
            OSError: If the file cannot be written; see ``errno`` and ``filename``.
            ValueError: If the file is one of the source's, or an argument has an invalid value.

        Examples:
            >>> import tempfile
            >>> from nfstream import NFStreamer
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     NFStreamer("tests/captures/redis.pcap").report(f"{folder}/report.html")
        """
        if not isinstance(path, (str, os.PathLike)):
            raise ValueError(f"path must be the path of a file, not {path!r}")
        if not isinstance(flows, int) or isinstance(flows, bool) or not 0 <= flows < 2**31:
            raise ValueError(f"flows must be a whole number from 0 on, not {flows!r}")
        if title is not None and not isinstance(title, str):
            raise ValueError(f"title must be text, not {title!r}")
        names = [name_of(source) for source in self._source]
        if title is None:
            bare = [os.path.basename(os.path.normpath(name)) for name in names]
            title = bare[0] if len(bare) == 1 else f"{len(bare)} captures"
        parameters = {name: value for name, value in self._parameters.items() if name != "n_meters"}
        changed = list(self._changed())
        needed = _engine.report_features(self._parameters["dissect"])
        features = dict.fromkeys([*self._parameters["features"], *needed])
        run = self._start({"features": list(features)})
        try:
            facts = (title, names, json.dumps(parameters, default=str), changed)
            messages = _engine.write_report(
                run, path, overwrite=bool(overwrite), flows=flows, facts=facts
            )
        except BaseException:
            self._end(run, failed=True)
            raise
        self._end(run)
        for message in messages:
            warnings.warn(message, UserWarning, stacklevel=level_of_caller())

    def _changed(self) -> dict[str, Any]:
        """Returns the parameters that differ from their defaults."""
        defaults = {one["name"]: one["default"] for one in _engine.parameters()}
        return {
            name: value
            for name, value in self._parameters.items()
            if value != defaults.get(name, value)
        }

    def _repr_html_(self) -> str:
        """Returns the first flows, a chart of their applications and parameters, for notebooks.

        Reads only the beginning of regular files; plugins do not run.
        """
        what = {
            "source": ", ".join(name_of(source) for source in self._source),
            **self._changed(),
            **{name: value for name, value in self._query.items() if value},
            "plugins": ", ".join(self._plugin_names()) or "none",
        }
        fold = views.fold("Source, and parameters that differ from their defaults", what)
        return f"<div><b>NFStreamer</b>{self._preview()}{fold}</div>"

    def _preview(self) -> str:
        if not all(is_regular(source) for source in self._source):
            return "<p>No preview: only regular files have one.</p>"
        try:
            run = self._make_run([])
            try:
                flows = _engine.first_flows(run, _PREVIEW_FLOWS, _PREVIEW_PACKETS)
            finally:
                run.close()
        except (OSError, ValueError) as error:
            return f"<p>The source cannot be read: {views.text(error, 400)}</p>"
        if not flows:
            packets = f"{_PREVIEW_PACKETS:,}"
            return f"<p>No flow has ended in the first packets (at most {packets} are read).</p>"
        plugins = ", without plugins" if self._plugin_names() else ""
        chart = ""
        if self._parameters["dissect"]:
            amounts = ((flow.application_name, flow.total_bytes) for flow in flows)
            chart = views.bars(f"Bytes of the first {len(flows):,} flows by application", amounts)
        return (
            f"<p>The first {min(len(flows), views.ROWS)} flows{plugins}; "
            f"only the beginning was read.</p>"
            f"{views.flow_table(flows, self._parameters['time_unit'])}{chart}"
        )

    def _options(
        self,
        columns_to_anonymize: Sequence[str],
        key: bytes | None,
        timestamps: bool,
        *,
        frame_text: bool = False,
    ) -> tuple[_engine.TableOptions, list[str]]:
        names = _names(columns_to_anonymize)
        if key is not None and not isinstance(key, (bytes, bytearray)):
            raise ValueError(f"key must be bytes, not {key!r}")
        if timestamps not in (True, False):
            raise ValueError(f"timestamps must be True or False, not {timestamps!r}")
        parameters = {name: value for name, value in self._parameters.items() if name != "n_meters"}
        parameters["plugins"] = self._plugin_names()
        if names:
            for parameter in _engine.parameters():
                if parameter["reveals"]:
                    parameters.pop(parameter["name"], None)
            parameters["columns_to_anonymize"] = names
        else:
            parameters["source"] = [name_of(source) for source in self._source]
            if self._query["where"] is not None:
                parameters["where"] = self._query["where"]
        options = _engine.TableOptions(
            timestamps=bool(timestamps),
            frame_text=frame_text,
            names=self._parameters.get("names", "nfstream"),
            columns_to_anonymize=names,
            key=None if key is None else bytes(key),
            parameters=json.dumps(parameters, default=str),
        )
        return options, names

    def _plugin_names(self) -> list[str]:
        return [plugin.name for plugin in [*self._plugins, *self._batch_plugins]]

    def _read(
        self, options: _engine.TableOptions, plugin_columns: bool = True
    ) -> tuple[Any, list[list[Any]]]:
        run = self._start()
        try:
            _warn_of_revealing(run, options)
            append = appender(self._batch_plugins)
            table = _engine.read_table(run, options, plugin_columns, append)
        except BaseException:
            self._end(run, failed=True)
            raise
        self._end(run)
        return table

    def _write(
        self,
        format: str,
        path: str | os.PathLike[str],
        columns_to_anonymize: Sequence[str],
        flows_per_file: int,
        rotate_files: int,
        bytes_per_file: int,
        key: bytes | None,
        timestamps: bool,
        overwrite: bool,
        safe: bool = False,
        partition_by: str | None = None,
    ) -> int:
        if not isinstance(path, (str, os.PathLike)):
            raise ValueError(f"path must be the path of a file, not {path!r}")
        limits = {
            "flows_per_file": flows_per_file,
            "bytes_per_file": bytes_per_file,
            "rotate_files": rotate_files,
        }
        for name, value in limits.items():
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
                raise ValueError(f"{name} must be a whole number from 0 on, not {value!r}")
        if rotate_files and not (flows_per_file or bytes_per_file or partition_by):
            raise ValueError(
                "rotate_files makes sense only with flows_per_file, bytes_per_file or partition_by"
            )
        every = 0
        if partition_by is not None:
            if partition_by not in _PARTITIONS:
                known = ", ".join(repr(name) for name in _PARTITIONS)
                raise ValueError(f"partition_by must be one of {known}, not {partition_by!r}")
            if self._plugins:
                raise ValueError("partition_by cannot be used with plugins")
            if flows_per_file or bytes_per_file or overwrite or self._query.get("sort"):
                raise ValueError(
                    "partition_by cannot be used with flows_per_file, bytes_per_file, overwrite "
                    "or sort"
                )
            every, pattern = _PARTITIONS[partition_by]
            path = _pattern(os.fspath(path), pattern, format)
        options, _ = self._options(columns_to_anonymize, key, timestamps)
        run = self._start()
        try:
            _warn_of_revealing(run, options)
            flows = _engine.write_table(
                run,
                options,
                path,
                format,
                safe=safe,
                overwrite=bool(overwrite),
                every_s=every,
                append=appender(self._batch_plugins),
                **limits,
            )
        except BaseException:
            self._end(run, failed=True)
            raise
        self._end(run)
        return flows


def _pattern(path: str, pattern: str, format: str) -> str:
    """Returns the pattern of the files in a partitioned folder; one with conversions stays."""
    if "%" in path:
        return path
    return f"{path}/{pattern}/flows.{format}"


def _warn_of_revealing(run: _engine.Run, options: _engine.TableOptions) -> None:
    """Warns about columns that can reveal hidden values of others."""
    columns = _engine.revealing_columns(run, options)
    if columns:
        warnings.warn(
            f"not anonymized, but can reveal a hidden value: {', '.join(columns)}; "
            "anonymize them too",
            UserWarning,
            stacklevel=level_of_caller(),
        )


def _names(columns: object) -> list[str]:
    given = [columns] if isinstance(columns, str) else columns
    if not isinstance(given, Iterable):
        raise ValueError(f"columns_to_anonymize must be names of columns, not {columns!r}")
    names = list(given)
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"columns_to_anonymize must be names of columns, not {name!r}")
    return names


def _missing(method: str, packages: str, extra: str) -> ImportError:
    return ImportError(f"{method} needs {packages}: pip install 'nfstream-rs[{extra}]'")
