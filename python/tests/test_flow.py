"""Flows as Python objects."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import textwrap
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import AckCount
from frames import udp_frame, write_pcap
from nfstream import NFlow, NFPlugin, NFStreamer


@pytest.fixture(params=["plain", "plugin"])
def flow(request: pytest.FixtureRequest, redis: Path) -> NFlow:
    """The first flow of a capture, from a run without plugins and from one with a plugin."""
    plugins = [AckCount("ack_count")] if request.param == "plugin" else []
    return next(iter(NFStreamer(redis, plugins=plugins)))


def test_columns_are_attributes(flow: NFlow) -> None:
    assert {name: getattr(flow, name) for name in flow.keys()} == flow.to_dict()
    assert (flow.id, flow.version, flow.protocol, flow.vlan_id) == (0, 4, 6, 0)
    assert (flow.dst_port, flow.application_name, flow.category_name) == (6379, "RESP", "Database")
    assert flow.total_packets == flow.src2dst_packets + flow.dst2src_packets > 0


def test_columns_are_items(flow: NFlow) -> None:
    assert [flow[name] for name in flow.keys()] == flow.values()
    with pytest.raises(KeyError, match="no_such_column"):
        flow["no_such_column"]


def test_keys_and_values_go_together(flow: NFlow) -> None:
    assert flow.keys()[:3] == ["id", "first_seen", "last_seen"]
    assert dict(zip(flow.keys(), flow.values(), strict=True)) == flow.to_dict()
    assert dict(flow) == flow.to_dict()


def test_named_tuple_has_the_columns_in_order(flow: NFlow) -> None:
    row = flow.to_namedtuple()
    assert type(row).__name__ == "NFlow"
    assert row._asdict() == flow.to_dict()
    assert list(row) == flow.values()


def test_repr_shows_ends_names_and_volume(flow: NFlow) -> None:
    text = repr(flow)
    assert text == str(flow) and text.startswith("NFlow(id=")
    for name in ("src_ip", "dst_ip", "dst_port", "total_bytes", "application_name"):
        assert f"{name}={flow[name]!r}" in text
    assert "first_seen" not in text and "j3a_client" not in text


def test_repr_shows_each_name_once(web: Path) -> None:
    streamer = NFStreamer(web, features=["tls", "dissection"])
    flow = next(flow for flow in streamer if flow.tls_server_name)
    assert repr(flow).count(repr(flow.tls_server_name)) == 1
    page = flow._repr_html_()
    assert page.index(flow.tls_server_name) < page.index("<details>") < page.index("tls_alpn")


def test_dir_lists_columns_and_methods(flow: NFlow) -> None:
    assert {*flow.keys(), "keys", "to_dict"} <= set(dir(flow))


def test_numbers_are_int_and_text_is_str(flow: NFlow) -> None:
    texts = {"src_ip", "dst_ip", "application_name", "category_name"}
    texts |= {"client_info", "server_info", "j3a_client", "j3a_server"}
    for name, value in flow.to_dict().items():
        assert type(value) is (str if name in texts else int), name


@pytest.mark.parametrize("name", ["id", "total_packets", "application_name", "brand_new"])
def test_columns_cannot_be_set(flow: NFlow, name: str) -> None:
    before = flow.to_dict()
    with pytest.raises(AttributeError, match=f"'{name}'"):
        setattr(flow, name, 5)
    with pytest.raises(AttributeError):
        delattr(flow, name)
    assert flow.to_dict() == before


def test_unknown_attribute_is_named(flow: NFlow) -> None:
    with pytest.raises(AttributeError, match="no_such_column"):
        _ = flow.no_such_column


def test_flow_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError):
        NFlow()


def test_volatile_value_is_an_attribute_but_no_column(redis: Path) -> None:
    plugins = [NFPlugin("hidden", volatile=True), NFPlugin("kept")]
    flow = next(iter(NFStreamer(redis, plugins=plugins)))
    assert flow.hidden == 0
    assert "hidden" not in flow.keys()
    assert "hidden" not in flow.to_dict()
    assert not hasattr(flow.to_namedtuple(), "hidden")
    assert "hidden=" not in repr(flow)
    assert flow.keys()[-1] == "kept"


def test_values_of_a_flow_are_freed_with_it(redis: Path) -> None:
    class Anything:
        pass

    alive: list[weakref.ref[Anything]] = []

    class Holder(NFPlugin):
        def on_init(self, pkt: Any) -> Anything:
            value = Anything()
            alive.append(weakref.ref(value))
            return value

    flows = list(NFStreamer(redis, plugins=[Holder("held")]))
    assert all(reference() is not None for reference in alive)
    del flows
    gc.collect()
    assert [reference() for reference in alive] == [None] * 6


def test_dictionary_of_a_flow_is_a_copy(flow: NFlow) -> None:
    changed = flow.to_dict()
    unchanged = copy.copy(changed)
    changed["id"] = 99
    assert flow.to_dict() == unchanged


COPIES: list[Callable[[NFlow], NFlow]] = [
    copy.copy,
    copy.deepcopy,
    lambda flow: pickle.loads(pickle.dumps(flow)),
]


@pytest.mark.parametrize("make", COPIES, ids=["copy", "deepcopy", "pickle"])
def test_flows_can_be_copied(flow: NFlow, make: Callable[[NFlow], NFlow]) -> None:
    made = make(flow)
    assert isinstance(made, NFlow)
    assert made.to_dict() == flow.to_dict()
    assert repr(made) == repr(flow)
    assert made.to_namedtuple() == flow.to_namedtuple()
    assert (made.id, made["dst_port"]) == (flow.id, 6379)
    with pytest.raises(AttributeError, match="cannot be set"):
        made.expiration_id = -1
    with pytest.raises(AttributeError):
        made.nothing  # noqa: B018


def test_copies_keep_the_values_of_plugins(redis: Path) -> None:
    plugins = [NFPlugin("one"), NFPlugin("hidden", volatile=True)]
    flow = next(iter(NFStreamer(redis, plugins=plugins, features="splt")))
    made = pickle.loads(pickle.dumps(flow))
    assert (made.one, made.hidden, made.splt_ps) == (0, 0, flow.splt_ps)
    assert "hidden" not in made.keys()
    assert copy.deepcopy(made).to_dict() == flow.to_dict()


def test_a_kept_flow_does_not_keep_its_batch(tmp_path: Path) -> None:
    code = """
        import sys
        from nfstream import NFStreamer

        def private() -> int:
            for line in open("/proc/self/status"):
                if line.startswith("RssAnon:"):
                    return int(line.split()[1])
            return 0

        kept, before = [], private()
        options = {"dissect": False, "n_meters": 1, "idle_timeout": 1, "features": "all"}
        for flow in NFStreamer(sys.argv[1], **options):
            if flow.id % 1000 == 0:
                kept.append(flow)
        print(len(kept), private() - before)
    """

    # Flows of a batch end together.
    def packets() -> Iterator[tuple[int, bytes]]:
        for number in range(60_000):
            yield number // 1000 * 2_000_000, udp_frame(src_port=number % 60_000)

    path = write_pcap(tmp_path / "many.pcap", packets())
    output = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    kept, grown = map(int, output.split())
    assert kept == 60
    # Each batch of 1,000 flows with all features takes more than 1 MB.
    assert grown < 40_000, f"memory grew by {grown} kB"
