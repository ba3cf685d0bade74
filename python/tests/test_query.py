"""Conditions, columns, order and limits of a streamer, and its sources."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer, pkt

if TYPE_CHECKING:
    from typing import BinaryIO

WEB = "tests/captures/web.pcap"
REDIS = "tests/captures/redis.pcap"


def ids(streamer: NFStreamer) -> list[int]:
    return [flow.id for flow in streamer]


def test_where_selects_flows_in_all_ways_of_reading() -> None:
    every = list(NFStreamer(WEB))
    expected = [flow.id for flow in every if flow.dst_port == 443 and flow.total_bytes > 4000]
    assert 0 < len(expected) < len(every)
    streamer = NFStreamer(WEB, where="dst_port == 443 && total_bytes > 4000")
    assert ids(streamer) == expected
    assert streamer.to_arrow()["id"].to_pylist() == expected
    assert streamer.to_pandas()["id"].tolist() == expected
    assert "dst_port == 443" in repr(streamer)
    metadata = streamer.to_arrow().schema.metadata[b"nfstream.parameters"]
    assert json.loads(metadata)["where"] == "dst_port == 443 && total_bytes > 4000"


def test_conditions_know_networks_times_and_protocols() -> None:
    where = (
        "protocol == TCP && is_private(src_ip) && !net(dst_ip, '10.0.0.0/8') "
        "&& first_seen < timestamp('2100-01-01') && duration >= duration('0s') "
        "&& last_seen < now() && lower(application_name) != 'x'"
    )
    assert ids(NFStreamer(REDIS, where=where)) == ids(NFStreamer(REDIS, where="protocol == 6"))


def test_plugins_see_all_flows_and_only_selected_ones_are_returned() -> None:
    seen: list[int] = []

    class Ports(NFPlugin):
        def on_init(self, pkt: NFPacket) -> int:
            return pkt.dst_port

        def on_expire(self, flow: NFlow) -> None:
            seen.append(flow.id)

    plugin = Ports()
    streamer = NFStreamer(WEB, plugins=plugin, where="dst_port == 53", sort="id:desc")
    flows = list(streamer)
    assert [flow.id for flow in flows] == sorted((flow.id for flow in flows), reverse=True)
    assert {flow[plugin.name] for flow in flows} == {53}
    assert sorted(seen) == sorted(ids(NFStreamer(WEB)))
    assert streamer.to_arrow()[plugin.name].to_pylist() == [53] * len(flows)


def test_columns_limit_and_sort_are_those_of_the_command() -> None:
    streamer = NFStreamer(
        WEB, columns=["dst_port", "total_bytes"], sort="total_bytes:desc", limit=3
    )
    table = streamer.to_arrow()
    assert table.column_names == ["dst_port", "total_bytes"]
    assert (
        table["total_bytes"].to_pylist()
        == sorted((flow.total_bytes for flow in NFStreamer(WEB)), reverse=True)[:3]
    )
    assert len(list(NFStreamer(WEB, limit=2))) == 2
    assert list(NFStreamer(WEB, limit=0)) == []


def test_measures_are_columns_of_queries() -> None:
    measure = {"up_acks": pkt.filter(pkt.up & pkt.ack).count()}
    every = NFStreamer(WEB, measure=measure).to_arrow()["up_acks"].to_pylist()
    streamer = NFStreamer(
        WEB, measure=measure, where="up_acks > 3", columns=["id", "up_acks"], sort="up_acks:desc"
    )
    expected = sorted((acks for acks in every if acks > 3), reverse=True)
    assert expected
    assert [flow.up_acks for flow in streamer] == expected
    assert streamer.to_arrow()["up_acks"].to_pylist() == expected


def test_named_columns_need_no_feature_and_tables_hide_the_needed_ones() -> None:
    plain = NFStreamer(WEB).to_arrow().column_names
    assert NFStreamer(WEB, where="splt_ps[0] > 0").to_arrow().column_names == plain
    assert NFStreamer(WEB, columns="community_id").to_arrow()["community_id"][0].as_py()
    assert NFStreamer(WEB, columns="id,src_ip").to_arrow().column_names == ["id", "src_ip"]


def test_separate_captures_have_their_name_as_a_column_and_an_attribute() -> None:
    streamer = NFStreamer([WEB, REDIS], separate=True)
    flows = list(streamer)
    assert {flow.source for flow in flows} == {WEB, REDIS}
    table = streamer.to_arrow()
    assert table.column_names[0] == "source"
    assert table["source"].to_pylist() == [flow.source for flow in flows]
    packets = sum(count_packets(path) for path in (WEB, REDIS))
    assert streamer.stats().packets == packets
    only = NFStreamer([WEB, REDIS], separate=True, where=f"source == '{REDIS}'", sort="id")
    assert {flow.source for flow in only} == {REDIS}
    with pytest.raises(ValueError, match="separate"):
        NFStreamer(WEB, separate=True, plugins=NFPlugin())


def count_packets(path: str) -> int:
    streamer = NFStreamer(path, dissect=False)
    list(streamer)
    return streamer.stats().packets


def test_bytes_and_file_objects_are_sources() -> None:
    expected = ids(NFStreamer(WEB))
    content = Path(WEB).read_bytes()
    for source in (content, bytearray(content), memoryview(content), io.BytesIO(content)):
        streamer = NFStreamer(source)
        assert ids(streamer) == expected
        assert ids(streamer) == expected
    with open(WEB, "rb") as file:
        streamer = NFStreamer(file, n_meters=2)
        assert ids(streamer) == expected
        assert ids(streamer) == expected
        file.seek(0)
        assert ids(NFStreamer(file, plugins=NFPlugin())) == expected


def test_a_file_object_without_positions_is_read_once() -> None:
    class Once(io.RawIOBase):
        def __init__(self, content: bytes) -> None:
            self.inner = io.BytesIO(content)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            return self.inner.readinto(buffer)

    streamer = NFStreamer(cast("BinaryIO", Once(Path(WEB).read_bytes())))
    assert ids(streamer) == ids(NFStreamer(WEB))


def test_bytes_and_files_are_one_capture() -> None:
    parts: list[bytes | str] = [Path(WEB).read_bytes(), REDIS]
    assert len(ids(NFStreamer(parts))) == len(ids(NFStreamer([WEB, REDIS])))


def test_patterns_stand_for_files(tmp_path: Path) -> None:
    for name in ("a.pcap", "b.pcap"):
        (tmp_path / name).write_bytes(Path(REDIS).read_bytes())
    streamer = NFStreamer(f"{tmp_path}/*.pcap", separate=True)
    assert {flow.source for flow in streamer} == {f"{tmp_path}/a.pcap", f"{tmp_path}/b.pcap"}
    with pytest.raises(ValueError, match="no file matches"):
        NFStreamer(f"{tmp_path}/*.cap")


def test_mistakes_are_explained() -> None:
    cases: dict[str, dict[str, Any]] = {
        "did you mean 'dst_port'": {"where": "dst_prt == 443"},
        "no column 'bidirectional_bytes'; did you mean 'total_bytes'": {
            "columns": ["bidirectional_bytes"]
        },
        "no column 'bytes'; did you mean 'total_bytes'": {"sort": "bytes:desc"},
        "limit must be": {"limit": -1},
        "where must be text": {"where": 443},
        "occurs twice": {"columns": ["id", "id"]},
        "needs dissect=True": {"columns": ["application_name"], "dissect": False},
    }
    for message, arguments in cases.items():
        with pytest.raises(ValueError, match=re.escape(message)):
            NFStreamer(WEB, **arguments)
    with pytest.raises(ValueError, match="not a capture"):
        NFStreamer(b"Dear diary, today I captured some packets")
    with pytest.raises(ValueError, match="binary mode"), open(WEB, encoding="latin-1") as file:
        NFStreamer(cast("BinaryIO", file))
    with pytest.raises(TypeError, match=r"nfstream\.v6"):
        NFStreamer(WEB, n_dissections=20)
    for slip, advice in {
        "idle_timout": "did you mean 'idle_timeout'",
        "interface": "did you mean 'source'",
        "columns_to_anonymize": "use to_pandas",
    }.items():
        with pytest.raises(TypeError, match=advice):
            cast(Any, NFStreamer)(WEB, **{slip: 20})


def test_misspelt_attributes_get_advice() -> None:
    flow = next(iter(NFStreamer(WEB)))
    with pytest.raises(AttributeError, match="did you mean 'total_bytes'"):
        _ = flow.bidirectional_bytes
    with pytest.raises(AttributeError, match="features='splt'"):
        _ = flow.splt_ps
    with pytest.raises(AttributeError, match="features='tcp_flags' adds the columns"):
        _ = flow.tcp_flags
    with pytest.raises(AttributeError, match="'requested_server_name', which needs features="):
        _ = flow.sni
    assert not hasattr(flow, "__array__")


def test_a_condition_that_fails_on_a_flow_ends_the_run() -> None:
    with pytest.raises(ValueError, match="divides by zero"):
        list(NFStreamer(WEB, where="1 / (id - id) == 1"))
