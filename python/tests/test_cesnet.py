"""CESNET features compared with plain Python over the packets of each flow."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import pytest

from conftest import each_capture, ordered_rows, plain
from nfstream import NFStreamer
from reference import Flow, Packet, meter

S, MS = 1_000_000_000, 1_000_000
BOUNDS = (16, 32, 64, 128, 256, 512, 1024)


def histogram(numbers: list[int]) -> list[int]:
    bins = [0] * 8
    for number in numbers:
        bins[sum(number >= bound for bound in BOUNDS)] += 1
    return bins


def pushed(packet: Packet) -> int:
    is_tcp = packet.endpoints.protocol == 6 and len(packet.transport) >= 14
    return packet.transport[13] >> 3 & 1 if is_tcp else 0


def bursts(packets: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    runs: list[list[tuple[int, int]]] = []
    for time, size in packets:
        if not runs or time - runs[-1][-1][0] >= S:
            runs.append([])
        runs[-1].append((time, size))
    return [run for run in runs if len(run) >= 3][:15]


def expected(flow: Flow) -> dict[str, Any]:
    history = [(way, time, packet) for way, time, packet in flow.history]
    data = [(way, time, packet) for way, time, packet in history if packet.payload_length > 0]
    first = data[:30]
    times = [time for _, time, _ in first]
    gaps = [(later - earlier) // MS for earlier, later in itertools.pairwise(times)]
    ways = [1 if way == 0 else -1 for way, *_ in first]
    out: dict[str, Any] = {
        "ppi_sizes": [packet.payload_length for *_, packet in first],
        "ppi_gaps_ms": ([0, *gaps]) if first else [],
        "ppi_directions": ways,
        "ppi_push_flags": [pushed(packet) for *_, packet in first],
        "ppi_len": len(first),
        "ppi_duration_ms": (times[-1] - times[0]) / MS if first else 0,
        "ppi_roundtrips": sum(a != b for a, b in itertools.pairwise(ways)),
    }
    for number, name in enumerate(("src", "dst")):
        mine = [(time, packet.payload_length) for way, time, packet in data if way == number]
        out[f"phist_{name}_sizes"] = histogram([size for _, size in mine])
        between = [(b[0] - a[0]) // MS for a, b in itertools.pairwise(mine)]
        out[f"phist_{name}_gaps"] = histogram(between)
        runs = bursts(mine)
        out[f"burst_{name}_packets"] = [len(run) for run in runs]
        out[f"burst_{name}_bytes"] = [sum(size for _, size in run) for run in runs]
        out[f"burst_{name}_starts_ms"] = [(run[0][0] - flow.first_ns) // MS for run in runs]
        out[f"burst_{name}_ends_ms"] = [(run[-1][0] - flow.first_ns) // MS for run in runs]
    return out | nettisa(history)


def nettisa(history: list[tuple[int, int, Packet]]) -> dict[str, Any]:
    sizes = [packet.payload_length for *_, packet in history]
    times = [time for _, time, _ in history]
    count, start = len(sizes), times[0]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    mean = sum(sizes) / count
    squares = sum((count * size - sum(sizes)) ** 2 for size in sizes) / count**2
    variance = squares / count
    deviation = math.sqrt(variance)
    fourth = sum((count * size - sum(sizes)) ** 4 for size in sizes) / count**5
    running = [sum(sizes[: place + 1]) / (place + 1) for place in range(count)]
    dispersion = (
        sum(abs(size - so_far) for size, so_far in zip(sizes, running, strict=True)) / count
    )
    gap_distance = sum(
        abs(gap - (times[place + 1] - start) / (place + 1)) for place, gap in enumerate(gaps)
    )

    def ratio(number: float, of: float) -> float | None:
        return number / of if of else None

    values = {
        "mean": mean,
        "min": min(sizes),
        "max": max(sizes),
        "std": deviation,
        "rms": math.sqrt(sum(size**2 for size in sizes) / count),
        "average_dispersion": dispersion,
        "kurtosis": ratio(fourth, variance**2),
        "mean_relative_time_ms": sum(time - start for time in times) / count / MS,
        "mean_gap_ms": ratio(sum(gaps) / MS, len(gaps)),
        "min_gap_ms": min(gaps) / MS if gaps else None,
        "max_gap_ms": max(gaps) / MS if gaps else None,
        "time_distribution": (
            ratio(gap_distance / len(gaps), (max(gaps) - min(gaps)) / 2) if gaps else None
        ),
        "switching_ratio": ratio(sum(a != b for a, b in itertools.pairwise(sizes)), len(gaps) / 2),
        "range": max(sizes) - min(sizes),
        "percent_deviation": ratio(dispersion, mean),
        "variance": variance,
        "burstiness": ratio(deviation - mean, deviation + mean),
        "coefficient_of_variation": ratio(deviation, mean),
        "directions": sum(way == 0 for way, *_ in history) / count,
        "duration_ms": (times[-1] - start) / MS,
    }
    return {f"nettisa_{name}": value for name, value in values.items()}


@pytest.mark.filterwarnings("ignore::UserWarning")  # some captures are truncated
@pytest.mark.parametrize("idle_timeout", [30, 0.5])
@each_capture
def test_features_are_those_of_plain_python(capture: Path, idle_timeout: float) -> None:
    streamer = NFStreamer(
        capture,
        idle_timeout=idle_timeout,
        dissect=False,
        decode_tunnels=False,
        features="cesnet",
        time_unit="ns",
    )
    flows = meter(plain(capture), idle_timeout, 300).flows
    for row, flow in zip(ordered_rows(streamer), flows, strict=True):
        for name, value in expected(flow).items():
            found = row[f"cesnet_{name}"]
            if value is None:
                assert found is None, name
            else:
                assert found == pytest.approx(value, rel=1e-9, abs=1e-9), name
        assert row["cesnet_end_reason"] in ("idle", "active", "other")
