"""`NFStreamer`: source, parameters, iteration and the end of runs."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import os
import warnings
import weakref
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from nfstream import _engine, progress, views
from nfstream._engine import NFlow
from nfstream.batch import has_batches
from nfstream.caller import level_of_caller
from nfstream.interrupt import stopped_by_interrupt
from nfstream.measure import Expression, _texts
from nfstream.performance_report import PerformanceReport
from nfstream.plugin import NFPlugin
from nfstream.source import Path, Source, name_of, sources
from nfstream.tables import Tables, _missing

if TYPE_CHECKING:
    from types import TracebackType

    import pyarrow as pa

_V6 = {
    "n_dissections": "max_tcp_dissections and max_udp_dissections",
    "udps": "plugins",
}

_MEANT = {
    "bpf": "bpf_filter",
    "file": "source",
    "filename": "source",
    "iface": "source",
    "interface": "source",
    "path": "source",
    "pcap": "source",
    "promisc": "promiscuous_mode",
    "threads": "n_meters",
    "timeout": "idle_timeout",
    "workers": "n_meters",
}
"""Other words for parameters."""

_OF_METHODS = {
    "columns_to_anonymize": "to_pandas, to_csv and the other methods that write tables",
    "format": "to_csv, to_parquet and the other methods that write tables",
    "output": "to_csv, to_parquet and the other methods that write tables",
}
"""Arguments that methods have."""


@dataclass(frozen=True)
class Stats:
    """Counts of a run: ``packets == flow_packets + sum(ignored.values())``.

    When a live run has ended, ``received == packets + dropped_by_kernel``.

    Attributes:
        packets: Packets read from the source.
        flow_packets: Packets that belong to flows.
        ignored: Packets that belong to no flow, by reason.
        late_packets: Packets older than the last packet of their flow.
        flows: Flows that have ended.
        evicted_flows: Flows that ended to make room for others.
        active_flows: Flows that have not ended yet.
        damaged_files: Files that could not be read to their end; a warning says why.
        received: Packets that the kernel got from interfaces and that matched the filter; 0 for
            files.
        dropped_by_kernel: Received packets that did not fit into the buffer.
        dropped_by_interface: Packets that the interfaces dropped before that.
    """

    packets: int = 0
    flow_packets: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    late_packets: int = 0
    flows: int = 0
    evicted_flows: int = 0
    active_flows: int = 0
    damaged_files: int = 0
    received: int = 0
    dropped_by_kernel: int = 0
    dropped_by_interface: int = 0

    def _repr_html_(self) -> str:
        """Returns the counts and a bar of packets by fate, for notebooks."""
        return views.counts(asdict(self))


_PARAMETERS = _engine.parameters()


def _default(name: str) -> Any:
    """Returns the engine's default of a parameter."""
    return next(one["default"] for one in _PARAMETERS if one["name"] == name)


class NFStreamer(Tables):
    """Reads packets and returns their flows.

    You can iterate over a streamer several times: each iteration is a separate run, from the first
    packet of the source. A process that is forked during a run can start new runs. ``async for``
    does not block the event loop.

    A live run ends with ``stop()``, Ctrl-C, SIGTERM, ``duration``, ``max_nflows``, a ``break`` out
    of the loop or the end of a ``with`` block. Packets captured by then still go into flows, and
    all flows end: a loop that continues gets them, and plugins always get ``on_expire``. Ctrl-C
    during a run over interfaces or pipes acts like ``stop()``, so the loop gets the last flows and
    ends; a second one raises ``KeyboardInterrupt`` at once. SIGTERM and SIGHUP do the same, and a
    second one ends the program. Handlers that you have installed for these signals stay in place.

    Args:
        source: A capture file (pcap or pcapng, plain or with gzip, zstd, xz, bzip2, lz4), a
            folder of them, a list of both read as one capture, or ``"-"`` for standard input; or
            the name of a network interface, a list of names, or ``"any"`` for all. Write
            ``"./name"`` for a file that has the name of an interface. Patterns such as
            ``"day/*.pcap"`` stand for several files. URLs such as ``"s3://bucket/folder/"`` and
            ``"https://host/a.pcap"`` are read where they are. ``bytes``, ``io.BytesIO`` and file
            objects in binary mode are captures too; one without positions, such as a socket's, can
            be read once.
        snaplen: Maximum number of bytes to capture of each packet; no effect on files.
        idle_timeout: Seconds without a packet after which a flow ends.
        active_timeout: Maximum age of a flow in seconds; a longer flow is cut into slices.
        plugins: Features of your own: instances of classes derived from :class:`NFPlugin`.
        dissect: Whether flows are labelled with their application.
        max_tcp_dissections: Maximum number of packets of a TCP flow that the dissector inspects.
        max_udp_dissections: Maximum number of packets of a UDP flow that the dissector inspects.
        dissector: Dissector that labels flows: ``"auto"``, the one in Rust first and nDPI for the
            flows that it leaves unknown; ``"native"``, the dissector in Rust; ``"ndpi"``,
            nDPI. ``None`` is ``"auto"`` where nfstream is linked with libndpi, as a build from
            source is, otherwise ``"native"``.
        rules: TOML file of rules that map domains, addresses, ports, JA4 fingerprints and
            certificate names to applications. They take precedence over everything built in, and
            need the dissector ``"native"`` or ``"auto"``. ``docs/cookbook.md`` has an example.
        geoip: Databases in MaxMind's format (``.mmdb``) with countries or autonomous systems: a
            path or several. They add the columns of the group ``geoip``.
        order: Order of several files. ``"time"``: by packet time; files that overlap are
            merged, and a file with several names is read once. ``"given"``: one after
            the other, as listed.
        strict_files: Whether to refuse files that are damaged, truncated, empty or not captures.
            By default the flows of everything readable are returned, and a warning says what is
            missing; only a source without any capture is refused.
        large_windows: Whether to decompress zstd and xz files that need more than 128 MiB of
            memory, up to 2 GiB each.
        bpf_filter: libpcap filter; only packets that match are metered. Other packets of a
            file are ignored as ``filtered``; on interfaces the kernel drops them.
        decode_tunnels: Whether to meter the packets inside GTP-U, CAPWAP, TZSP, VXLAN, Geneve, GRE
            (also ERSPAN and NVGRE), L2TP, Teredo, MPLS, EtherIP, GUE and LISP instead of the outer
            packets. IP in IP is always decoded.
        key: Properties that separate flows besides addresses, ports and protocol: ``"network"``
            (VLANs and tunnels), ``"vlans"``, ``"tunnels"`` or ``"endpoints"`` (neither).
        deduplicate: Remove exact duplicates, such as mirror ports produce, up to this many seconds
            after the first copy: the same bytes from the IP header on, in the same tunnel; VLAN
            tags may differ. They count as ignored packets. ``None`` keeps all packets.
        accounting_mode: Bytes that count as the size of a packet: 0 the frame, 1 the IP packet, 2
            the IP payload, 3 the transport payload.
        statistical_analysis: Shorthand for the features ``"statistics"`` and ``"tcp_flags"``.
        splt_analysis: Number of first packets listed with direction, size and inter-arrival time,
            in the columns of the feature ``"splt"``.
        packet_bytes: Numbers of packets and bytes to keep in the column ``packet_bytes``:
            ``(8, 128)`` for the first 128 bytes of each of the first 8 packets, from the IP header
            on. Addresses, ports and checksums are zeros; the feature ``"raw_packet_bytes"`` keeps
            them. At most 65536 bytes for each flow.
        max_nflows: End the run after this number of flows; 0 for no limit.
        max_active_flows: Maximum number of active flows; beyond it, a new flow evicts the one that
            has been silent the longest; 0 for no limit.
        max_active_bytes: Maximum number of bytes that active flows hold for labels, texts and
            lists of packets, in addition to a fixed size for each; beyond it, the flows
            that have been silent the longest are evicted; 0 for no limit.
        early_packets: Return an early record of each flow after this number of packets, and the
            final one when the flow ends; 0 for none. The column ``record_kind`` tells them apart.
            With plugins, an early record has copies of their values (``copy.deepcopy``), and
            ``on_expire`` is not called for it.
        early_seconds: Return an early record of each flow with the packets of its first seconds,
            when its next packet arrives; 0 for none. If both are set, the limit reached first
            applies.
        early_only: Return one record for each flow: the early one, or the final one if the flow
            ends first.
        update_every: Seconds of a flow's life between two records of its packets so far, each
            returned when its next packet arrives; 0 for none.
        track_tcp: Whether flows end when their TCP connection closes.
        time_unit: Unit of times in the table: ``"ms"``, ``"us"`` or ``"ns"``.
        features: Column groups to add to the base columns: a name, a list of names, or
            ``"all"``; ``docs/columns.md`` explains them.
        names: Headings of the columns in tables: ``"nfstream"``, or ``"cic"``, those of
            CICFlowMeter for the columns that it has. Attributes of flows and the names in other
            parameters stay those of nfstream.
        measure: Columns of your own, computed in the engine: a dictionary of names and
            expressions over :data:`nfstream.pkt` and :data:`nfstream.flow`, or their text.
            ``docs/measures.md`` explains them.
        model: ONNX model that scores each flow, or a dictionary of names and models. The columns
            of its results are ``model_label`` and ``model_score``, or ``model_score_<class>``; a
            name replaces ``model``. ``docs/models.md`` explains the files. Needs a build with the
            feature ``models``.
        model_columns: Columns of the values that the model takes, in order, if its file does not
            name them.
        n_meters: Threads that meter flows; 0 for one per processor. The flows are the same for any
            number, unless some are evicted: each meter has an equal share of
            ``max_active_flows`` and ``max_active_bytes``. Plugins need one, except those with
            ``on_batch``.
        promiscuous_mode: Whether to also capture packets addressed to other machines; no effect on
            ``"any"``.
        socket_buffer_size: Size in bytes of the kernel buffer for packets that have not been read.
        rings: Rings among which the kernel divides the packets of an interface (Linux), each read
            by a thread; for interfaces that are too fast for one.
        duration: Seconds after which a live run ends, ``None`` for no limit.
        system_visibility_mode: 1 to add columns with the local process of each flow (Linux):
            ``system_process_pid`` and ``system_process_name``.
        system_visibility_poll_ms: Milliseconds between two polls of the local sockets.
        performance_report: Seconds between two reports of counts and rates on standard error; 0
            for none.
        where: Condition on columns, such as ``"dst_port == 443 && total_bytes > 1000"``; only flows
            for which it is true are returned. ``docs/cli.md`` describes the language.
        columns: Names of the columns of tables, in this order, as a list or separated by commas;
            flows have the columns of all features, and those named here.
        limit: Maximum number of flows; reading stops once they are complete.
        sort: Column by which flows are sorted, in descending order with ``":desc"``, as in
            ``"total_bytes:desc"``. Keeps all flows in memory, or as many as ``limit`` allows.
        separate: Whether to meter each capture separately, and add its name as the column and
            attribute ``source``; ``where`` can use it as well. Plugins are not possible then.

    Raises:
        FileNotFoundError: If there is no such file or interface.
        PermissionError: If the process may not read a file or capture packets.
        ValueError: If no file is a capture, or a parameter has an invalid value; with
            ``strict_files`` if any file is not.

    Examples:
        >>> from nfstream import NFStreamer
        >>> streamer = NFStreamer(source="tests/captures/redis.pcap")
        >>> streamer.to_pandas()["application_name"].unique().tolist()
        ['RESP']
        >>> streamer.stats().packets
        83
    """

    def __init__(
        self,
        source: Source | Sequence[Source] | None = None,
        snaplen: int = 65535,
        idle_timeout: float = 30,
        active_timeout: float = 300,
        plugins: NFPlugin | Iterable[NFPlugin] = (),
        dissect: bool = True,
        max_tcp_dissections: int = 10,
        max_udp_dissections: int = 16,
        *,
        dissector: str | None = None,
        rules: Path | None = None,
        geoip: Path | Iterable[Path] = (),
        order: str = "time",
        strict_files: bool = False,
        large_windows: bool = False,
        bpf_filter: str | None = None,
        decode_tunnels: bool = True,
        key: str = "network",
        deduplicate: float | None = None,
        accounting_mode: int = 0,
        statistical_analysis: bool = False,
        splt_analysis: int = 0,
        packet_bytes: tuple[int, int] | str | None = None,
        max_nflows: int = 0,
        max_active_flows: int = 4_000_000,
        max_active_bytes: int = 2**30,
        early_packets: int = 0,
        early_seconds: float = 0,
        early_only: bool = False,
        update_every: float = 0,
        track_tcp: bool = False,
        time_unit: str = "ms",
        features: str | Iterable[str] = (),
        names: str = "nfstream",
        measure: Mapping[str, Expression | str] | None = None,
        model: Path | Mapping[str, Path] | None = None,
        model_columns: Iterable[str] = (),
        n_meters: int = 0,
        promiscuous_mode: bool = True,
        socket_buffer_size: int = 64 * 2**20,
        rings: int = 1,
        duration: float | None = None,
        system_visibility_mode: int = 0,
        system_visibility_poll_ms: int = 100,
        performance_report: float = 0,
        where: str | None = None,
        columns: str | Sequence[str] | None = None,
        limit: int | None = None,
        sort: str | None = None,
        separate: bool = False,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise TypeError(_advice(next(iter(unknown))))
        self._source = sources(source)
        measures = {} if measure is None else _texts(measure)
        checked = _plugins(plugins, measures)
        self._plugins = [plugin for plugin in checked if not has_batches(plugin)]
        self._batch_plugins = [plugin for plugin in checked if has_batches(plugin)]
        self._parameters: dict[str, Any] = _engine.check_parameters(
            {
                "snaplen": snaplen,
                "idle_timeout": idle_timeout,
                "active_timeout": active_timeout,
                "dissect": dissect,
                "dissector": _default("dissector") if dissector is None else dissector,
                "rules": os.fspath(rules) if isinstance(rules, os.PathLike) else rules,
                "geoip": _paths(geoip),
                "max_tcp_dissections": max_tcp_dissections,
                "max_udp_dissections": max_udp_dissections,
                "order": order,
                "strict_files": strict_files,
                "large_windows": large_windows,
                "bpf_filter": bpf_filter,
                "decode_tunnels": decode_tunnels,
                "key": key,
                "deduplicate": deduplicate,
                "accounting_mode": accounting_mode,
                "statistical_analysis": statistical_analysis,
                "splt_analysis": splt_analysis,
                "packet_bytes": packet_bytes,
                "max_nflows": max_nflows,
                "max_active_flows": max_active_flows,
                "max_active_bytes": max_active_bytes,
                "early_packets": early_packets,
                "early_seconds": early_seconds,
                "early_only": early_only,
                "update_every": update_every,
                "track_tcp": track_tcp,
                "time_unit": time_unit,
                "features": features,
                "names": names,
                "measure": measures or None,
                "model": _models(model),
                "model_columns": _names("model_columns", model_columns),
                "n_meters": n_meters,
                "promiscuous_mode": promiscuous_mode,
                "socket_buffer_size": socket_buffer_size,
                "rings": rings,
                "duration": duration,
                "system_visibility_mode": system_visibility_mode,
                "system_visibility_poll_ms": system_visibility_poll_ms,
                "performance_report": performance_report,
            }
        )
        taken = _engine.score_columns(self._parameters)
        for plugin in checked:
            if plugin.name in taken:
                raise ValueError(
                    f"plugins must have unique names: {plugin.name!r} is the column of a model"
                )
        self._query = _checked_query(where, columns, limit, sort, separate)
        if separate:
            if self._plugins:
                raise ValueError("separate=True has no plugins: read each capture on its own")
            self._parameters["order"] = "given"
        # `features` has its groups now.
        del self._parameters["statistical_analysis"]
        self._report_interval: float = self._parameters.pop("performance_report")
        self._make_query()
        files = {
            name: self._parameters[name] for name in ("order", "strict_files", "large_windows")
        }
        self._is_live = _engine.check_source(self._source, files)
        if duration is not None and not self._is_live:
            raise ValueError("duration is for network interfaces; leave it out for files")
        if system_visibility_mode and not self._is_live:
            raise ValueError(
                "system_visibility_mode is for network interfaces: "
                "a capture file does not record processes"
            )
        self._begin()

    def _begin(self) -> None:
        """Sets the state of a streamer without runs."""
        self._run: _engine.Run | None = None
        self._loops: weakref.WeakSet[Generator[NFlow, None, None]] = weakref.WeakSet()
        # Clean-up at the end of each run.
        self._endings: dict[_engine.Run, contextlib.ExitStack] = {}

    def __iter__(self) -> Iterator[NFlow]:
        """Reads the source and yields each flow when it ends."""
        loop = self._flows()
        self._loops.add(loop)
        return loop

    async def __aiter__(self) -> AsyncIterator[NFlow]:
        """Reads the source and yields each flow when it ends; does not block the event loop."""
        in_thread = asyncio.get_running_loop().run_in_executor
        run = await in_thread(None, self._start)
        reading: asyncio.Future[list[NFlow]] | None = None
        try:
            while True:
                reading = in_thread(None, run.read_flows)
                # Cancelling ends only the waiting; the code below waits for the thread.
                flows = await asyncio.shield(reading)
                if not flows:
                    break
                for flow in flows:
                    yield flow
        except BaseException as error:
            run.stop()
            if reading is not None:
                await asyncio.wait([reading])
            failed = not isinstance(error, (GeneratorExit, asyncio.CancelledError))
            await in_thread(None, lambda: self._end(run, failed=failed))
            raise
        await in_thread(None, self._end, run)

    def __setattr__(self, name: str, value: object) -> None:
        """Sets an attribute other than a parameter; parameters are set at construction."""
        ours = ("source", "plugins", "where", "columns", "limit", "sort", "separate")
        if name in ours or any(one["name"] == name for one in _PARAMETERS):
            raise AttributeError(
                f"{name!r} cannot be set on a streamer: create another one, "
                f"NFStreamer(…, {name}={value!r})"
            )
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        """Returns what a copy needs; it has no run and begins with empty counts.

        Raises:
            TypeError: If a run is in progress.
        """
        if self._endings:
            raise TypeError("a streamer with a run in progress cannot be copied or pickled")
        of_runs = ("_run", "_loops", "_endings", "_read_ahead")
        return {name: value for name, value in self.__dict__.items() if name not in of_runs}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restores a copy."""
        self.__dict__.update(state)
        self._begin()

    def __enter__(self) -> NFStreamer:
        """Returns the streamer, which stops at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops the current run, and ends unfinished loops."""
        self.stop()
        for loop in list(self._loops):
            # A loop that is running in another thread gets the last flows there.
            with contextlib.suppress(ValueError):
                loop.close()

    def stop(self) -> None:
        """Ends the current run without loss. Any thread may call it.

        Packets captured so far still go into flows, and all flows end. The loop over the run gets
        them and then ends. Without a run nothing happens.
        """
        if self._run is not None:
            self._run.stop()

    def _flows(self) -> Generator[NFlow, None, None]:
        run = self._start()
        try:
            # `yield from` would close the run on leaving the loop, before it is drained.
            for flow in run:  # noqa: UP028
                yield flow
        except BaseException as error:
            self._end(run, failed=not isinstance(error, GeneratorExit))
            raise
        self._end(run)

    def extract(
        self,
        path: Path,
        where: str | None = None,
        *,
        ids: Iterable[int] = (),
        community_ids: Iterable[str] = (),
        rows: Path | None = None,
        split: bool = False,
        overwrite: bool = False,
    ) -> tuple[int, int]:
        """Writes the packets of selected flows, unchanged, to a pcapng file.

        The source is read twice: once to find the flows, and once to write their packets, with
        the number, the label and the name of the flow as comments. Memory depends on the number of
        flows, not on their packets. Plugins do not run.

        Args:
            path: File to write.
            where: Condition on columns, in addition to that of the streamer.
            ids: Numbers of flows, as in the column ``id``.
            community_ids: Community IDs of flows.
            rows: Table from the same captures whose flows to select; the parameters of its run
                replace those of the streamer, if the table records them.
            split: Whether to write a file for each flow, with its number before the extension.
            overwrite: Whether to replace existing files.

        Returns:
            The number of packets and the number of flows.

        Raises:
            FileExistsError: If the file exists, unless ``overwrite`` is true.
            OSError: If a file cannot be read or written.
            ValueError: If the source can be read only once, or an argument has an invalid value.

        Examples:
            >>> import tempfile
            >>> from nfstream import NFStreamer
            >>> streamer = NFStreamer("tests/captures/redis.pcap")
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     streamer.extract(f"{folder}/flows.pcapng", where="id == 0")
            (10, 1)
        """
        both = [text for text in (self._query["where"], where) if text is not None]
        query = _checked_query(where, None, None, None, False)
        query["where"] = " && ".join(f"({text})" for text in both) if both else None
        packets, flows, messages = _engine.extract(
            self._source,
            os.fspath(path),
            query=_engine.Query(**query, parameters=self._parameters),
            parameters=self._parameters,
            ids=list(ids),
            community_ids=[community_ids]
            if isinstance(community_ids, str)
            else list(community_ids),
            rows=None if rows is None else os.fspath(rows),
            split=bool(split),
            overwrite=bool(overwrite),
        )
        for message in messages:
            warnings.warn(message, UserWarning, stacklevel=level_of_caller())
        return packets, flows

    def stats(self) -> Stats:
        """Returns the counts of the last run; during a run, the counts so far."""
        return Stats() if self._run is None else Stats(**self._run.stats())

    def active(self, *, timestamps: bool = False) -> pa.Table:
        """Returns the flows that have not ended yet, as a pyarrow table.

        A row is the one that the flow would have if the source ended now, so it has the columns of
        :meth:`to_arrow`, apart from those of plugins; ``where``, ``columns``, ``sort`` and
        ``limit`` select as usual. Any thread may call it, also in a loop over the streamer, but a
        plugin must not, nor may it wait for a thread that calls it: both would wait forever.
        Packets that are still on their way through the engine are not counted yet.

        Without a call nothing is kept for it, and the run does not become slower. A call lets the
        engine continue between groups of flows, so a live capture loses no packets to it.

        Args:
            timestamps: Whether ``first_seen`` and ``last_seen`` are timestamps (UTC).

        Returns:
            A table with the active flows of the last run, without rows if it has ended.

        Raises:
            ImportError: If pyarrow is not installed.
            RuntimeError: If no run has begun, in a plugin, and in a process that was forked during
                the run.

        Examples:
            >>> from nfstream import NFStreamer
            >>> streamer = NFStreamer("tests/captures/redis.pcap", columns=["id", "total_packets"])
            >>> loop = iter(streamer)
            >>> flow = next(loop)  # the capture is read, and its flows end
            >>> streamer.active().num_rows
            0
            >>> loop.close()
        """
        try:
            import pyarrow as pa
        except ImportError as error:
            raise _missing("active()", "pyarrow", "arrow") from error

        if self._run is None:
            raise RuntimeError("no run has begun: start a loop over the streamer first")
        options, _ = self._options((), None, timestamps)
        return pa.table(_engine.active_table(self._run, options))

    def __repr__(self) -> str:
        """Returns the call that makes this streamer."""
        names = [name_of(source) for source in self._source]
        parameters = {"source": names[0] if len(names) == 1 else names, **self._parameters}
        parameters |= {name: value for name, value in self._query.items() if value}
        plugins = [*self._plugins, *self._batch_plugins]
        if plugins:
            parameters["plugins"] = [plugin.name for plugin in plugins]
        return f"NFStreamer({', '.join(f'{k}={v!r}' for k, v in parameters.items())})"

    def _start(self, changes: Mapping[str, Any] | None = None) -> _engine.Run:
        run = self._run = self._make_run(self._plugins, changes)
        ending = self._endings[run] = contextlib.ExitStack()
        ending.enter_context(stopped_by_interrupt(run))
        if not run.is_stream and (bar := progress.start(run.progress)) is not None:
            ending.callback(bar.end)
        if self._report_interval > 0:
            ending.callback(PerformanceReport(self._report_interval, run.stats).end)
        return run

    def _make_run(
        self, plugins: Sequence[NFPlugin], changes: Mapping[str, Any] | None = None
    ) -> _engine.Run:
        """Returns a run with the streamer's parameters and `changes` of them."""
        parameters = {**self._parameters, **(changes or {})}
        return _engine.Run(
            self._source,
            plugins=plugins,
            plugin_base=NFPlugin,
            query=self._make_query(),
            **parameters,
        )

    def _make_query(self) -> _engine.Query | None:
        """Returns the selection of flows and columns, ``None`` for all."""
        if not any(value is not None and value is not False for value in self._query.values()):
            return None
        return _engine.Query(**self._query, parameters=self._parameters)

    def _end(self, run: _engine.Run, *, failed: bool = False) -> None:
        """Ends a run, and cleans up after it.

        If the run has failed, the caller gets that error and not one from cleaning up. In a
        process that was forked during the run, the parent cleans up.
        """
        if run.is_of_parent:
            run.close()
            return
        try:
            if run.is_live:
                run.stop()
                while run.read_flows():
                    pass
        finally:
            run.close()
            self._endings.pop(run).close()
        errors = []
        for plugin in [*self._plugins, *self._batch_plugins]:
            try:
                plugin.cleanup()
            except Exception as error:
                errors.append(error)
        for message in run.take_warnings():
            warnings.warn(message, UserWarning, stacklevel=level_of_caller())
        if errors and not failed:
            raise errors[0]


def _checked_query(
    where: object, columns: object, limit: object, sort: object, separate: object
) -> dict[str, Any]:
    """Returns the arguments of a query; the engine checks names and expressions."""
    for name, text in (("where", where), ("sort", sort)):
        if text is not None and not isinstance(text, str):
            raise ValueError(f"{name} must be text, not {text!r}")
    if isinstance(columns, str):
        # As in the command.
        columns = columns.split(",")
    if columns is not None:
        if not isinstance(columns, Iterable):
            raise ValueError(f"columns must be names of columns, not {columns!r}")
        columns = list(columns)
        if not columns or not all(isinstance(name, str) for name in columns):
            raise ValueError(f"columns must be names of columns, not {columns!r}")
    if limit is not None and (
        not isinstance(limit, int) or isinstance(limit, bool) or not 0 <= limit < 2**63
    ):
        raise ValueError(f"limit must be a whole number from 0 on, not {limit!r}")
    if separate not in (True, False):
        raise ValueError(f"separate must be True or False, not {separate!r}")
    return {
        "where": where,
        "columns": columns,
        "limit": limit,
        "sort": sort,
        "separate": bool(separate),
    }


def _advice(name: str) -> str:
    """Returns the message for a keyword that is no parameter."""
    message = f"NFStreamer has no parameter {name!r}"
    if name in _V6:
        return f"{message}; use {_V6[name]}, or nfstream.v6 for the interface of nfstream 6"
    if name in _MEANT:
        return f"{message}; did you mean {_MEANT[name]!r}?"
    if name in _OF_METHODS:
        return f"{message}; use {_OF_METHODS[name]}"
    ours = ["source", "plugins", "where", "columns", "limit", "sort", "separate"]
    ours += [one["name"] for one in _PARAMETERS]
    near = difflib.get_close_matches(name, ours, 1)
    return f"{message}; did you mean {near[0]!r}?" if near else message


def _paths(files: object) -> object:
    """Returns paths as text. The engine refuses what is neither a path nor several."""
    if isinstance(files, (str, os.PathLike)):
        return [os.fspath(files)]
    if not isinstance(files, Iterable):
        return files
    return [os.fspath(file) if isinstance(file, os.PathLike) else file for file in files]


def _models(models: object) -> object:
    """Returns names and paths as text. The engine refuses what is neither a path nor several."""
    if isinstance(models, (str, os.PathLike)):
        return {"model": os.fspath(models)}
    if not isinstance(models, Mapping):
        return models
    return {
        name: os.fspath(path) if isinstance(path, os.PathLike) else path
        for name, path in models.items()
    }


def _names(parameter: str, names: object) -> object:
    """Returns a list of names."""
    if isinstance(names, str):
        raise ValueError(f"{parameter} must be a list of names of columns, not {names!r}")
    if not isinstance(names, Iterable):
        return names
    return list(names)


def _plugins(plugins: object, measures: Iterable[str]) -> list[NFPlugin]:
    given = [plugins] if isinstance(plugins, NFPlugin) else plugins
    if not isinstance(given, Iterable):
        raise ValueError(f"plugins must be NFPlugin instances, not {plugins!r}")
    owners = dict.fromkeys(dir(NFlow), "a method")
    for name in measures:
        if name in owners:
            raise ValueError(f"name of a measure: {name!r} is a method's")
    owners |= dict.fromkeys(_engine.column_names(), "a column")
    owners |= dict.fromkeys(measures, "a measure")
    checked: list[NFPlugin] = []
    for plugin in given:
        if isinstance(plugin, type) and issubclass(plugin, NFPlugin):
            raise ValueError(
                f"plugins must be NFPlugin instances: write {plugin.__name__}(), "
                f"not {plugin.__name__}"
            )
        if not isinstance(plugin, NFPlugin):
            raise ValueError(f"plugins must be NFPlugin instances, not {plugin!r}")
        if plugin.name in owners:
            raise ValueError(
                f"plugins must have unique names: {plugin.name!r} is {owners[plugin.name]}'s"
            )
        owners[plugin.name] = "another plugin"
        checked.append(plugin)
    return checked
