"""CIC features compared with a reference, capture by capture."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from cic_reference import features
from conftest import CAPTURES, captures, each, ordered_rows, plain, shared_captures
from nfstream import NFStreamer
from reference import Flow, meter

# `make cic` compares all shared captures; the usual tests only some of them.
SHARED = shared_captures()[:: 1 if os.environ.get("NFSTREAM_ALL_CAPTURES") else 16]

YEAR_2262_NS = 2**63 - 1


@pytest.mark.filterwarnings("ignore::UserWarning")  # some captures are truncated
@pytest.mark.parametrize(
    ("idle_timeout", "active_timeout"), [(120, 300), (0.5, 2)], ids=["long", "short"]
)
@each(captures() + SHARED, "no captures")
def test_features_are_those_of_the_reference(
    capture: Path, idle_timeout: float, active_timeout: float
) -> None:
    streamer = NFStreamer(
        capture,
        idle_timeout=idle_timeout,
        active_timeout=active_timeout,
        dissect=False,
        decode_tunnels=False,
        features="cic",
        time_unit="ns",
    )
    rows = ordered_rows(streamer)
    flows = meter(plain(capture), idle_timeout, active_timeout).flows
    if any(flow.last_ns > YEAR_2262_NS for flow in flows):
        pytest.skip("times beyond the year 2262")
    assert len(rows) == len(flows)
    slices: dict[int, Flow] = {}
    for row, flow in zip(rows, flows, strict=True):
        expected = features(flow, slices.setdefault(flow.id, flow))
        found = {name: value for name, value in row.items() if name.startswith("cic_")}
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            if value is None or found[name] is None:
                assert found[name] is value, name
            else:
                assert math.isfinite(found[name]), name
                assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


def test_names_become_those_of_cicflowmeter(tmp_path: Path) -> None:
    streamer = NFStreamer(CAPTURES / "redis.pcap", features="cic", names="cic")
    frame = streamer.to_pandas()
    assert list(frame.columns[:2]) == ["Flow ID", "Timestamp"]
    assert {"Src IP", "Fwd IAT Mean", "Flow Bytes/s", "FWD Init Win Bytes"} < set(frame.columns)
    assert not [name for name in frame.columns if name.startswith("cic_")]
    assert frame.columns.is_unique
    streamer.to_csv(tmp_path / "flows.csv")
    header = (tmp_path / "flows.csv").read_text().splitlines()[0]
    assert header.split(",") == list(frame.columns)
    flow = next(iter(streamer))
    assert flow.cic_total_fwd_packet == flow.src2dst_packets


def test_undefined_values_are_null(tmp_path: Path) -> None:
    streamer = NFStreamer(CAPTURES / "web.pcap", features="cic", bpf_filter="icmp or udp port 53")
    frame = streamer.to_arrow().to_pandas()
    assert frame["cic_icmp_type"].notna().equals(frame["protocol"] == 1)
    assert frame["cic_total_connection_flow_time"].isna().all()
    single = frame[frame["total_packets"] == 1]
    assert single["cic_flow_bytes_s"].isna().all()


@pytest.mark.parametrize("names", ["CIC", "", None])
def test_other_names_are_refused(names: str) -> None:
    with pytest.raises((TypeError, ValueError), match="names"):
        NFStreamer(CAPTURES / "web.pcap", names=names)
