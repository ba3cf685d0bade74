"""Plugins: calls of their methods, arguments and effects."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import AckCount
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer

Call = tuple[str, str]


class Recorder(NFPlugin):
    """Records each call in a list, which several plugins can share."""

    def __init__(self, name: str, calls: list[Call], volatile: bool = False) -> None:
        super().__init__(name, volatile)
        self.calls = calls

    def on_init(self, pkt: NFPacket) -> int:
        self.calls.append((self.name, "on_init"))
        return 1

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        self.calls.append((self.name, "on_update"))

    def on_expire(self, flow: NFlow) -> None:
        self.calls.append((self.name, "on_expire"))

    def cleanup(self) -> None:
        self.calls.append((self.name, "cleanup"))


# Calls


def test_methods_are_called_for_each_packet_and_flow(web: Path) -> None:
    calls: list[Call] = []
    streamer = NFStreamer(web, plugins=[Recorder("recorder", calls)])
    flows = list(streamer)
    methods = [method for _, method in calls]
    assert methods.count("on_init") == methods.count("on_expire") == len(flows) == 29
    assert methods.count("on_init") + methods.count("on_update") == streamer.stats().flow_packets
    assert methods.count("cleanup") == 1
    assert methods[0] == "on_init"
    assert methods[-1] == "cleanup"


def test_plugins_are_called_in_the_order_given(redis: Path) -> None:
    calls: list[Call] = []
    names = ["b", "c", "a"]
    list(NFStreamer(redis, plugins=[Recorder(name, calls) for name in names]))
    for start in range(0, len(calls), 3):
        one = calls[start : start + 3]
        assert [name for name, _ in one] == names
        assert len({method for _, method in one}) == 1


def test_a_plugin_sees_the_values_of_those_before_it(redis: Path) -> None:
    class Twice(NFPlugin):
        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            flow.twice = 2 * flow.ack_count

        def on_expire(self, flow: NFlow) -> None:
            assert flow.twice == 2 * flow.ack_count

    flows = list(NFStreamer(redis, plugins=[AckCount("ack_count"), Twice("twice")]))
    assert all(flow.twice == 2 * flow.ack_count > 0 for flow in flows)


def test_columns_are_current_at_each_packet(web: Path) -> None:
    class Checker(NFPlugin):
        def on_init(self, pkt: NFPacket) -> dict[str, int]:
            return {"packets": 1, "bytes": pkt.length}

        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            flow.checker["packets"] += 1
            flow.checker["bytes"] += pkt.length
            assert flow.total_packets == flow.checker["packets"]
            assert flow.total_bytes == flow.checker["bytes"]
            assert flow.last_seen == pkt.time

    checked = list(NFStreamer(web, plugins=[Checker("checker")]))
    assert [flow.checker["packets"] for flow in checked] == [flow.total_packets for flow in checked]


def test_label_is_known_when_a_flow_has_ended(web: Path) -> None:
    class Label(NFPlugin):
        def on_expire(self, flow: NFlow) -> None:
            flow.label = flow.application_name

    flows = list(NFStreamer(web, plugins=[Label("label")]))
    assert [flow.label for flow in flows] == [flow.application_name for flow in flows]
    assert "TLS.Instagram" in {flow.label for flow in flows}


def test_value_starts_at_0_without_on_init(redis: Path) -> None:
    assert {flow.plain for flow in NFStreamer(redis, plugins=[NFPlugin("plain")])} == {0}


def test_methods_that_are_not_defined_are_never_called(
    redis: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a method of NFPlugin was called")

    for method in ("on_init", "on_update", "on_expire"):
        monkeypatch.setattr(NFPlugin, method, never)

    class OnlyUpdate(NFPlugin):
        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            flow.count += 1

    flows = list(NFStreamer(redis, plugins=[NFPlugin("nothing"), OnlyUpdate("count")]))
    assert [flow.count for flow in flows] == [flow.total_packets - 1 for flow in flows]


def test_methods_may_be_inherited_and_static(redis: Path) -> None:
    class Child(AckCount):
        @staticmethod
        def on_expire(flow: NFlow) -> None:
            flow.ack_count *= -1

    flows = list(NFStreamer(redis, plugins=[Child("ack_count")]))
    assert all(flow.ack_count < 0 for flow in flows)


def test_name_is_that_of_the_class_unless_given() -> None:
    assert (AckCount().name, AckCount("other").name) == ("AckCount", "other")


@pytest.mark.parametrize("name", ["_value", "__value__", "_"])
def test_names_do_not_begin_with_an_underscore(name: str) -> None:
    with pytest.raises(ValueError, match=f"must not begin with an underscore, as '{name}' does"):
        NFPlugin(name)
    with pytest.raises(ValueError, match="must not begin with an underscore"):
        type(name, (NFPlugin,), {})()


def test_volatile_is_false_and_user_data_none_unless_given() -> None:
    plain = NFPlugin()
    assert (plain.volatile, plain.user_data) == (False, None)
    data = object()
    assert NFPlugin(user_data=data).user_data is data


def test_user_data_is_there_in_each_method(redis: Path) -> None:
    class Ports(NFPlugin):
        def on_init(self, pkt: NFPacket) -> str:
            return str(self.user_data[pkt.dst_port])

    plugin = Ports("service", user_data={6379: "store"})
    assert {flow.service for flow in NFStreamer(redis, plugins=[plugin])} == {"store"}


def test_volatile_value_feeds_another_plugin(long: Path) -> None:
    class Gap(NFPlugin):
        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            flow.gap = pkt.time - flow.previous

    class Previous(NFPlugin):
        def on_init(self, pkt: NFPacket) -> int:
            return pkt.time

        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            flow.longest = max(flow.longest, flow.gap)
            flow.previous = pkt.time

    plugins = [
        Gap("gap", volatile=True),
        NFPlugin("longest"),
        Previous("previous", volatile=True),
    ]
    flows = list(NFStreamer(long, plugins=plugins))
    assert {flow.protocol: flow.longest // 500 for flow in flows} == {6: 9, 17: 7}, "4.5 s, 3.5 s"


# Ending flows


class EndAfter(NFPlugin):
    """Ends a flow with packet number `user_data`."""

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        if flow.total_packets == self.user_data:
            flow.expiration_id = -7


def test_flow_ends_with_the_packet_that_ends_it(redis: Path) -> None:
    streamer = NFStreamer(redis, plugins=[EndAfter("ender", user_data=5)])
    flows = list(streamer)
    ended = [flow for flow in flows if flow.expiration_id == -7]
    assert ended
    assert {flow.total_packets for flow in ended} == {5}
    assert {flow.expiration_id for flow in flows} == {0, -7}
    assert sum(flow.total_packets for flow in flows) == streamer.stats().flow_packets
    assert len({flow.id for flow in flows}) == len(flows), "what follows is a new flow"


def test_on_expire_sees_the_expiration_id(redis: Path) -> None:
    seen: set[int] = set()

    class Watcher(NFPlugin):
        def on_expire(self, flow: NFlow) -> None:
            seen.add(flow.expiration_id)

    list(NFStreamer(redis, plugins=[EndAfter("ender", user_data=5), Watcher("watcher")]))
    assert seen == {0, -7}


def test_expiration_id_must_be_negative_to_end_a_flow(redis: Path) -> None:
    class Wrong(NFPlugin):
        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            flow.expiration_id = 1

    with pytest.raises(ValueError, match="expiration_id must be set to a number below 0"):
        list(NFStreamer(redis, plugins=[Wrong()]))


def test_slices_have_values_of_their_own(long: Path) -> None:
    whole = list(NFStreamer(long, plugins=[AckCount("ack_count")]))
    slices = list(NFStreamer(long, active_timeout=5, plugins=[AckCount("ack_count")]))
    assert len(slices) > len(whole)
    for flow in whole:
        mine = [part for part in slices if part.id == flow.id]
        assert sum(part.ack_count for part in mine) == flow.ack_count
        assert [part.expiration_id for part in mine] == [1] * (len(mine) - 1) + [0]


# Packets and flows that plugins keep


def test_kept_flows_are_the_returned_ones(redis: Path) -> None:
    kept: list[NFlow] = []

    class Keeper(NFPlugin):
        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            if flow not in kept:
                kept.append(flow)

    flows = list(NFStreamer(redis, plugins=[Keeper()]))
    assert {id(flow) for flow in flows} == {id(flow) for flow in kept}
    assert sorted(flow.id for flow in kept) == list(range(6))


def test_kept_flow_is_valid_after_leaving_the_run(web: Path) -> None:
    kept: list[NFlow] = []

    class Keeper(NFPlugin):
        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            kept.append(flow)

    for _ in NFStreamer(web, plugins=[Keeper()]):
        break
    assert all(flow.total_packets >= 2 for flow in kept)


@pytest.mark.parametrize("name", ["id", "total_packets", "other"])
def test_plugin_can_set_nothing_but_values_of_plugins(redis: Path, name: str) -> None:
    class Wrong(NFPlugin):
        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            setattr(flow, name, 5)

    with pytest.raises(AttributeError, match=f"'{name}' cannot be set"):
        list(NFStreamer(redis, plugins=[Wrong()]))


# Cleaning up


def run_to_the_end(streamer: NFStreamer) -> None:
    list(streamer)


def make_a_frame(streamer: NFStreamer) -> None:
    streamer.to_pandas()


def leave_half_way(streamer: NFStreamer) -> None:
    for _ in streamer:
        break


def raise_half_way(streamer: NFStreamer) -> None:
    with pytest.raises(KeyError):
        for flow in streamer:
            raise KeyError(flow.id)


def close(streamer: NFStreamer) -> None:
    flows: Any = iter(streamer)
    next(flows)
    flows.close()


@pytest.mark.parametrize(
    "end", [run_to_the_end, make_a_frame, leave_half_way, raise_half_way, close]
)
def test_cleanup_is_called_once_at_any_end_of_a_run(
    web: Path, end: Callable[[NFStreamer], None], no_new_threads: Callable[[], None]
) -> None:
    calls: list[Call] = []
    streamer = NFStreamer(web, plugins=[Recorder("one", calls), Recorder("two", calls)])
    end(streamer)
    assert [call for call in calls if call[1] == "cleanup"] == [
        ("one", "cleanup"),
        ("two", "cleanup"),
    ]
    assert calls[-2:] == [("one", "cleanup"), ("two", "cleanup")]
    no_new_threads()


class Broken(NFPlugin):
    """Raises in the method that `user_data` names."""

    def fail(self, method: str) -> None:
        if self.user_data == method:
            raise ZeroDivisionError(f"broken {method}")

    def on_init(self, pkt: NFPacket) -> int:
        self.fail("on_init")
        return 0

    def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
        self.fail("on_update")

    def on_expire(self, flow: NFlow) -> None:
        self.fail("on_expire")

    def cleanup(self) -> None:
        self.fail("cleanup")


@pytest.mark.parametrize("method", ["on_init", "on_update", "on_expire", "cleanup"])
@pytest.mark.parametrize("read", [list, NFStreamer.to_pandas], ids=["iterated", "frame"])
def test_error_in_a_plugin_reaches_the_caller_with_its_traceback(
    web: Path, method: str, read: Any, no_new_threads: Callable[[], None]
) -> None:
    calls: list[Call] = []
    plugins = [Broken(user_data=method), Recorder("recorder", calls)]
    streamer = NFStreamer(web, plugins=plugins)
    with pytest.raises(ZeroDivisionError, match=f"broken {method}") as caught:
        read(streamer)
    lines = traceback.extract_tb(caught.value.__traceback__)
    assert [line.name for line in lines][-2:] == [method, "fail"]
    assert calls[-1] == ("recorder", "cleanup"), "the others still clean up"
    no_new_threads()


def test_error_in_a_plugin_is_not_hidden_by_one_in_cleanup(web: Path) -> None:
    class Twice(Broken):
        def cleanup(self) -> None:
            raise OSError("the device is gone")

    with pytest.raises(ZeroDivisionError, match="broken on_update"):
        list(NFStreamer(web, plugins=[Twice(user_data="on_update")]))


def test_run_after_an_error_is_whole(web: Path) -> None:
    plugin = Broken(user_data="on_update")
    streamer = NFStreamer(web, plugins=[plugin])
    with pytest.raises(ZeroDivisionError):
        list(streamer)
    plugin.user_data = None
    assert len(list(streamer)) == 29


# Batches


class Rate(NFPlugin):
    """Bytes of each packet on average, and whether they are many."""

    def on_batch(self, batch: pa.RecordBatch) -> dict[str, Any]:
        mean = batch["total_bytes"].to_numpy() / batch["total_packets"].to_numpy()
        return {"mean": mean, "is_large": (mean > 200).tolist()}


@pytest.mark.parametrize("meters", [1, 3])
def test_batches_give_columns_in_every_table(web: Path, tmp_path: Path, meters: int) -> None:
    class is_small(NFPlugin):
        def on_batch(self, batch: pa.RecordBatch) -> list[bool]:
            return [not large.as_py() for large in batch["is_large"]]

    plain = NFStreamer(web, dissect=False).to_arrow()
    means = [b / p for b, p in zip(plain["total_bytes"].to_pylist(),
                                   plain["total_packets"].to_pylist(), strict=True)]  # fmt: skip
    streamer = NFStreamer(web, dissect=False, plugins=[Rate(), is_small()], n_meters=meters)
    table = streamer.to_arrow(["src_ip"])
    assert table.column_names == [*plain.column_names, "mean", "is_large", "is_small"]
    assert table["mean"].to_pylist() == means
    assert table["is_small"].to_pylist() == [mean <= 200 for mean in means]
    assert len(table["src_ip"][0].as_py()) == 64
    assert streamer.to_pandas()["mean"].tolist() == means
    assert pa.table(streamer)["mean"].to_pylist() == means
    streamer.to_parquet(tmp_path / "flows.parquet")
    assert pq.read_table(tmp_path / "flows.parquet")["mean"].to_pylist() == means
    assert [flow.total_bytes for flow in streamer] == plain["total_bytes"].to_pylist()


def test_batches_come_after_other_plugins(web: Path) -> None:
    streamer = NFStreamer(web, plugins=[Rate(), AckCount("ack_count")])
    assert streamer.to_arrow().column_names[-3:] == ["ack_count", "mean", "is_large"]
    assert list(streamer.to_pandas().columns[-3:]) == ["mean", "is_large", "ack_count"]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "returned nothing"),
        ([1], "returned 1 values of 'wrong' for"),
        ({"id": [0] * 43}, "returned the column 'id' twice"),
        ({3: [0]}, "returned a column called 3"),
    ],
)
def test_wrong_columns_of_batches_are_refused(web: Path, result: Any, message: str) -> None:
    class wrong(NFPlugin):
        def on_batch(self, batch: pa.RecordBatch) -> Any:
            return result

    with pytest.raises(ValueError, match=message):
        NFStreamer(web, plugins=[wrong()]).to_arrow()


def test_a_plugin_works_on_batches_or_on_packets(web: Path) -> None:
    class both(Rate):
        def on_expire(self, flow: NFlow) -> None:
            pass

    with pytest.raises(ValueError, match="on_batch and on_expire"):
        NFStreamer(web, plugins=[both()])


def test_an_exception_in_a_batch_reaches_the_caller(web: Path, tmp_path: Path) -> None:
    class broken(NFPlugin):
        def on_batch(self, batch: pa.RecordBatch) -> Any:
            raise ZeroDivisionError("batch")

    for read in (NFStreamer.to_arrow, NFStreamer.to_pandas):
        with pytest.raises(ZeroDivisionError):
            read(NFStreamer(web, plugins=[broken()]))
    with pytest.raises(ZeroDivisionError):
        NFStreamer(web, plugins=[broken()]).to_csv(tmp_path / "flows.csv")
    assert not list(tmp_path.iterdir())
