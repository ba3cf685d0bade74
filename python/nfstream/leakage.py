"""Data sets without leakage: columns that identify something, and splits by groups and time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from nfstream import _engine, frames

Frame = TypeVar("Frame")

_ROLES = _engine.column_roles()
_IDENTIFYING = ("environment", "identifier", "time")


def column_roles() -> dict[str, str]:
    """Returns the role of each column that a table can have.

    Returns:
        ``"behaviour"``: behaviour of the flow; ``"label"``: its application; ``"identifier"``:
        identity of a flow, a host or a process; ``"environment"``: property of the network or of
        the software at an end; ``"time"``: date and time.

    Examples:
        >>> import nfstream
        >>> roles = nfstream.column_roles()
        >>> roles["src_ip"], roles["first_seen"], roles["total_bytes"]
        ('identifier', 'time', 'behaviour')
    """
    return dict(_ROLES)


def drop_identifiers(frame: Frame, keep: Iterable[str] = ()) -> Frame:
    """Returns a table without the columns that identify flows, hosts, networks or dates.

    A model that sees them learns the data set instead of behaviour: addresses, ports, server
    names, times, VLANs, fingerprints. Columns that nfstream does not know stay.

    Args:
        frame: A pandas or Polars data frame, or a pyarrow table.
        keep: Columns to keep in any case.

    Raises:
        TypeError: If ``frame`` is another object.
        ValueError: If a column of ``keep`` is not in the table.

    Examples:
        >>> import nfstream
        >>> flows = nfstream.NFStreamer("tests/captures/redis.pcap").to_pandas()
        >>> list(nfstream.drop_identifiers(flows).columns[:4])
        ['protocol', 'total_packets', 'total_bytes', 'duration']
    """
    names = frames.names(frame)
    kept = [keep] if isinstance(keep, str) else list(keep)
    for name in kept:
        if name not in names:
            raise ValueError(f"keep: the table has no column {name!r}")
    chosen = [name for name in names if name in kept or _role(name) not in _IDENTIFYING]
    result: Frame = frames.select(frame, chosen)
    return result


def _role(name: str) -> str | None:
    """Returns the role of a column, or of the lists or bytes that ``flatten`` made it from."""
    return _ROLES.get(name) or _ROLES.get(re.sub(r"(_\d+)+$", "", name))


def split(frame: Frame, by: str = "conversation", test: float = 0.25) -> tuple[Frame, Frame]:
    """Splits a table into rows for training and later rows for a test, without common groups.

    Groups are ordered by the time of their first flow, and the last ones are for the test: at least
    one group, and at least the share ``test`` of the rows if the groups allow it.

    Args:
        frame: A pandas or Polars data frame, or a pyarrow table, with the columns of nfstream.
        by: Group that stays in one part: ``"conversation"``, addresses, ports and protocol in
            either direction; ``"host"``, the source address; or ``"day"``, in UTC.
        test: Share of the rows for the test, between 0 and 1, both excluded.

    Returns:
        The rows for training and those for the test, in the order of the table.

    Raises:
        TypeError: If ``frame`` is another object.
        ValueError: If a column is missing, there are fewer than two groups, or an argument is
            invalid.

    Examples:
        >>> import nfstream
        >>> flows = nfstream.NFStreamer("tests/captures/redis.pcap").to_pandas()
        >>> train, test = nfstream.split(flows, by="conversation", test=0.3)
        >>> len(train), len(test)
        (4, 2)
    """
    if by not in ("conversation", "host", "day"):
        raise ValueError(f"by must be 'conversation', 'host' or 'day', not {by!r}")
    if isinstance(test, bool) or not isinstance(test, (int, float)) or not 0 < test < 1:
        raise ValueError(f"test must be a number between 0 and 1, not {test!r}")
    times = [frames.nanoseconds(value) for value in frames.column(frame, "first_seen")]
    groups: dict[Any, list[int]] = {}
    for row, key in enumerate(_keys(frame, by, times)):
        groups.setdefault(key, []).append(row)
    if len(groups) < 2:
        raise ValueError(f"cannot split by {by}: the table has {len(groups)} of them")
    ordered = sorted(groups.values(), key=lambda rows: min(times[row] for row in rows))
    for_test: set[int] = set()
    while ordered and len(for_test) < test * len(times):
        if len(ordered) == 1:
            break
        for_test.update(ordered.pop())
    train = [row for row in range(len(times)) if row not in for_test]
    return frames.take(frame, train), frames.take(frame, sorted(for_test))


def _keys(frame: Any, by: str, times: Sequence[int]) -> Iterator[Any]:
    if by == "day":
        return iter([time // 86_400_000_000_000 for time in times])
    if by == "host":
        return iter(frames.column(frame, "src_ip"))
    ends = [frames.column(frame, name) for name in ("src_ip", "src_port", "dst_ip", "dst_port")]
    rows = zip(*ends, frames.column(frame, "protocol"), strict=True)
    return (
        (*sorted([(str(src), int(sport)), (str(dst), int(dport))]), int(protocol))
        for src, sport, dst, dport, protocol in rows
    )
