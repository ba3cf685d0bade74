"""Runs on a cluster: plans, and tables that equal those of one pass cell by cell."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import failing
import nfstream
from conftest import AckCount
from failing import Mark, set_trap
from frames import udp_frame, write_pcap
from nfstream import NFStreamer, clusters
from pieces import busy_packets, cut

EVERYTHING: dict[str, Any] = {"features": "all", "dissector": "native"}


@pytest.fixture(scope="module")
def packets() -> list[tuple[int, bytes]]:
    return busy_packets()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, packets: list[tuple[int, bytes]]) -> Path:
    return write_pcap(tmp_path_factory.mktemp("one") / "one.pcap", packets)


def here(plan: nfstream.clusters.Plan, ids: str = "dense") -> pa.Table:
    """Carries out a plan in this process."""
    blocks: dict[tuple[int, int], list[bytes]] = {}
    for task in plan.tasks:
        for shard, _, _, data in clusters.map_task(plan, task):
            blocks.setdefault((task.stream, shard), []).append(data)
    tables = [clusters.table(plan, stream, data) for (stream, _), data in blocks.items()]
    return clusters.in_order(pa.concat_tables(tables, promote_options="permissive"), ids=ids)


def check(one: Path, plan: nfstream.clusters.Plan, **parameters: Any) -> None:
    expected = NFStreamer(one, n_meters=plan.shards, **parameters).to_arrow()
    found = here(plan)
    assert found.schema.names == expected.schema.names
    assert found.to_pylist() == expected.to_pylist()


@pytest.mark.parametrize("pieces", [1, 8, 64])
@pytest.mark.parametrize("track_tcp", [False, True])
@pytest.mark.parametrize("timeouts", [(30, 300), (0.05, 0.2)])
def test_pieces_give_the_table_of_one_pass(
    tmp_path: Path,
    packets: list[tuple[int, bytes]],
    one: Path,
    pieces: int,
    track_tcp: bool,
    timeouts: tuple[float, float],
) -> None:
    idle, active = timeouts
    parameters = {
        **EVERYTHING,
        "track_tcp": track_tcp,
        "idle_timeout": idle,
        "active_timeout": active,
    }
    files = cut(tmp_path, packets, pieces)
    plan = nfstream.plan(files, shards=5, task_bytes=0, **parameters)
    assert len(plan.tasks) == len(files)
    check(one, plan, **parameters)


def test_a_packet_a_file(tmp_path: Path, packets: list[tuple[int, bytes]], one: Path) -> None:
    files = cut(tmp_path, packets, len(packets))
    plan = nfstream.plan(tmp_path, shards=3, task_bytes=0, **EVERYTHING)
    assert len(plan.tasks) == len(files) == len(packets)
    check(one, plan, **EVERYTHING)
    # Small files share a task.
    assert len(nfstream.plan(tmp_path, shards=3).tasks) == 1


def test_plugins_follow_flows_across_files(
    tmp_path: Path, packets: list[tuple[int, bytes]], one: Path
) -> None:
    plan = nfstream.plan(
        cut(tmp_path, packets, 9),
        shards=4,
        task_bytes=0,
        plugins=[AckCount(name="ack_count")],
        dissector="native",
    )
    assert plan.plugin_types == {"ack_count": "int64"}
    plugins = [AckCount(name="ack_count")]
    expected = NFStreamer(one, plugins=plugins, dissector="native").to_arrow()
    assert here(plan).to_pylist() == expected.to_pylist()
    pickle.loads(pickle.dumps(plan))


def test_sparse_ids_are_unique_and_in_order(
    tmp_path: Path, packets: list[tuple[int, bytes]], one: Path
) -> None:
    plan = nfstream.plan(cut(tmp_path, packets, 8), shards=4, task_bytes=0, dissect=False)
    sparse = here(plan, ids="sparse")["id"].to_pylist()
    dense = NFStreamer(one, dissect=False).to_arrow()["id"].to_pylist()
    numbers = {birth: number for number, birth in enumerate(sorted(set(sparse)))}
    assert [numbers[birth] for birth in sparse] == dense
    assert max(sparse) < 2**63


def test_counts_of_shards_add_up(
    tmp_path: Path, packets: list[tuple[int, bytes]], one: Path
) -> None:
    plan = nfstream.plan(
        cut(tmp_path, packets, 8), shards=4, task_bytes=0, bpf_filter="not icmp", **EVERYTHING
    )
    blocks: list[list[bytes]] = [[] for _ in range(plan.shards)]
    for task in plan.tasks:
        for shard, _, _, data in clusters.map_task(plan, task):
            blocks[shard].append(data)
    streamers = [clusters.reduce_shard(plan, of_shard) for of_shard in blocks]
    for streamer in streamers:
        streamer.to_arrow()
    whole = NFStreamer(one, bpf_filter="not icmp", **EVERYTHING)
    whole.to_arrow()
    expected = whole.stats()
    for name in ("packets", "flow_packets", "flows", "late_packets", "damaged_files"):
        assert sum(getattr(s.stats(), name) for s in streamers) == getattr(expected, name), name
    ignored: dict[str, int] = {}
    for streamer in streamers:
        for reason, number in streamer.stats().ignored.items():
            ignored[reason] = ignored.get(reason, 0) + number
    assert ignored == expected.ignored


def streams(folder: Path, packets: list[tuple[int, bytes]]) -> list[Path]:
    """Writes the packets of three sensors, each into files of its own."""
    files = []
    for number, sensor in enumerate(("north", "south", "west")):
        (folder / sensor).mkdir()
        files += cut(folder / sensor, packets[number::3], 4)
    return files


def test_each_stream_is_metered_separately(
    tmp_path: Path, packets: list[tuple[int, bytes]]
) -> None:
    files = streams(tmp_path, packets)
    for shards in (1, 4):
        plan = nfstream.plan(
            files, stream_by=r"/(\w+)/[^/]*$", shards=shards, task_bytes=0, **EVERYTHING
        )
        assert plan.streams == ("north", "south", "west")
        assert plan.shards == shards
        table = here(plan)
        assert len(set(table["id"].to_pylist())) == table["id"].to_pylist()[-1] + 1
        for stream in plan.streams:
            rows = table.filter(pa.compute.equal(table["stream"], stream)).drop_columns(
                ["stream", "id"]
            )
            paths = [path for path in files if path.parent.name == stream]
            expected = NFStreamer(paths, n_meters=shards, **EVERYTHING).to_arrow()
            assert rows.to_pylist() == expected.drop_columns(["id"]).to_pylist()


def test_files_that_overlap_are_merged_in_one_task_or_refused(
    tmp_path: Path, packets: list[tuple[int, bytes]], one: Path
) -> None:
    files = [write_pcap(tmp_path / f"{number}.pcap", packets[number::2]) for number in (0, 1)]
    check(one, nfstream.plan(files, shards=3, **EVERYTHING), **EVERYTHING)
    apart = nfstream.plan(files, shards=3, task_bytes=0)
    with pytest.raises(ValueError, match=r"0\.pcap and .*1\.pcap overlap in time"):
        here(apart)
    given = nfstream.plan(files, shards=3, task_bytes=0, order="given", **EVERYTHING)
    with pytest.warns(UserWarning, match="packets .* are late"):
        expected = NFStreamer(files, order="given", **EVERYTHING).to_arrow()
    assert here(given).to_pylist() == expected.to_pylist()


def test_a_damaged_file_is_named_and_its_good_part_used(
    tmp_path: Path, packets: list[tuple[int, bytes]]
) -> None:
    files = cut(tmp_path, packets, 10)
    damaged = files[4]
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2] + b"\xff" * 64)
    plan = nfstream.plan(files, shards=3, task_bytes=0, **EVERYTHING)
    with pytest.warns(UserWarning, match=damaged.name):
        found = here(plan)
    with pytest.warns(UserWarning, match=damaged.name):
        expected = NFStreamer(files, **EVERYTHING).to_arrow()
    assert found.to_pylist() == expected.to_pylist()
    strict = nfstream.plan(files, shards=3, task_bytes=0, strict_files=True)
    with pytest.raises(ValueError, match=damaged.name):
        here(strict)


def test_a_damaged_file_of_many_is_named_by_dask(
    tmp_path: Path, packets: list[tuple[int, bytes]]
) -> None:
    pytest.importorskip("dask.dataframe")
    from nfstream import dask

    files = cut(tmp_path, packets, 300)
    files[123].write_bytes(files[123].read_bytes() + b"\xff" * 64)
    files[200].write_bytes(files[200].read_bytes()[:-10])
    plan = nfstream.plan(tmp_path, shards=3, task_bytes=0, **EVERYTHING)
    with pytest.warns(UserWarning) as warned:
        found = dask.table(plan)
    names = "\n".join(str(warning.message) for warning in warned)
    assert "00123.pcap: corrupt" in names and "00200.pcap: cut short" in names
    with pytest.warns(UserWarning):
        expected = NFStreamer(tmp_path, **EVERYTHING).to_arrow()
    assert found.to_pylist() == expected.to_pylist()
    strict = nfstream.plan(tmp_path, shards=3, task_bytes=0, strict_files=True)
    # Tasks run at the same time, so either file may be the first.
    with pytest.raises(ValueError, match=r"00(123|200)\.pcap: (corrupt|cut short)"):
        dask.table(strict)


def test_a_file_that_a_machine_does_not_have_is_an_error(
    tmp_path: Path, packets: list[tuple[int, bytes]]
) -> None:
    files = cut(tmp_path, packets, 3)
    plan = nfstream.plan(files, shards=2, task_bytes=0)
    files[1].unlink()
    with pytest.raises(FileNotFoundError, match=files[1].name):
        here(plan)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"max_nflows": 5}, "max_nflows does not work on a cluster"),
        ({"n_meters": 2}, "one meter for each of its `shards`"),
        ({"duration": 3}, "duration does not work"),
        ({"shards": -1}, "shards must be"),
        ({"task_bytes": 1.5}, "task_bytes must be"),
        ({"stream_by": "("}, "no regular expression"),
        ({"stream_by": "nowhere"}, "does not match"),
        ({"idle_timeout": -1}, "idle_timeout must be"),
        ({"plugin_types": {"x": "int64"}}, "no plugin 'x'"),
    ],
)
def test_what_cannot_work_is_refused(redis: Path, parameters: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        nfstream.plan(redis, **parameters)


def test_interfaces_and_missing_files_are_refused() -> None:
    with pytest.raises((ValueError, PermissionError), match=r"interface|capturing"):
        nfstream.plan("lo")
    with pytest.raises(ValueError, match="standard input"):
        nfstream.plan("-")
    with pytest.raises(FileNotFoundError):
        nfstream.plan("missing.pcap")


def test_blocks_in_the_wrong_order_are_refused(
    tmp_path: Path, packets: list[tuple[int, bytes]]
) -> None:
    plan = nfstream.plan(cut(tmp_path, packets, 3), shards=1, task_bytes=0)
    blocks = [data for task in plan.tasks for _, _, _, data in clusters.map_task(plan, task)]
    with pytest.raises(ValueError, match="expected block 0 of piece 1"):
        clusters.table(plan, 0, [blocks[0], blocks[2]])
    with pytest.raises(ValueError, match="blocks are missing"):
        clusters.table(plan, 0, blocks[:2])
    with pytest.raises(ValueError, match="damaged"):
        clusters.table(plan, 0, [b"no block"])
    with pytest.raises(TypeError):
        clusters.table(plan, 0, ["text"])  # type: ignore[list-item]

    def failing() -> Iterator[bytes]:
        yield blocks[0]
        raise KeyError("from the source")

    with pytest.raises(KeyError, match="from the source"):
        clusters.table(plan, 0, failing())


@pytest.mark.filterwarnings("default")
def test_dask_gives_the_table_of_one_pass_also_if_workers_are_killed(
    tmp_path: Path, packets: list[tuple[int, bytes]], one: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    import cloudpickle

    import nfstream.dask

    cloudpickle.register_pickle_by_value(failing)
    files = cut(tmp_path, packets, 40)
    expected = NFStreamer(one, plugins=[Mark(user_data="none")], **EVERYTHING).to_arrow()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        marker = tmp_path / "reduce"
        plan = nfstream.plan(
            files,
            shards=4,
            task_bytes=0,
            plugins=[Mark(user_data=str(marker))],
            plugin_types={"Mark": "int64"},
            **EVERYTHING,
        )
        marker.touch()
        assert nfstream.dask.table(plan).to_pylist() == expected.to_pylist()
        assert not marker.exists()

        marker = tmp_path / "map"
        task = plan.tasks[20]
        set_trap(task, marker)
        frame = nfstream.dask.flows(plan, ids="dense", order_columns=True)
        assert frame.npartitions == 4
        marker.touch()
        rows = frame.compute().sort_values(list(clusters.ORDER))
        assert not marker.exists()
        assert list(frame.columns) == list(rows.columns)
        assert rows["id"].tolist() == expected["id"].to_pylist()
        assert rows["src_ip"].tolist() == expected["src_ip"].to_pylist()
        assert rows["Mark"].tolist() == expected["Mark"].to_pylist()


def test_dask_without_a_cluster(tmp_path: Path, packets: list[tuple[int, bytes]]) -> None:
    pytest.importorskip("dask")
    import nfstream.dask

    files = streams(tmp_path, packets)
    plan = nfstream.plan(files, stream_by="north|south|west", shards=2, dissect=False)
    assert plan.shards == 1
    frame = nfstream.dask.flows(plan)
    assert frame.npartitions == 3
    rows = frame.compute(scheduler="synchronous")
    assert set(rows["stream"]) == {"north", "south", "west"}
    assert rows.dtypes.to_dict() == frame.dtypes.to_dict()


def test_first_fragments_are_found_in_earlier_files(tmp_path: Path) -> None:
    first, later = fragments()
    files = [write_pcap(tmp_path / "0.pcap", [(1_000_000, first)])]
    # An empty file between the two.
    files.append(write_pcap(tmp_path / "1.pcap", []))
    files.append(write_pcap(tmp_path / "2.pcap", [(9_000_000, later)]))
    plan = nfstream.plan(files, shards=2, task_bytes=0, order="given", dissect=False)
    (flow,) = here(plan).to_pylist()
    assert (flow["src_port"], flow["total_packets"]) == (1000, 2)
    tasks = [len(task.earlier) for task in plan.tasks]
    assert tasks == [0, 0, 2]


def fragments() -> tuple[bytes, bytes]:
    """Returns the two fragments of a datagram."""
    whole = bytearray(udp_frame(payload=bytes(64)))
    first, later = whole[: 14 + 20 + 32], whole[: 14 + 20] + whole[14 + 20 + 32 :]
    for frame, offset in ((first, 0x2000), (later, 4)):
        frame[16:18] = (len(frame) - 14).to_bytes(2, "big")
        frame[20:22] = offset.to_bytes(2, "big")
    return bytes(first), bytes(later)
