"""Ground truth: labels of flows by addresses, ports, protocol and time."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from nfstream import _engine, frames
from nfstream.caller import level_of_caller

Frame = TypeVar("Frame")


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
    if "label" in frames.names(frame):
        raise ValueError("the table has a column 'label' already")
    path = os.fsdecode(rules)
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    labels, counts, warning = _engine.label_flows(
        path,
        text,
        list(_flows(frame)),
        time_zone=time_zone,
        columns=list((columns or {}).items()),
        match=match,
        default=default,
    )
    if warning:
        warnings.warn(warning, UserWarning, stacklevel=level_of_caller())
    known, unmatched_rules, labelled, unmatched, ambiguous, hours = counts
    report = LabelReport(
        rules=known,
        unmatched_rules=tuple(unmatched_rules),
        labelled_flows=labelled,
        unmatched_flows=unmatched,
        ambiguous_flows=ambiguous,
        clock_difference_hours=hours,
    )
    return frames.with_texts(frame, "label", labels), report


def _flows(frame: Any) -> Iterator[tuple[str, str, int, int, int, int, int]]:
    """Yields addresses, ports, protocol and times in nanoseconds of each flow."""
    names = ("src_ip", "dst_ip", "src_port", "dst_port", "protocol", "first_seen", "last_seen")
    rows = zip(*(frames.column(frame, name) for name in names), strict=True)
    for src, dst, sport, dport, protocol, first, last in rows:
        times = frames.nanoseconds(first), frames.nanoseconds(last)
        yield str(src), str(dst), int(sport), int(dport), int(protocol), *times
