"""Ground truth: labels of flows by addresses, ports, protocol and time."""

from __future__ import annotations

import csv
import datetime
import ipaddress
import itertools
import os
import re
import warnings
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from nfstream import frames
from nfstream.caller import level_of_caller

Frame = TypeVar("Frame")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOUR = 3_600_000_000_000

# Flows, and pairs of a rule and a flow, from which a difference of clocks is estimated.
_MOST_FLOWS = 20_000
_MOST_PAIRS = 200_000

# Headings of each column of a rules file, in lower case and without spaces and signs.
_HEADINGS = {
    "src_ip": ("srcip", "sourceip", "srcaddr", "sourceaddress", "saddr", "attacker", "attackerip"),
    "src_port": ("srcport", "sourceport", "sport"),
    "dst_ip": (
        "dstip",
        "destinationip",
        "dstaddr",
        "destinationaddress",
        "daddr",
        "victim",
        "victimip",
    ),
    "dst_port": ("dstport", "destinationport", "dport"),
    "protocol": ("protocol", "proto", "ipprotocol"),
    "start": ("start", "starttime", "begin", "from", "firstseen", "stime"),
    "end": (
        "end",
        "endtime",
        "finish",
        "finishtime",
        "stop",
        "stoptime",
        "to",
        "lastseen",
        "ltime",
    ),
    "label": ("label", "attack", "attackname", "attacktype", "class"),
}
_PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "ipv6-icmp": 58, "icmpv6": 58, "sctp": 132}


@dataclass(frozen=True)
class LabelReport:
    """Counts of a call of :func:`label_by`.

    Attributes:
        rules: Rules in the file.
        unmatched_rules: Lines of the rules that match no flow.
        labelled_flows: Flows that a rule matches.
        unmatched_flows: Other flows.
        ambiguous_flows: Flows that rules with different labels match.
        clock_difference_hours: Hours to add to the times of the rules, which gives many more
            matches; 0 if the clocks seem to agree.
    """

    rules: int
    unmatched_rules: tuple[int, ...]
    labelled_flows: int
    unmatched_flows: int
    ambiguous_flows: int
    clock_difference_hours: int


@dataclass(frozen=True)
class _Rule:
    line: int
    ends: tuple[Network | None, Network | None]
    ports: tuple[int | None, int | None]
    protocol: int | None
    start: int | None
    end: int | None
    label: str


@dataclass(frozen=True)
class _Ends:
    addresses: tuple[Address, Address]
    ports: tuple[int, int]
    protocol: int
    first: int
    last: int


def label_by(
    frame: Frame,
    rules: str | os.PathLike[str],
    *,
    time_zone: str | None = None,
    columns: Mapping[str, str] | None = None,
    match: str = "first",
    default: str = "",
) -> tuple[Frame, LabelReport]:
    """Adds a column ``label`` with the ground truth of each flow.

    A rule is a line of a CSV file with a header. It matches a flow if all its cells do, in either
    direction; an empty cell matches everything. Addresses may be networks (``10.0.0.0/8``),
    protocols names or numbers. A flow matches an interval if one of its packets can lie in it:
    the times from the first to the last packet overlap it, both ends included. A warning appears if
    the clocks of rules and flows seem to differ by whole hours.

    Args:
        frame: A pandas or Polars data frame, or a pyarrow table, with the columns of nfstream.
        rules: The CSV file. The header names ``src_ip``, ``src_port``, ``dst_ip``, ``dst_port``,
            ``protocol``, ``start``, ``end`` and ``label``, or common variants; only the label is
            required. Times are RFC 3339 (``2017-07-05 09:47:00``), or seconds since the epoch.
        time_zone: Zone of times without an offset: ``"UTC"``, an offset such as ``"-03:00"``, or a
            name such as ``"America/Halifax"``. Without it, such times are an error.
        columns: Headings of the file by the names above, if they are not recognised:
            ``{"src_ip": "Attacker"}``.
        match: ``"first"``: the label of the first rule that matches; ``"all"``: the labels of all,
            without repetition, separated by ``|``.
        default: Label of flows that no rule matches.

    Returns:
        The table with the column, and a report of the matches.

    Raises:
        OSError: If the file cannot be read.
        TypeError: If ``frame`` is another object.
        ValueError: If a rule or an argument is invalid; the message gives file, line and column.

    Examples:
        >>> import nfstream, pathlib, tempfile
        >>> flows = nfstream.NFStreamer("tests/captures/redis.pcap").to_pandas()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rules = pathlib.Path(folder, "rules.csv")
        ...     _ = rules.write_text("dst_ip,dst_port,label\\n192.168.10.1,6379,cache\\n")
        ...     labelled, report = nfstream.label_by(flows, rules)
        >>> labelled["label"].unique().tolist(), report.labelled_flows
        (['cache'], 6)
    """
    if match not in ("first", "all"):
        raise ValueError(f"match must be 'first' or 'all', not {match!r}")
    if "label" in frames.names(frame):
        raise ValueError("the table has a column 'label' already")
    zone = None if time_zone is None else _zone(time_zone)
    known = list(_read(os.fspath(rules), zone, columns or {}))
    flows = _flows(frame)
    index = _Index(known)
    matched: set[int] = set()
    labels: list[str] = []
    found = ambiguous = 0
    for flow in flows:
        hits = [rule for rule in index.near(flow) if _matches(rule, flow)]
        matched.update(rule.line for rule in (hits if match == "all" else hits[:1]))
        distinct = list(dict.fromkeys(rule.label for rule in hits))
        ambiguous += len(distinct) > 1
        found += bool(hits)
        labels.append(
            default if not hits else "|".join(distinct) if match == "all" else distinct[0]
        )
    hours = _clock_difference(index, flows)
    report = LabelReport(
        rules=len(known),
        unmatched_rules=tuple(rule.line for rule in known if rule.line not in matched),
        labelled_flows=found,
        unmatched_flows=len(flows) - found,
        ambiguous_flows=ambiguous,
        clock_difference_hours=hours,
    )
    if hours:
        warnings.warn(
            f"the clocks of rules and flows seem to differ: with {hours:+d} hours added to the "
            f"times of {os.fspath(rules)}, many more flows match; check time_zone",
            UserWarning,
            stacklevel=level_of_caller(),
        )
    return frames.with_texts(frame, "label", labels), report


class _Index:
    """Rules by their two addresses, in the order of the file."""

    def __init__(self, rules: list[_Rule]) -> None:
        self.by_ends: dict[frozenset[Any], list[tuple[int, _Rule]]] = {}
        self.others: list[tuple[int, _Rule]] = []
        for place, rule in enumerate(rules):
            single = [net for net in rule.ends if net and net.num_addresses == 1]
            if len(single) == 2:
                ends = frozenset(net.network_address for net in single)
                self.by_ends.setdefault(ends, []).append((place, rule))
            else:
                self.others.append((place, rule))

    def near(self, flow: _Ends) -> Iterator[_Rule]:
        """Yields the rules that may match a flow."""
        exact = self.by_ends.get(frozenset(flow.addresses), [])
        if not exact or not self.others:
            yield from (rule for _, rule in exact or self.others)
            return
        yield from (rule for _, rule in sorted(exact + self.others, key=lambda one: one[0]))


def _matches(rule: _Rule, flow: _Ends, shift: int = 0) -> bool:
    if rule.protocol is not None and rule.protocol != flow.protocol:
        return False
    if rule.start is not None and flow.last < rule.start + shift:
        return False
    if rule.end is not None and flow.first > rule.end + shift:
        return False
    for order in ((0, 1), (1, 0)):
        if all(
            (
                net is None
                or (net.version == flow.addresses[way].version and flow.addresses[way] in net)
            )
            and (port is None or port == flow.ports[way])
            for net, port, way in zip(rule.ends, rule.ports, order, strict=True)
        ):
            return True
    return False


def _clock_difference(index: _Index, flows: list[_Ends]) -> int:
    """Returns the hours to add to the times of rules for many more matches, or 0."""
    pairs = (
        (rule, flow)
        for flow in flows[:_MOST_FLOWS]
        for rule in index.near(flow)
        if (rule.start is not None or rule.end is not None) and _matches(_without_times(rule), flow)
    )
    timed = list(itertools.islice(pairs, _MOST_PAIRS))

    def count(hours: int) -> int:
        return len({id(flow) for rule, flow in timed if _matches(rule, flow, hours * _HOUR)})

    here = count(0)
    best = max((hours for hours in range(-14, 15) if hours), key=lambda h: (count(h), -abs(h)))
    return best if count(best) > 2 * here and count(best) > 1 else 0


def _without_times(rule: _Rule) -> _Rule:
    return _Rule(rule.line, rule.ends, rule.ports, rule.protocol, None, None, rule.label)


def _flows(frame: Any) -> list[_Ends]:
    parsed: dict[str, Address] = {}

    def address(text: Any) -> Address:
        found = parsed.get(text)
        if found is None:
            try:
                found = parsed[text] = ipaddress.ip_address(str(text))
            except ValueError:
                raise ValueError(f"the table has no addresses: {text!r} is not one") from None
        return found

    names = ("src_ip", "dst_ip", "src_port", "dst_port", "protocol", "first_seen", "last_seen")
    rows = zip(*(frames.column(frame, name) for name in names), strict=True)
    return [
        _Ends(
            (address(src), address(dst)),
            (int(sport), int(dport)),
            int(protocol),
            frames.nanoseconds(first),
            frames.nanoseconds(last),
        )
        for src, dst, sport, dport, protocol, first, last in rows
    ]


def _read(path: str, zone: datetime.tzinfo | None, columns: Mapping[str, str]) -> Iterator[_Rule]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        header = next(reader, None)
        if header is None:
            raise ValueError(f"{path}: line 1: a header is missing")
        places = _places(path, header, columns)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _rule(path, reader.line_num, header, cells, places, zone)


def _places(path: str, header: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Returns the place of each known column in the file."""
    plain = [re.sub(r"[^a-z0-9]", "", heading.lower()) for heading in header]
    places: dict[str, int] = {}
    for name, heading in columns.items():
        if name not in _HEADINGS:
            raise ValueError(f"columns: {name!r} is none of {', '.join(_HEADINGS)}")
        if heading not in header:
            raise ValueError(f"{path}: line 1: there is no column {heading!r}")
        places[name] = header.index(heading)
    for name, variants in _HEADINGS.items():
        found = [place for place, heading in enumerate(plain) if heading in variants]
        if name in places or not found:
            continue
        if len(found) > 1:
            both = " and ".join(repr(header[place]) for place in found)
            raise ValueError(f"{path}: line 1: {both} are both {name}; choose one with columns")
        places[name] = found[0]
    if "label" not in places:
        raise ValueError(f"{path}: line 1: there is no column 'label'; name it with columns")
    return places


def _rule(
    path: str,
    line: int,
    header: list[str],
    cells: list[str],
    places: Mapping[str, int],
    zone: datetime.tzinfo | None,
) -> _Rule:
    if len(cells) != len(header):
        raise ValueError(f"{path}: line {line}: has {len(cells)} cells, the header {len(header)}")

    def cell(name: str, parse: Any) -> Any:
        text = cells[places[name]].strip() if name in places else ""
        try:
            return parse(text) if text else None
        except ValueError as error:
            where = f"{path}: line {line}, column {header[places[name]]!r}"
            raise ValueError(f"{where}: {error}") from None

    label = cell("label", str)
    if not label:
        raise ValueError(
            f"{path}: line {line}, column {header[places['label']]!r}: the label is missing"
        )
    start, end = cell("start", _time(zone)), cell("end", _time(zone))
    if start is not None and end is not None and end < start:
        where = f"{path}: line {line}, column {header[places['end']]!r}"
        raise ValueError(f"{where}: the interval ends before it starts")
    return _Rule(
        line,
        (cell("src_ip", _network), cell("dst_ip", _network)),
        (cell("src_port", _port), cell("dst_port", _port)),
        cell("protocol", _protocol),
        start,
        end,
        label,
    )


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor a network") from None


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise ValueError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _protocol(text: str) -> int:
    number = _PROTOCOLS.get(text.lower())
    if number is None and text.isdecimal() and int(text) < 256:
        number = int(text)
    if number is None:
        raise ValueError(f"{text!r} is neither a protocol's name nor its number (0 to 255)")
    return number


def _zone(name: str) -> datetime.tzinfo:
    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)", name)
    if offset:
        sign, hours, minutes = offset.groups()
        span = datetime.timedelta(hours=int(hours), minutes=int(minutes))
        if span < datetime.timedelta(hours=24):
            return datetime.timezone(-span if sign == "-" else span)
    try:
        return datetime.timezone.utc if name in ("UTC", "Z") else zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError(
            f"time_zone must be 'UTC', an offset such as '-03:00' or a name such as "
            f"'America/Halifax', not {name!r}"
        ) from None


def _time(zone: datetime.tzinfo | None) -> Any:
    def parse(text: str) -> int:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            seconds, _, fraction = text.partition(".")
            return int(seconds) * 1_000_000_000 + int((fraction + "0" * 9)[:9])
        try:
            time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            raise ValueError(
                f"{text!r} is not a time such as 2017-07-05T09:47:00Z, nor seconds since the epoch"
            ) from None
        if time.tzinfo is None:
            if zone is None:
                raise ValueError(
                    f"{text!r} has no time zone; add an offset such as Z, or pass time_zone"
                )
            time = time.replace(tzinfo=zone)
        whole = time.replace(microsecond=0)
        return int(whole.timestamp()) * 1_000_000_000 + time.microsecond * 1000

    return parse
