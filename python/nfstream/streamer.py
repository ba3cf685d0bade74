"""`NFStreamer`: source, parameters, iteration and the end of runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import warnings
import weakref
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nfstream import _engine
from nfstream._engine import NFlow
from nfstream.caller import level_of_caller
from nfstream.interrupt import stopped_by_interrupt
from nfstream.plugin import NFPlugin
from nfstream.report import Reporter
from nfstream.tables import Tables

if TYPE_CHECKING:
    from types import TracebackType

Path = str | os.PathLike[str]


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
            ``"./name"`` for a file that has the name of an interface.
        snaplen: Maximum number of bytes to capture of each packet; no effect on files.
        idle_timeout: Seconds without a packet after which a flow ends.
        active_timeout: Maximum age of a flow in seconds; a longer flow is cut into slices.
        plugins: Features of your own: instances of classes derived from :class:`NFPlugin`.
        dissect: Whether flows are labelled with their application.
        max_tcp_dissections: Maximum number of packets of a TCP flow that the dissector inspects.
        max_udp_dissections: Maximum number of packets of a UDP flow that the dissector inspects.
        dissector: Dissector that finds the labels: ``"auto"``, the one in Rust first and nDPI for
            the flows that it does not know; ``"native"``, the dissector in Rust; ``"ndpi"``,
            nDPI. ``None`` is ``"auto"`` where nfstream is linked with libndpi, as a build from
            source is, otherwise ``"native"``.
        rules: TOML file of rules that map domains, addresses, ports, JA4 fingerprints and
            certificate names to applications. They take precedence over everything built in, and
            need the dissector ``"native"`` or ``"auto"``. ``docs/cookbook.md`` has an example.
        order: Order of several files. ``"time"``: by packet time; files that overlap are
            merged, and a file with several names is read once. ``"given"``: one after
            the other, as listed.
        strict_files: Whether to refuse files that are damaged, truncated, empty or not captures.
            By default the flows of everything readable are returned, and a warning says what is
            missing; only a source without any capture is refused.
        large_windows: Whether to decompress zstd and xz files that need more than 128 MiB of memory
            for it, up to 2 GiB each.
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
        max_nflows: End the run after this number of flows; 0 for no limit.
        max_active_flows: Maximum number of active flows; beyond it, a new flow evicts the one that
            has been silent the longest; 0 for no limit.
        max_active_bytes: Maximum number of bytes that active flows hold for labels, texts and
            lists of packets, in addition to a fixed size for each; beyond it, the flows
            that have been silent the longest are evicted; 0 for no limit.
        track_tcp: Whether flows end when their TCP connection closes.
        time_unit: Unit of times in the table: ``"ms"``, ``"us"`` or ``"ns"``.
        features: Column groups to add to the base columns: a name, a list of names, or
            ``"all"``; ``docs/columns.md`` explains them.
        n_meters: Threads that meter flows; 0 for one per processor. The flows are the same for any
            number, unless some are evicted: each meter has an equal share of
            ``max_active_flows`` and ``max_active_bytes``. With plugins there is always one.
        promiscuous_mode: Whether to also capture packets addressed to other machines; no effect on
            ``"any"``.
        socket_buffer_size: Size in bytes of the kernel buffer for packets that have not been read.
        duration: Seconds after which a live run ends, ``None`` for no limit.
        system_visibility_mode: 1 to add columns with the local process of each flow (Linux):
            ``system_process_pid`` and ``system_process_name``.
        system_visibility_poll_ms: Milliseconds between two polls of the local sockets.
        performance_report: Seconds between two reports of counts and rates on standard error; 0
            for none.

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
        source: Path | Sequence[Path] | None = None,
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
        max_nflows: int = 0,
        max_active_flows: int = 4_000_000,
        max_active_bytes: int = 2**30,
        track_tcp: bool = False,
        time_unit: str = "ms",
        features: str | Iterable[str] = (),
        n_meters: int = 0,
        promiscuous_mode: bool = True,
        socket_buffer_size: int = 64 * 2**20,
        duration: float | None = None,
        system_visibility_mode: int = 0,
        system_visibility_poll_ms: int = 100,
        performance_report: float = 0,
    ) -> None:
        self._source = _source(source)
        self._plugins = _plugins(plugins)
        self._parameters: dict[str, Any] = _engine.check_parameters(
            {
                "snaplen": snaplen,
                "idle_timeout": idle_timeout,
                "active_timeout": active_timeout,
                "dissect": dissect,
                "dissector": _default("dissector") if dissector is None else dissector,
                "rules": os.fspath(rules) if isinstance(rules, os.PathLike) else rules,
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
                "max_nflows": max_nflows,
                "max_active_flows": max_active_flows,
                "max_active_bytes": max_active_bytes,
                "track_tcp": track_tcp,
                "time_unit": time_unit,
                "features": features,
                "n_meters": n_meters,
                "promiscuous_mode": promiscuous_mode,
                "socket_buffer_size": socket_buffer_size,
                "duration": duration,
                "system_visibility_mode": system_visibility_mode,
                "system_visibility_poll_ms": system_visibility_poll_ms,
                "performance_report": performance_report,
            }
        )
        # `features` has its groups now.
        del self._parameters["statistical_analysis"]
        self._report_interval: float = self._parameters.pop("performance_report")
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
        if name in ("source", "plugins") or any(one["name"] == name for one in _PARAMETERS):
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

    def stats(self) -> Stats:
        """Returns the counts of the last run; during a run, the counts so far."""
        return Stats() if self._run is None else Stats(**self._run.stats())

    def __repr__(self) -> str:
        """Returns the call that makes this streamer."""
        source = self._source[0] if len(self._source) == 1 else self._source
        parameters = {"source": source, **self._parameters}
        if self._plugins:
            parameters["plugins"] = [plugin.name for plugin in self._plugins]
        return f"NFStreamer({', '.join(f'{k}={v!r}' for k, v in parameters.items())})"

    def _start(self) -> _engine.Run:
        run = self._run = self._make_run(self._plugins)
        ending = self._endings[run] = contextlib.ExitStack()
        ending.enter_context(stopped_by_interrupt(run))
        if self._report_interval > 0:
            ending.callback(Reporter(self._report_interval, run.stats).end)
        return run

    def _make_run(self, plugins: Sequence[NFPlugin]) -> _engine.Run:
        return _engine.Run(self._source, plugins=plugins, plugin_base=NFPlugin, **self._parameters)

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
        for plugin in self._plugins:
            try:
                plugin.cleanup()
            except Exception as error:
                errors.append(error)
        for message in run.take_warnings():
            warnings.warn(message, UserWarning, stacklevel=level_of_caller())
        if errors and not failed:
            raise errors[0]


def _source(source: object) -> list[str]:
    paths = [source] if isinstance(source, (str, os.PathLike)) else source
    if not isinstance(paths, (list, tuple)) or not paths:
        raise ValueError(
            "source must be the path of a capture file, a list of such paths, or '-' for "
            f"standard input, not {source!r}"
        )
    for path in paths:
        if not isinstance(path, (str, os.PathLike)):
            raise ValueError(f"source must hold paths of capture files, not {path!r}")
    return [os.fspath(path) for path in paths]


def _plugins(plugins: object) -> list[NFPlugin]:
    given = [plugins] if isinstance(plugins, NFPlugin) else plugins
    if not isinstance(given, Iterable):
        raise ValueError(f"plugins must be NFPlugin instances, not {plugins!r}")
    owners = dict.fromkeys(dir(NFlow), "a method")
    owners |= dict.fromkeys(_engine.column_names(), "a column")
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
