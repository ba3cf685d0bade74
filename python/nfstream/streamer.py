"""The streamer: what to read, how to cut it into flows, and the ways to take them."""

from __future__ import annotations

import math
import numbers
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from nfstream import _engine
from nfstream._engine import NFlow
from nfstream.plugin import NFPlugin
from nfstream.tables import Tables

Path = str | os.PathLike[str]

_SPLT_PACKETS = 10
"""Packets of the feature "splt" where splt_analysis does not say how many."""


@dataclass(frozen=True)
class Stats:
    """What a run has counted: ``packets == flow_packets + sum(ignored.values())``.

    Attributes:
        packets: Packets read from the source.
        flow_packets: Packets that belong to flows.
        ignored: Packets that belong to no flow, by reason.
        late_packets: Packets of flows that came after a later packet of their flow.
        flows: Flows that have ended.
    """

    packets: int = 0
    flow_packets: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    late_packets: int = 0
    flows: int = 0


class NFStreamer(Tables):
    """Reads packets and gives the flows they make up.

    A streamer can be iterated again and again: each iteration is a run of its own, from the
    source's first packet on.

    Args:
        source: A capture file (pcap or pcapng, also compressed with gzip or zstd), a list of
            files read as one capture, or ``"-"`` for standard input.
        snaplen: Bytes captured of each packet, for live capture; a file's packets are taken as
            they are.
        idle_timeout: Seconds without a packet after which a flow ends.
        active_timeout: Seconds after which a flow is cut into slices.
        plugins: Features of your own.
        dissect: Whether nDPI looks for the application behind each flow.
        max_tcp_dissections: Packets of a TCP flow that nDPI sees, at most.
        max_udp_dissections: Packets of a UDP flow that nDPI sees, at most.
        bpf_filter: Filter of libpcap: only packets that match are metered, the others are
            ignored as ``filtered``.
        decode_tunnels: Whether packets inside GTP-U, CAPWAP, TZSP, VXLAN, Geneve, GRE (ERSPAN and
            NVGRE too), L2TP and Teredo are metered in place of those that carry them. IP in IP
            is always looked into.
        accounting_mode: What bytes and packet sizes count: 0 the frame, 1 the IP packet, 2 what
            IP carries, 3 the payload.
        statistical_analysis: Short for the features ``"statistics"`` and ``"tcp_flags"``.
        splt_analysis: Packets whose direction, size and inter-arrival time are listed one by one,
            in the columns of the feature ``"splt"``.
        max_nflows: Flows after which the run ends; 0 for no end.
        track_tcp: Whether flows end when their TCP connection closes.
        time_unit: Unit of times in the table: ``"ms"``, ``"us"`` or ``"ns"``.
        features: Names of groups of columns beside the base ones, or ``"all"``;
            ``docs/columns.md`` explains them.
        n_meters: Threads that meter flows; 0 for as many as the machine has processors. The
            flows are the same for any number. With plugins there is always one.

    Raises:
        FileNotFoundError: If there is no such file.
        PermissionError: If a file must not be read.
        IsADirectoryError: If a file is a directory.
        ValueError: If a file is no capture, or a parameter has a value that makes no sense.

    Examples:
        >>> from nfstream import NFStreamer
        >>> streamer = NFStreamer(source="tests/captures/redis.pcap")
        >>> streamer.to_pandas()["application_name"].unique().tolist()
        ['Redis']
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
        bpf_filter: str | None = None,
        decode_tunnels: bool = True,
        accounting_mode: int = 0,
        statistical_analysis: bool = False,
        splt_analysis: int = 0,
        max_nflows: int = 0,
        track_tcp: bool = False,
        time_unit: str = "ms",
        features: str | Iterable[str] = (),
        n_meters: int = 0,
    ) -> None:
        self._source = _source(source)
        self._snaplen = _whole("snaplen", snaplen, least=1)
        self._plugins = _plugins(plugins)
        self._parameters: dict[str, Any] = {
            "idle_timeout": _seconds("idle_timeout", idle_timeout),
            "active_timeout": _seconds("active_timeout", active_timeout),
            "dissect": _flag("dissect", dissect),
            "max_tcp_dissections": _whole("max_tcp_dissections", max_tcp_dissections),
            "max_udp_dissections": _whole("max_udp_dissections", max_udp_dissections),
            "decode_tunnels": _flag("decode_tunnels", decode_tunnels),
            "accounting_mode": _whole("accounting_mode", accounting_mode, most=3),
            "splt_analysis": _whole("splt_analysis", splt_analysis, most=65535),
            "max_nflows": _whole("max_nflows", max_nflows),
            "track_tcp": _flag("track_tcp", track_tcp),
            "time_unit": _one_of("time_unit", time_unit, ("ms", "us", "ns")),
            "features": _features(features),
            "n_meters": _whole("n_meters", n_meters),
        }
        asked = self._parameters["features"]
        if _flag("statistical_analysis", statistical_analysis):
            asked += [name for name in ("statistics", "tcp_flags") if name not in asked]
        if splt_analysis > 0 and "splt" not in asked:
            asked.append("splt")
        if splt_analysis == 0 and "splt" in asked:
            self._parameters["splt_analysis"] = _SPLT_PACKETS
        _engine.check_source(self._source)
        self._run: _engine.Run | None = None

    def __iter__(self) -> Iterator[NFlow]:
        """Runs over the source and gives each flow as it ends."""
        run = self._start()
        try:
            yield from run
        except BaseException as error:
            self._end(run, failed=not isinstance(error, GeneratorExit))
            raise
        self._end(run)

    def stats(self) -> Stats:
        """Returns the counts of the last run: all of them after it, those so far during it."""
        return Stats() if self._run is None else Stats(**self._run.stats())

    def __repr__(self) -> str:
        """Returns the call that makes this streamer."""
        source = self._source[0] if len(self._source) == 1 else self._source
        parameters = {"source": source, **self._parameters}
        if self._plugins:
            parameters["plugins"] = [plugin.name for plugin in self._plugins]
        return f"NFStreamer({', '.join(f'{k}={v!r}' for k, v in parameters.items())})"

    def _start(self) -> _engine.Run:
        self._run = _engine.Run(
            self._source, plugins=self._plugins, plugin_base=NFPlugin, **self._parameters
        )
        return self._run

    def _end(self, run: _engine.Run, *, failed: bool = False) -> None:
        """Ends a run, whichever way it came to its end.

        Where the run has failed that is what the caller is told, not what cleaning up raises.
        """
        run.close()
        errors = []
        for plugin in self._plugins:
            try:
                plugin.cleanup()
            except Exception as error:
                errors.append(error)
        for message in run.take_warnings():
            warnings.warn(message, UserWarning, stacklevel=3)
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
                f"plugins must have names of their own: {plugin.name!r} is {owners[plugin.name]}'s"
            )
        owners[plugin.name] = "another plugin"
        checked.append(plugin)
    return checked


def _seconds(name: str, value: object) -> float:
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        seconds = float(value)
        if seconds >= 0 and not math.isnan(seconds):
            return seconds
    raise ValueError(f"{name} must be a number of seconds from 0 on, not {value!r}")


def _whole(name: str, value: object, *, least: int = 0, most: int = 2**32 - 1) -> int:
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        number = int(value)
        if least <= number <= most:
            return number
    raise ValueError(f"{name} must be a whole number from {least} to {most}, not {value!r}")


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in choices:
        return value
    raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")


def _features(features: object) -> list[str]:
    known = _engine.feature_names()
    given = [features] if isinstance(features, str) else features
    if not isinstance(given, Iterable):
        raise ValueError(f"features must be names of column groups, not {features!r}")
    asked: list[str] = []
    for name in given:
        if name == "all":
            return known
        if name not in known:
            choices = ", ".join(map(repr, known))
            raise ValueError(f"features must be of {choices} or 'all', not {name!r}")
        if name not in asked:
            asked.append(name)
    return asked


def _flag(name: str, value: object) -> bool:
    if value in (True, False):
        return bool(value)
    raise ValueError(f"{name} must be True or False, not {value!r}")
