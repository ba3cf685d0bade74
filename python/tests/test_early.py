"""Records before the ends of flows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import CAPTURES
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer

WEB = CAPTURES / "web.pcap"


class Sizes(NFPlugin):
    """Lists the sizes of packets."""

    def on_init(self, pkt: NFPacket) -> list[int]:
        return [pkt.length]

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        flow.sizes.append(pkt.length)


def kinds(**options: Any) -> list[tuple[int, str, int]]:
    flows = NFStreamer(WEB, dissect=False, **options)
    return [(flow.id, flow.record_kind, flow.total_packets) for flow in flows]


def test_each_flow_has_an_early_and_a_final_record() -> None:
    final = {flow.id: flow.total_packets for flow in NFStreamer(WEB, dissect=False)}
    rows = kinds(early_packets=5)
    early = {number: packets for number, kind, packets in rows if kind == "early"}
    assert early == {number: 5 for number, packets in final.items() if packets >= 5}
    assert {number: packets for number, kind, packets in rows if kind == "final"} == final
    assert len(early) > 3
    for number in early:
        mine = [kind for one, kind, _ in rows if one == number]
        assert mine == ["early", "final"]


def test_only_the_early_record() -> None:
    rows = kinds(early_packets=5, early_only=True)
    assert sorted(number for number, *_ in rows) == list(range(len(rows)))
    assert {kind for _, kind, packets in rows if packets < 5} == {"final"}
    assert {kind for _, kind, packets in rows if packets == 5} == {"early"}
    streamer = NFStreamer(WEB, dissect=False, early_packets=5, early_only=True, max_nflows=4)
    assert len(list(streamer)) == 4


def test_updates_and_ages() -> None:
    rows = kinds(early_seconds=0.05, update_every=0.2)
    assert {kind for _, kind, _ in rows} == {"early", "update", "final"}


@pytest.mark.parametrize("n_meters", [2, 5])
def test_rows_are_the_same_for_any_number_of_meters(n_meters: int) -> None:
    options = {"early_packets": 4, "update_every": 0.1}
    assert kinds(n_meters=n_meters, **options) == kinds(n_meters=1, **options)


def test_plugins_have_their_values_of_that_time(tmp_path: Path) -> None:
    streamer = NFStreamer(WEB, plugins=Sizes(name="sizes"), dissect=False, early_packets=3)
    for flow in streamer:
        assert len(flow.sizes) == flow.total_packets
        assert sum(flow.sizes) == flow.total_bytes
    frame = streamer.to_pandas()
    assert frame["sizes"].map(len).equals(frame["total_packets"].astype("int64"))
    assert set(frame["record_kind"]) == {"early", "final"}


def test_the_column_is_present_only_with_such_records() -> None:
    assert not hasattr(next(iter(NFStreamer(WEB))), "record_kind")


@pytest.mark.parametrize(
    "options", [{"early_packets": -1}, {"early_seconds": -0.5}, {"update_every": "x"}]
)
def test_bad_values_are_refused(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=name):
        NFStreamer(WEB, **options)
