"""Parameters and sources of a streamer, and its error messages."""

from __future__ import annotations

import copy
import inspect
import os
import pickle
import struct
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conftest import ROOT, AckCount, each_capture
from frames import file_header, record, udp_frame, write_pcap
from nfstream import NFPlugin, NFStreamer, Stats, _engine

# Parameters


def test_parameters_have_their_documented_order_and_defaults() -> None:
    first = list(inspect.signature(NFStreamer).parameters.values())[:8]
    assert {parameter.name: parameter.default for parameter in first} == {
        "source": None,
        "snaplen": 65535,
        "idle_timeout": 30,
        "active_timeout": 300,
        "plugins": (),
        "dissect": True,
        "max_tcp_dissections": 10,
        "max_udp_dissections": 16,
    }


def test_parameters_can_be_given_in_their_order(web: Path) -> None:
    by_position = NFStreamer(web, 1500, 1, 2, [AckCount("ack_count")], False, 3, 4)
    by_name = NFStreamer(
        source=web,
        snaplen=1500,
        idle_timeout=1,
        active_timeout=2,
        plugins=[AckCount("ack_count")],
        dissect=False,
        max_tcp_dissections=3,
        max_udp_dissections=4,
    )
    assert repr(by_position) == repr(by_name)


def test_repr_is_the_call_that_makes_the_streamer(web: Path) -> None:
    text = repr(NFStreamer(web, idle_timeout=5, plugins=[AckCount("ack_count")]))
    assert text.startswith(f"NFStreamer(source='{web}'")
    assert "idle_timeout=5" in text
    assert "plugins=['ack_count']" in text


@pytest.mark.parametrize("name", ["idle_timeout", "active_timeout"])
@pytest.mark.parametrize("value", [-1, -0.001, float("nan"), "30", None, True, [30]])
def test_timeouts_must_be_seconds(web: Path, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be a number of seconds .*, not "):
        NFStreamer(web, **{name: value})


@pytest.mark.parametrize(
    "name", ["snaplen", "max_tcp_dissections", "max_udp_dissections", "n_meters"]
)
@pytest.mark.parametrize("value", [-1, 1.5, float("nan"), "10", None, True, 2**32])
def test_numbers_must_be_whole(web: Path, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be a whole number .*, not "):
        NFStreamer(web, **{name: value})


def test_parameters_are_those_of_the_engine() -> None:
    declared = {parameter["name"]: parameter for parameter in _engine.parameters()}
    signature = inspect.signature(NFStreamer).parameters
    ours = {"source", "plugins", "where", "columns", "limit", "sort", "separate", "unknown"}
    assert set(signature) - ours == set(declared)
    described = inspect.cleandoc(NFStreamer.__doc__ or "")
    for name, parameter in declared.items():
        default = signature[name].default
        # The build decides between nDPI and the dissector in Rust.
        if name == "dissector":
            assert default is None
            default = parameter["default"]
        assert default == parameter["default"] or (default, parameter["default"]) == ((), []), name
        assert f"\n    {name}: " in described, f"{name} has no description"


@pytest.mark.parametrize("parameter", _engine.parameters(), ids=lambda one: one["name"])
def test_values_are_checked_as_declared(web: Path, parameter: dict[str, Any]) -> None:
    name = parameter["name"]
    wrong: list[Any] = [object()]
    if parameter["type"] == "whole":
        wrong += [parameter["least"] - 1, parameter["most"] + 1, True, 1.5]
    for value in wrong:
        with pytest.raises(ValueError, match=f"{name} must be .*, not "):
            NFStreamer(web, **{name: value})


def test_features_are_told_by_name(web: Path) -> None:
    with pytest.raises(ValueError, match=r'no column group "tcp-flags"; did you mean "tcp_flags"'):
        NFStreamer(web, features=["splt", "tcp-flags"])
    with pytest.raises(ValueError, match="features must be names of column groups, not 3"):
        NFStreamer(web, features=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, "yes", 2, float("nan")])
def test_dissect_must_be_true_or_false(web: Path, value: Any) -> None:
    with pytest.raises(ValueError, match="dissect must be True or False, not "):
        NFStreamer(web, dissect=value)


def test_timeouts_may_have_fractions_and_be_endless(long: Path) -> None:
    endless = float("inf")
    whole = list(NFStreamer(long, idle_timeout=endless, active_timeout=endless, dissect=False))
    assert len(whole) == 2
    cut = list(NFStreamer(long, idle_timeout=0.25, dissect=False))
    assert len(cut) > 20, "an exchange every half a second is a flow each"


def test_timeouts_of_zero_make_a_flow_of_each_packet(web: Path) -> None:
    streamer = NFStreamer(web, idle_timeout=0, active_timeout=0, dissect=False)
    packets = [flow.total_packets for flow in streamer]
    assert set(packets) == {1}
    assert len(packets) == streamer.stats().flow_packets


def test_numpy_numbers_are_numbers(web: Path) -> None:
    numpy = pytest.importorskip("numpy")
    given = NFStreamer(web, idle_timeout=numpy.float32(0.5), max_tcp_dissections=numpy.int64(3))
    assert "idle_timeout=0.5" in repr(given)
    assert "max_tcp_dissections=3," in repr(given)


# Sources


@pytest.mark.parametrize("source", [None, 5, [], [None], {"web.pcap"}])
def test_source_must_be_a_path_or_paths(source: Any) -> None:
    with pytest.raises(ValueError, match="source must "):
        NFStreamer(source)


def test_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        NFStreamer("no/such/file.pcap")
    assert caught.value.filename == "no/such/file.pcap"


def test_folder_without_captures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no captures in this folder"):
        NFStreamer(tmp_path)


def test_file_without_permission_is_named(tmp_path: Path, web: Path) -> None:
    secret = tmp_path / "secret.pcap"
    secret.write_bytes(web.read_bytes())
    secret.chmod(0)
    if os.geteuid() != 0:
        with pytest.raises(PermissionError) as caught:
            NFStreamer(secret)
        assert caught.value.filename == str(secret)
        return
    # Root may read every file, so a child changes its user after importing the package.
    tmp_path.chmod(0o711)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o711)
    program = (
        "import os, sys, nfstream\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: nfstream.NFStreamer(sys.argv[1])\n"
        "except PermissionError as error: print(error.filename)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", program, str(secret)], capture_output=True, text=True, timeout=60
    )
    assert child.stdout == f"{secret}\n", child.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a note, not a capture\n" * 10, "not a capture file"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "file header is cut short"),
        (b"\x1f\x8b\x08\x00 not gzip after all", "."),
    ],
    ids=["text", "half a header", "broken gzip"],
)
def test_file_that_is_no_capture_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "odd.pcap"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"odd\.pcap: .*{message}"):
        NFStreamer(path)


def test_unknown_link_type_is_named(tmp_path: Path) -> None:
    path = write_pcap(tmp_path / "usb.pcap", [(0, udp_frame())], link_type=189)
    with pytest.raises(ValueError, match=r"usb\.pcap: packets of link type .*189.* not supported"):
        NFStreamer(path)


def test_one_bad_file_of_a_list_is_named(tmp_path: Path, web: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("no capture, but longer than the header of one\n")
    with pytest.raises(ValueError, match=r"note\.txt: not a capture file"):
        NFStreamer([web, note], strict_files=True)
    with pytest.raises(FileNotFoundError, match=r"missing\.pcap"):
        NFStreamer([web, tmp_path / "missing.pcap"])


def test_list_of_files_is_one_capture(redis: Path, tmp_path: Path) -> None:
    content = redis.read_bytes()
    header, rest = content[:24], content[24:]
    middle = 0
    while middle < len(rest) // 2:
        middle += 16 + struct.unpack_from("<I", rest, middle + 8)[0]
    first, second = tmp_path / "1.pcap", tmp_path / "2.pcap"
    first.write_bytes(header + rest[:middle])
    second.write_bytes(header + rest[middle:])
    assert rows([first, second]) == rows(redis)
    assert len(rows(first)) + len(rows(second)) > len(rows(redis)), "a flow lies across the cut"


def rows(source: Path | list[Path], **parameters: Any) -> list[dict[str, Any]]:
    return [flow.to_dict() for flow in NFStreamer(source, **parameters)]


def test_source_may_be_text_path_or_tuple(redis: Path) -> None:
    assert rows(redis) == [flow.to_dict() for flow in NFStreamer(str(redis))]
    assert rows(redis) == [flow.to_dict() for flow in NFStreamer((redis,))]


@pytest.mark.parametrize("packed", ["dns.pcap.gz", "redis.pcap.zst"])
def test_compressed_file_gives_the_same_flows(packed: str, web: Path) -> None:
    path = web.parent / packed
    assert rows(path) == rows(path.with_suffix(""))


def test_capture_without_packets_has_no_flows(tmp_path: Path) -> None:
    streamer = NFStreamer(write_pcap(tmp_path / "none.pcap", []))
    assert list(streamer) == []
    assert streamer.stats() == Stats()


# Truncated and damaged captures


def test_cut_pcap_gives_all_flows_up_to_the_cut_and_a_warning(tmp_path: Path, web: Path) -> None:
    content = web.read_bytes()
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(content[:-10])
    streamer = NFStreamer(cut)
    with pytest.warns(UserWarning, match=r"cut\.pcap: cut short in the packet"):
        flows = list(streamer)
    assert streamer.stats().packets == 260
    assert sum(flow.total_packets for flow in flows) == streamer.stats().flow_packets


def test_cut_pcapng_block_gives_all_flows_up_to_the_cut_and_a_warning(
    tmp_path: Path, web: Path
) -> None:
    content = (web.parent / "mixed.pcapng").read_bytes()
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(content[: len(content) // 2 + 1])
    streamer = NFStreamer(cut)
    with pytest.warns(UserWarning, match=r"cut\.pcapng: cut short in the packet or block"):
        flows = list(streamer)
    assert 0 < streamer.stats().packets < 100
    assert sum(flow.total_packets for flow in flows) == streamer.stats().flow_packets


def test_warning_points_to_the_line_that_iterates(tmp_path: Path, web: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(web.read_bytes()[:-10])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        NFStreamer(cut).to_pandas()
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("read", [list, NFStreamer.to_pandas], ids=["iterated", "frame"])
def test_files_after_a_cut_one_are_read(tmp_path: Path, redis: Path, web: Path, read: Any) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(redis.read_bytes()[:-10])
    streamer = NFStreamer([cut, web])
    with pytest.warns(UserWarning, match=r"cut\.pcap"):
        read(streamer)
    assert streamer.stats().packets == 82 + 261


def test_record_that_claims_4_gib_is_the_last_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "greedy.pcap"
    good, greedy = record(0, udp_frame()), record(1, udp_frame(), captured=2**32 - 1)
    path.write_bytes(file_header() + good + greedy)
    streamer = NFStreamer(path)
    flows = iter(streamer)
    assert next(flows).total_packets == 1
    with pytest.warns(UserWarning, match=r"greedy\.pcap: corrupt at byte .*4294967295"):
        assert next(flows, None) is None
    assert streamer.stats().packets == 1


@each_capture
def test_every_packet_is_in_a_flow_or_ignored_for_a_reason(capture: Path) -> None:
    streamer = NFStreamer(capture)
    flows = list(streamer)
    stats = streamer.stats()
    assert stats.packets == stats.flow_packets + sum(stats.ignored.values())
    assert stats.flow_packets == sum(flow.total_packets for flow in flows)
    assert stats.flows == len(flows)
    assert stats.late_packets == 0
    for flow in flows:
        assert flow.total_packets == flow.src2dst_packets + flow.dst2src_packets
        assert flow.total_bytes == flow.src2dst_bytes + flow.dst2src_bytes
        assert flow.duration == flow.last_seen - flow.first_seen >= 0


def test_more_active_flows_than_allowed_are_evicted_and_counted(web: Path) -> None:
    streamer = NFStreamer(web, max_active_flows=2, n_meters=1, features="end_reason")
    flows = list(streamer)
    evicted = [flow for flow in flows if flow.end_reason == "evicted"]
    assert len(evicted) == streamer.stats().evicted_flows == len(flows) - 2
    assert {flow.expiration_id for flow in evicted} == {0}
    unlimited = NFStreamer(web, max_active_flows=0)
    assert len(list(unlimited)) == len(flows)
    assert unlimited.stats().evicted_flows == 0
    with pytest.raises(ValueError, match="max_active_flows must be a whole number of at least 0"):
        NFStreamer(web, max_active_flows=-1)


def test_stats_name_the_reason_for_ignored_packets(web: Path) -> None:
    streamer = NFStreamer(web)
    assert streamer.stats() == Stats(), "before the first run there is nothing to count"
    streamer.to_pandas()
    assert set(streamer.stats().ignored) == {"not_ip"}, "which is ARP"


# Plugins as a parameter


def test_one_plugin_needs_no_list(web: Path) -> None:
    assert all(flow.ack_count >= 0 for flow in NFStreamer(web, plugins=AckCount("ack_count")))


def test_class_of_a_plugin_is_no_plugin(web: Path) -> None:
    with pytest.raises(ValueError, match=r"write AckCount\(\), not AckCount"):
        NFStreamer(web, plugins=[AckCount])  # type: ignore[list-item]


@pytest.mark.parametrize("value", [5, "ack_count", [5], [object()], [None], None])
def test_plugins_must_be_plugins(web: Path, value: Any) -> None:
    with pytest.raises(ValueError, match="plugins must be NFPlugin instances, not "):
        NFStreamer(web, plugins=value)


def test_two_plugins_must_not_have_one_name(web: Path) -> None:
    with pytest.raises(ValueError, match="'twice' is another plugin's"):
        NFStreamer(web, plugins=[NFPlugin("twice"), NFPlugin("twice", volatile=True)])


@pytest.mark.parametrize("name", ["id", "total_packets", "application_name"])
@pytest.mark.parametrize("dissect", [True, False])
def test_plugin_must_not_have_the_name_of_a_column(web: Path, name: str, dissect: bool) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is a column's"):
        NFStreamer(web, plugins=[NFPlugin(name)], dissect=dissect)


@pytest.mark.parametrize("name", ["", "two words", "1st", "class", 5])
def test_plugin_must_have_the_name_of_an_attribute(name: Any) -> None:
    with pytest.raises(ValueError, match="name of a plugin must be a Python identifier, not "):
        NFPlugin(name)


@pytest.mark.parametrize("name", ["keys", "values", "to_dict"])
def test_plugin_must_not_have_the_name_of_a_method(web: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is a method's"):
        NFStreamer(web, plugins=[NFPlugin(name)])


# Around the engine


def test_import_loads_neither_pandas_nor_pyarrow_nor_numpy() -> None:
    program = "import sys, nfstream; print({'pandas', 'pyarrow', 'numpy'} & set(sys.modules))"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert child.stdout == "set()\n", child.stderr


def test_to_pandas_without_pandas_says_what_to_install(web: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['pandas'] = None\n"
        "from nfstream import NFStreamer\n"
        "try: NFStreamer(sys.argv[1]).to_pandas()\n"
        "except ImportError as error: print(error)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", program, str(web)], capture_output=True, text=True
    )
    assert "pip install 'nfstream-rs[pandas]'" in child.stdout, child.stderr


def test_package_says_its_version() -> None:
    import nfstream

    assert f'version = "{nfstream.__version__}"' in (ROOT / "Cargo.toml").read_text()


def test_package_has_no_more_names_than_it_lists() -> None:
    import nfstream

    public = {
        name
        for name, value in vars(nfstream).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public == set(nfstream.__all__) - {"__version__"}
    assert all(hasattr(nfstream, name) for name in nfstream.__all__)


@pytest.mark.parametrize("name", ["idle_timeout", "source", "plugins", "features", "rules"])
def test_a_parameter_cannot_be_set_on_an_existing_streamer(web: Path, name: str) -> None:
    streamer = NFStreamer(web)
    with pytest.raises(AttributeError, match=f"'{name}' cannot be set on a streamer"):
        setattr(streamer, name, 5)
    assert name not in vars(streamer)


def test_a_streamer_can_be_copied_between_runs(web: Path) -> None:
    streamer = NFStreamer(web, idle_timeout=5, plugins=[NFPlugin("zero")])
    flows = [flow.to_dict() for flow in streamer]
    for made in (
        copy.copy(streamer),
        copy.deepcopy(streamer),
        pickle.loads(pickle.dumps(streamer)),
    ):
        assert repr(made) == repr(streamer)
        assert made.stats() == Stats()
        assert [flow.to_dict() for flow in made] == flows
        assert made.stats() == streamer.stats()
    loop = iter(streamer)
    next(loop)
    for make in (copy.copy, pickle.dumps):
        with pytest.raises(TypeError, match="a run in progress"):
            make(streamer)
    list(loop)
    copy.copy(streamer)


def test_flows_beyond_the_byte_limit_are_evicted_and_counted(web: Path) -> None:
    streamer = NFStreamer(web, max_active_bytes=2000, n_meters=1, features="end_reason")
    flows = list(streamer)
    evicted = [flow for flow in flows if flow.end_reason == "evicted"]
    assert 0 < len(evicted) == streamer.stats().evicted_flows
    packets = sum(flow.total_packets for flow in flows)
    assert packets == streamer.stats().flow_packets == sum(f.total_packets for f in NFStreamer(web))


@pytest.mark.parametrize("n_meters", [1025, 10**9, -1])
def test_more_meters_than_threads_are_refused(web: Path, n_meters: int) -> None:
    with pytest.raises(ValueError, match="n_meters must be a whole number from 0 to 1024"):
        NFStreamer(web, n_meters=n_meters)


def test_rules_label_flows(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\napplication = "Cache"\nports = ["tcp/6379"]\n')
    redis = ROOT / "tests/captures/redis.pcap"
    labels = {
        flow.application_name for flow in NFStreamer(redis, dissector="native", rules=str(rules))
    }
    assert labels == {"RESP.Cache"}
    rules.write_text('[[rule]]\napplication = "Cache"\nports = ["tcp/70000"]\n')
    with pytest.raises(ValueError, match=r"rules\.toml: line 3"):
        NFStreamer(redis, dissector="native", rules=str(rules))
