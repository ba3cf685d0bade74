"""The streamer of nfstream 6: its parameters, columns and files on this package's engine."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from nfstream import _engine
from nfstream import streamer as engine
from nfstream._engine import NFlow
from nfstream.v6 import parameters as p
from nfstream.v6.plugin import NFPlugin

if TYPE_CHECKING:
    import pandas as pd

Path = str | os.PathLike[str]


class NFStreamer:
    """Reads packets and returns their flows, as nfstream 6 does.

    Args:
        source: A capture file, a list of files read as one capture, or a network interface.
        decode_tunnels: Whether to meter the packets inside GTP, CAPWAP and TZSP instead of the
            outer packets; without ``strict`` also those inside further tunnels.
        bpf_filter: libpcap filter; only packets that match are metered.
        promiscuous_mode: Whether to capture packets to other machines, too.
        snapshot_length: Bytes captured of each packet.
        socket_buffer_size: Bytes of the capture buffer, 0 for the default.
        idle_timeout: Seconds without a packet after which a flow ends.
        active_timeout: Seconds after which a flow ends and another one starts.
        accounting_mode: Bytes that count as the size of a packet: 0 the frame, 1 the IP packet, 2
            the IP payload, 3 the transport payload.
        udps: Plugins.
        n_dissections: Maximum number of packets of a flow that nDPI inspects; 0 to run without
            nDPI.
        statistical_analysis: Whether to add columns of statistics and TCP flags.
        splt_analysis: Number of first packets listed with direction, size and inter-arrival time.
        n_meters: Accepted, without effect: one meter is enough.
        max_nflows: End the run after this number of flows; 0 for no limit.
        performance_report: Seconds between two reports during live capture; 0 for none.
        system_visibility_mode: 1 to add the columns ``system_process_pid`` and
            ``system_process_name`` to live capture.
        system_visibility_poll_ms: Milliseconds between two polls of the machine's sockets.
        strict: Whether to read packets exactly as nfstream 6.6 does, mistakes and dropped packets
            included. ``docs/v6.md`` lists the differences.

    Raises:
        ValueError: If nfstream 6 does not accept the value of a parameter.

    Examples:
        >>> from nfstream.v6 import NFStreamer
        >>> streamer = NFStreamer(source="tests/captures/redis.pcap", statistical_analysis=True)
        >>> streamer.to_pandas()["bidirectional_mean_ps"].round(1).tolist()
        [69.7, 71.9, 71.4, 73.8, 75.4, 74.5]
    """

    source = p.Parameter(
        p.parse_source,
        "Please specify a pcap file path or a valid network interface name as source.",
    )
    decode_tunnels = p.flag("decode_tunnels")
    bpf_filter = p.Parameter(p.parse_filter, "Please specify a valid bpf_filter format.")
    promiscuous_mode = p.flag("promiscuous_mode")
    snapshot_length = p.whole(
        1, None, "Please specify a valid snapshot_length parameter (positive integer)."
    )
    socket_buffer_size = p.whole(
        0,
        2**31 - 1,
        "Please specify a valid socket_buffer_size parameter (positive integer <= 2^31-1).",
    )
    idle_timeout = p.timeout("idle_timeout")
    active_timeout = p.timeout("active_timeout")
    accounting_mode = p.whole(
        0,
        3,
        "Please specify a valid accounting_mode parameter (possible values: 0, 1, 2, 3).",
    )
    udps = p.Parameter(p.parse_plugins, "User defined plugins must inherit from NFPlugin type.")
    n_dissections = p.whole(
        0,
        255,
        "Please specify a valid n_dissections parameter (possible values in : [0,...,255]).",
    )
    statistical_analysis = p.flag("statistical_analysis")
    splt_analysis = p.whole(
        0,
        65535,
        "Please specify a valid splt_analysis parameter (possible values in : [0,...,65535])",
    )
    n_meters = p.whole(
        0, None, "Please specify a valid n_meters parameter (>=1 or 0 for auto scaling)."
    )
    max_nflows = p.whole(0, None, "Please specify a valid max_nflows parameter (>=0).")
    performance_report = p.whole(
        0,
        None,
        "Please specify a valid performance_report parameter (>=1 for reporting interval"
        " (seconds) or 0 to disable). [Available only for Live capture]",
    )
    system_visibility_mode = p.Parameter(
        p.parse_visibility,
        "Please specify a valid system_visibility_mode parameter\n0: disable\n1: process"
        " information\n[Available only for live capture on the system generating the traffic]",
    )
    system_visibility_poll_ms = p.whole(
        0,
        None,
        "Please specify a valid system_visibility_poll_ms parameter"
        " (positive integer in milliseconds)",
    )

    def __init__(
        self,
        source: Path | Sequence[Path] | None = None,
        decode_tunnels: bool = True,
        bpf_filter: str | None = None,
        promiscuous_mode: bool = True,
        snapshot_length: int = 1536,
        socket_buffer_size: int = 0,
        idle_timeout: int = 120,
        active_timeout: int = 1800,
        accounting_mode: int = 0,
        udps: NFPlugin | Sequence[NFPlugin] | None = None,
        n_dissections: int = 20,
        statistical_analysis: bool = False,
        splt_analysis: int = 0,
        n_meters: int = 0,
        max_nflows: int = 0,
        performance_report: int = 0,
        system_visibility_mode: int = 0,
        system_visibility_poll_ms: int = 100,
        *,
        strict: bool = False,
    ) -> None:
        self.source = source
        self.decode_tunnels = decode_tunnels
        self.bpf_filter = bpf_filter
        self.promiscuous_mode = promiscuous_mode
        self.snapshot_length = snapshot_length
        self.socket_buffer_size = socket_buffer_size
        self.idle_timeout = idle_timeout
        self.active_timeout = active_timeout
        self.accounting_mode = accounting_mode
        self.udps = udps
        self.n_dissections = n_dissections
        self.statistical_analysis = statistical_analysis
        self.splt_analysis = splt_analysis
        self.n_meters = n_meters
        self.max_nflows = max_nflows
        self.performance_report = performance_report
        self.system_visibility_mode = system_visibility_mode
        self.system_visibility_poll_ms = system_visibility_poll_ms
        self._strict = bool(strict)

    @property
    def strict(self) -> bool:
        """Whether packets are read exactly as nfstream 6.6 does."""
        return self._strict

    @strict.setter
    def strict(self, value: bool) -> None:
        self._strict = bool(value)

    def __iter__(self) -> Iterator[NFlow]:
        """Reads the source and yields each flow when it ends."""
        return iter(_Run(self))

    def to_csv(
        self,
        path: Path | None = None,
        columns_to_anonymize: Sequence[str] = (),
        flows_per_file: int = 0,
        rotate_files: int = 0,
    ) -> int:
        """Reads the source and writes flows to one or more CSV files.

        Args:
            path: The file; by default that of the source with ``.csv`` appended.
            columns_to_anonymize: Names of columns to replace with keyed hashes, with a new key for
                each run.
            flows_per_file: Maximum number of flows in a file: ``name.1.csv`` follows
                ``name.0.csv``; 0 for one file.
            rotate_files: Number of files after which the first one is overwritten; 0 for no limit.

        Returns:
            The number of flows. Without flows there is no file.

        Raises:
            ValueError: If a number is negative, or the file is one of the source's.
            OSError: If a file cannot be written.
        """
        _check_count("flows_per_file", flows_per_file)
        _check_count("rotate_files", rotate_files)
        if path is None:
            path = f"{_sources(self.source)[0]}.csv"
        anonymize = _Anonymizer(columns_to_anonymize)
        flows = iter(self)
        count = 0
        for number in itertools.count():
            part = itertools.islice(flows, flows_per_file or None)
            first = next(part, None)
            if first is None:
                break
            name = path
            if flows_per_file:
                name = _numbered(path, number % rotate_files if rotate_files else number)
            if any(_is_same(name, source) for source in _sources(self.source)):
                raise ValueError(f"{os.fspath(name)!r} is a file of the source")
            with open(name, "w", encoding="utf-8", newline="") as file:
                count += _write(file, itertools.chain([first], part), anonymize)
        return count

    def to_pandas(self, columns_to_anonymize: Sequence[str] = ()) -> pd.DataFrame | None:
        """Reads the source and returns all flows, one per row.

        pandas infers the types from the text of :meth:`to_csv`, as in nfstream 6: lists are text,
        and empty text is NaN.

        Args:
            columns_to_anonymize: Names of columns to replace with keyed hashes.

        Returns:
            A data frame, or ``None`` if there are no flows.
        """
        import pandas as pd

        text = io.StringIO(newline="")
        if _write(text, self, _Anonymizer(columns_to_anonymize)) == 0:
            return None
        text.seek(0)
        return pd.read_csv(text)


class _Run(engine.NFStreamer):
    """A run of the engine with the rules of nfstream 6."""

    def __init__(self, streamer: NFStreamer) -> None:
        if streamer.bpf_filter is not None:
            try:
                _engine.check_filter(streamer.bpf_filter)
            except ValueError as error:
                raise ValueError("Unable to compile BPF filter.") from error
        features = ["directions", "mac"]
        if streamer.decode_tunnels:
            features.append("tunnel")
        if streamer.n_dissections:
            features.append("ndpi")
        super().__init__(
            streamer.source,
            snaplen=streamer.snapshot_length,
            idle_timeout=streamer.idle_timeout,
            active_timeout=streamer.active_timeout,
            dissect=streamer.n_dissections > 0,
            max_tcp_dissections=streamer.n_dissections,
            max_udp_dissections=streamer.n_dissections,
            bpf_filter=streamer.bpf_filter,
            decode_tunnels=streamer.decode_tunnels,
            accounting_mode=streamer.accounting_mode,
            statistical_analysis=streamer.statistical_analysis,
            splt_analysis=streamer.splt_analysis,
            max_nflows=min(streamer.max_nflows, 2**32 - 1),
            features=features,
            order="given",
            promiscuous_mode=streamer.promiscuous_mode,
        )
        if streamer.socket_buffer_size:
            self._parameters["socket_buffer_size"] = streamer.socket_buffer_size
        if self._is_live:
            self._report_interval = streamer.performance_report
            self._parameters["system_visibility_mode"] = streamer.system_visibility_mode
            self._parameters["system_visibility_poll_ms"] = max(
                streamer.system_visibility_poll_ms, 1
            )
        self._udps = list(streamer.udps)
        self._strict = streamer._strict

    def _make_run(
        self, plugins: Sequence[object], changes: Mapping[str, Any] | None = None
    ) -> _engine.Run:
        return _engine.Run(
            self._source,
            plugins=self._udps,
            plugin_base=NFPlugin,
            flow_rules="nfstream6",
            strict=self._strict,
            **{**self._parameters, **(changes or {})},
        )

    def _end(self, run: _engine.Run, *, failed: bool = False) -> None:
        super()._end(run, failed=failed)
        if run.is_of_parent:
            return
        for plugin in self._udps:
            plugin.cleanup()


class _Anonymizer:
    """Replaces the values of columns with keyed hashes, with a random key."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns if len(columns) > 0 else ()
        self._key = secrets.token_bytes(64)

    def __call__(self, names: list[str]) -> Callable[[list[Any]], None] | None:
        """Returns a function that replaces the values in a row of columns `names`, if needed."""
        places = []
        for column in self._columns:
            if column in names:
                places.append(names.index(column))
            else:
                print("WARNING: NFlow do not have {} attribute. Skipping anonymization.")
        if not places:
            return None

        def replace(row: list[Any]) -> None:
            for place in places:
                if row[place] is not None:
                    text = str(row[place]).encode()
                    row[place] = hashlib.blake2b(text, key=self._key).hexdigest()

        return replace


def _write(file: TextIO, flows: Iterable[NFlow], anonymizer: _Anonymizer) -> int:
    """Writes flows, after a header if there are any, and returns their number."""
    writer = csv.writer(file)
    header: list[str] = []
    anonymize = None
    count = 0
    for flow in flows:
        names = flow.keys()
        if not header:
            header = names
            anonymize = anonymizer(header)
            writer.writerow(header)
        row = flow.values()
        if names != header:
            row = _aligned(names, row, header)
        if anonymize:
            anonymize(row)
        writer.writerow(row)
        count += 1
    return count


def _aligned(names: list[str], values: list[Any], header: list[str]) -> list[Any]:
    """Returns the values in the order of `header`; missing ones are ``None``."""
    by_name = dict(zip(names, values, strict=True))
    return [by_name.get(name) for name in header]


def _sources(source: Any) -> list[str]:
    return source if isinstance(source, list) else [source]


def _is_same(path: Path, source: str) -> bool:
    try:
        return os.path.samefile(path, source)
    except (OSError, ValueError):
        return False


def _numbered(path: Path, number: int) -> str:
    """Returns the name of one of several files."""
    stem, extension = os.path.splitext(os.fspath(path))
    return f"{stem}.{number}{extension}"


def _check_count(name: str, count: object) -> None:
    if not (isinstance(count, int) and count >= 0):
        raise ValueError(f"Please specify a valid {name} parameter (>= 0).")
