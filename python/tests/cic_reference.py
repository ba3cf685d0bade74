"""Reference implementation of the CIC features, slow and simple, for comparison with the engine.

It computes each feature from the list of a flow's packets, by the definitions of ``docs/cic.md``,
and shares no code with the engine. Times are nanoseconds until the last step.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reference import TCP, UDP, Flow, Packet

S = 1_000_000_000
FORWARD, BACKWARD = 0, 1
FLAGS = {"fin": 0, "syn": 1, "rst": 2, "psh": 3, "ack": 4, "urg": 5, "ece": 6, "cwr": 7}
WRAP = 1 << 32

Value = float | None


class Seen(NamedTuple):
    """A packet of a flow."""

    way: int
    time: int
    payload: int
    header: int
    flags: int
    segment: tuple[int, int] | None  # sequence number and window, if captured


def seen(way: int, time: int, packet: Packet) -> Seen:
    """Returns what the features need of a packet."""
    protocol = packet.endpoints.protocol
    if protocol not in (TCP, UDP):
        return Seen(way, time, 0, 0, 0, None)
    data, flags, segment = packet.transport, 0, None
    if protocol == TCP and len(data) >= 14:
        flags = data[13]
    if protocol == TCP and len(data) >= 16:
        segment = int.from_bytes(data[4:8], "big"), int.from_bytes(data[14:16], "big")
    return Seen(way, time, packet.payload_length, packet.header_length, flags, segment)


def features(flow: Flow, first_slice: Flow) -> dict[str, Value]:
    """Returns the features of a flow by their names in the table.

    Args:
        flow: The flow.
        first_slice: The first slice of its conversation.
    """
    packets = [seen(*entry) for entry in flow.history]
    ways = [[packet for packet in packets if packet.way == way] for way in (FORWARD, BACKWARD)]
    duration = packets[-1].time - packets[0].time
    out: dict[str, Value] = {"flow_duration": duration / 1e3}
    out["total_fwd_packet"], out["total_bwd_packets"] = map(len, ways)
    for name, mine in zip(("fwd", "bwd"), ways, strict=True):
        sizes = [packet.payload for packet in mine]
        out[f"total_length_of_{name}_packet"] = sum(sizes)
        out |= {f"{name}_packet_length_{key}": value for key, value in summary(sizes).items()}
        gaps = gaps_of(mine)
        out[f"{name}_iat_total"] = sum(gaps) / 1e3
        out |= {f"{name}_iat_{key}": value / 1e3 for key, value in summary(gaps).items()}
        for flag in ("psh", "urg", "rst"):
            out[f"{name}_{flag}_flags"] = with_flag(mine, flag)
        headers = [packet.header for packet in mine]
        out[f"{name}_header_length"] = sum(headers)
        out[f"{name}_seg_size_min"] = min(headers, default=0)
        out[f"{name}_packets_s"] = ratio(len(mine), duration / S)
        out[f"{name}_segment_size_avg"] = ratio(sum(sizes), len(mine)) or 0
        windows = [packet.segment[1] for packet in mine if packet.segment]
        out[f"{name}_init_win_bytes"] = windows[0] if windows else 0
        out[f"{name}_act_data_pkts"] = sum(size > 0 for size in sizes)
        out[f"{name}_tcp_retrans_count"] = retransmissions(mine)
    sizes = [packet.payload for packet in packets]
    out["flow_bytes_s"] = ratio(sum(sizes), duration / S)
    out["flow_packets_s"] = ratio(len(packets), duration / S)
    gaps = gaps_of(packets)
    out |= {f"flow_iat_{key}": value / 1e3 for key, value in summary(gaps).items()}
    out |= {f"packet_length_{key}": value for key, value in summary(sizes).items()}
    out["packet_length_variance"] = variance(sizes)
    for flag in FLAGS:
        out[f"{flag}_flag_count"] = with_flag(packets, flag)
    out["down_up_ratio"] = ratio(len(ways[BACKWARD]), len(ways[FORWARD]))
    out["average_packet_size"] = sum(sizes) / len(sizes)
    found = list(bulks(packets))
    for name, way in (("fwd", FORWARD), ("bwd", BACKWARD)):
        runs = [bulk for bulk in found if bulk[0].way == way]
        total = sum(packet.payload for run in runs for packet in run)
        time = sum(run[-1].time - run[0].time for run in runs)
        out[f"{name}_bytes_bulk_avg"] = ratio(total, len(runs)) or 0
        out[f"{name}_packet_bulk_avg"] = ratio(sum(map(len, runs)), len(runs)) or 0
        out[f"{name}_bulk_rate_avg"] = ratio(total, time / S) if runs else 0
    subflows = 1 + sum(gap > S for gap in gaps)
    for name, mine in zip(("fwd", "bwd"), ways, strict=True):
        out[f"subflow_{name}_packets"] = len(mine) / subflows
        out[f"subflow_{name}_bytes"] = sum(packet.payload for packet in mine) / subflows
    active = [period[-1] - period[0] for period in periods([packet.time for packet in packets])]
    active = [length for length in active if length > 0]
    idle = [gap for gap in gaps if gap > 5 * S]
    for name, lengths in (("active", active), ("idle", idle)):
        out |= {f"{name}_{key}": value / 1e3 for key, value in summary(lengths).items()}
    out["icmp_type"], out["icmp_code"] = icmp(flow.history[0][2])
    out["total_tcp_retrans_count"] = sum(map(retransmissions, ways))
    is_tcp = flow.endpoints.protocol == TCP
    out["total_connection_flow_time"] = (
        (packets[-1].time - first_slice.first_ns) / 1e3 if is_tcp else None
    )
    return {f"cic_{name}": value for name, value in out.items()}


def summary(numbers: Sequence[int]) -> dict[str, float]:
    """Returns the four statistics, 0 over nothing."""
    if not numbers:
        return dict.fromkeys(("mean", "std", "max", "min"), 0)
    deviation = math.sqrt(variance(numbers))
    mean = sum(numbers) / len(numbers)
    return {"mean": mean, "std": deviation, "max": max(numbers), "min": min(numbers)}


def variance(numbers: Sequence[int]) -> float:
    """Returns the variance of a sample, exact until the division."""
    count = len(numbers)
    if count < 2:
        return 0
    deviations = sum((count * number - sum_) ** 2 for sum_ in (sum(numbers),) for number in numbers)
    return deviations / (count**2 * (count - 1))


def ratio(number: float, of: float) -> Value:
    """Returns a ratio, `None` where it is undefined."""
    return number / of if of else None


def gaps_of(packets: Sequence[Seen]) -> list[int]:
    """Returns the gaps between packets."""
    return [later.time - earlier.time for earlier, later in itertools.pairwise(packets)]


def with_flag(packets: Sequence[Seen], flag: str) -> int:
    """Returns the number of packets with a flag."""
    return sum(packet.flags >> FLAGS[flag] & 1 for packet in packets)


def periods(times: Sequence[int]) -> Iterator[list[int]]:
    """Yields the times of each active period."""
    period: list[int] = []
    for time in times:
        if period and time - period[-1] > 5 * S:
            yield period
            period = []
        period.append(time)
    yield period


def bulks(packets: Sequence[Seen]) -> Iterator[list[Seen]]:
    """Yields the bulks: runs of at least four packets with payload in one direction."""
    with_payload = [packet for packet in packets if packet.payload > 0]
    run: list[Seen] = []
    for packet in with_payload:
        if run and (packet.way != run[-1].way or packet.time - run[-1].time > S):
            if len(run) >= 4:
                yield run
            run = []
        run.append(packet)
    if len(run) >= 4:
        yield run


def retransmissions(packets: Sequence[Seen]) -> int:
    """Returns the number of segments all of whose sequence numbers were sent before."""
    count = 0
    sent: list[tuple[int, int]] = []  # disjoint ranges, sorted
    for packet in packets:
        length = packet.payload + (packet.flags & 1) + (packet.flags >> 1 & 1)
        if packet.segment is None or length == 0:
            continue
        begin = packet.segment[0]
        parts = [(begin, min(begin + length, WRAP))]
        if begin + length > WRAP:
            parts.append((0, begin + length - WRAP))
        count += all(any(a <= low and high <= b for a, b in sent) for low, high in parts)
        merged: list[tuple[int, int]] = []
        for low, high in sorted(sent + parts):
            if merged and low <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], high)
            else:
                merged.append((low, high))
        sent = merged
    return count


def icmp(first: Packet) -> tuple[Value, Value]:
    """Returns type and code of an ICMP packet."""
    version = 4 if len(first.endpoints.src) == 4 else 6
    if (version, first.endpoints.protocol) not in ((4, 1), (6, 58)) or len(first.transport) < 2:
        return None, None
    return first.transport[0], first.transport[1]
