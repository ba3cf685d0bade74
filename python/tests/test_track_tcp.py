"""Flows that end with their TCP connection: one rule per conversation, made with scapy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from frames import write_pcap
from nfstream import NFlow, NFPacket, NFPlugin, NFStreamer

CLIENT, SERVER = ("192.0.2.1", 40_000), ("192.0.2.2", 443)


class Segment(NamedTuple):
    """A captured segment, at `at` microseconds."""

    at: int
    frame: bytes


class Connection:
    """Makes the segments of a connection, 1 ms apart, from two initial sequence numbers."""

    def __init__(self, client_begin: int = 1000, server_begin: int = 5000, at_ms: int = 0) -> None:
        self.next = {CLIENT: client_begin, SERVER: server_begin}
        self.at_us = at_ms * 1000
        self.segments: list[Segment] = []

    def send(self, sender: tuple[str, int], flags: str, payload: bytes = b"", **fields: int) -> int:
        """Adds a segment and returns its index; `fields` replace fields of the header."""
        receiver = SERVER if sender == CLIENT else CLIENT
        header: dict[str, Any] = {
            "seq": self.next[sender],
            "ack": self.next[receiver] if "A" in flags else 0,
            "window": 1000,
            **fields,
        }
        packet = (
            Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
            / IP(src=sender[0], dst=receiver[0])
            / TCP(sport=sender[1], dport=receiver[1], flags=flags, **header)
            / payload
        )
        if "seq" not in fields:
            self.next[sender] += len(payload) + ("S" in flags) + ("F" in flags)
        self.at_us += 1000
        self.segments.append(Segment(self.at_us, bytes(packet)))
        return len(self.segments) - 1

    def open(self) -> Connection:
        """Adds five segments: the handshake, a request and an answer."""
        self.send(CLIENT, "S")
        self.send(SERVER, "SA")
        self.send(CLIENT, "A")
        self.send(CLIENT, "PA", b"question")
        self.send(SERVER, "PA", b"answer")
        return self

    def finish(self) -> Connection:
        """Adds FIN, FIN and the last ACK."""
        self.send(CLIENT, "FA")
        self.send(SERVER, "FA")
        self.send(CLIENT, "A")
        return self


def connected() -> Connection:
    return Connection().open()


def flows(tmp_path: Path, segments: Sequence[Segment], **parameters: Any) -> list[NFlow]:
    path = write_pcap(tmp_path / "connection.pcap", segments)
    parameters = {"track_tcp": True, "features": ["end_reason"], "dissect": False, **parameters}
    return list(NFStreamer(path, **parameters))


def ends(tmp_path: Path, segments: Sequence[Segment], **parameters: Any) -> list[tuple[int, str]]:
    """Returns packets and end reason of each flow."""
    found = flows(tmp_path, segments, **parameters)
    return [(flow.total_packets, flow.end_reason) for flow in found]


def stream_after(connection: Connection) -> list[Segment]:
    """Returns the segments, followed by those of another connection between the same ends."""
    begun_ms = connection.at_us // 1000 + 1000
    later = Connection(client_begin=900_000, server_begin=700_000, at_ms=begun_ms).open()
    return connection.segments + later.segments


# Opening another connection


def flags_of(connection: Connection, *flags: str) -> None:
    """Adds segments: upper-case flags of the client, lower-case ones of the server."""
    for one in flags:
        connection.send(CLIENT if one.isupper() else SERVER, one.upper())


def reused(connection: Connection, client_begin: int = 900_000) -> Connection:
    """Returns the segments, followed by another connection; the end of the first is missing."""
    connection.next = {CLIENT: client_begin, SERVER: 700_000}
    return connection


def test_an_answered_syn_with_a_new_number_opens_another_connection(tmp_path: Path) -> None:
    both = reused(connected()).open().finish()
    assert ends(tmp_path, both.segments) == [(5, "tcp_reopened"), (8, "tcp_fin")]
    first, second = flows(tmp_path, both.segments)
    assert (first.id, second.id) == (0, 1)
    assert (second.src_ip, second.src_port) == CLIENT
    assert (first.last_seen, second.first_seen) == (5, 6)


@pytest.mark.parametrize("n_meters", [1, 3])
def test_numbers_of_another_connection_may_be_lower_or_wrap(tmp_path: Path, n_meters: int) -> None:
    for begin in (10, 2**32 - 1, 0):
        both = reused(connected(), begin)
        both.send(CLIENT, "S", seq=begin)
        both.next[CLIENT] = (begin + 1) % 2**32
        flags_of(both, "sa", "A")
        found = ends(tmp_path, both.segments, n_meters=n_meters)
        assert found == [(5, "tcp_reopened"), (3, "end_of_input")], begin


def test_a_syn_repeated_before_its_answer_opens_one_connection(tmp_path: Path) -> None:
    both = reused(connected())
    for _ in range(3):
        both.send(CLIENT, "S", seq=900_000)
    both.next[CLIENT] = 900_001
    flags_of(both, "sa", "A")
    assert ends(tmp_path, both.segments) == [(5, "tcp_reopened"), (5, "end_of_input")]


def test_another_connection_is_detected_without_the_answer(tmp_path: Path) -> None:
    both = reused(connected())
    both.send(CLIENT, "S")
    both.send(CLIENT, "A")
    assert ends(tmp_path, both.segments) == [(5, "tcp_reopened"), (2, "end_of_input")]


def test_one_direction_shows_another_connection(tmp_path: Path) -> None:
    for end in (CLIENT, SERVER):
        first, second = connected(), Connection(900_000, 700_000, at_ms=5_000).open()
        segments = [
            one for one in first.segments + second.segments
            if one.frame[26:30] == bytes(map(int, end[0].split(".")))
        ]  # fmt: skip
        found = [packets for packets, _ in ends(tmp_path, segments)]
        assert found == [len(segments) // 2] * 2, end


def test_a_simultaneous_open_is_one_connection(tmp_path: Path) -> None:
    for connection in (Connection(), reused(connected())):
        before = len(connection.segments)
        flags_of(connection, "S", "s")
        connection.send(CLIENT, "SA", seq=connection.next[CLIENT] - 1)
        connection.send(SERVER, "SA", seq=connection.next[SERVER] - 1)
        flags_of(connection, "A", "a")
        found = [packets for packets, _ in ends(tmp_path, connection.segments)]
        assert found == ([6] if before == 0 else [5, 6])


def test_a_lone_syn_opens_nothing(tmp_path: Path) -> None:
    connection = connected()
    connection.send(CLIENT, "S", seq=70_000_000)
    assert ends(tmp_path, connection.segments) == [(6, "end_of_input")]
    # A challenge ACK has the numbers of the old connection.
    connection.send(SERVER, "A")
    connection.send(CLIENT, "PA", b"more")
    connection.finish()
    assert ends(tmp_path, connection.segments) == [(11, "tcp_fin")]


def test_a_challenged_syn_opens_a_connection_after_the_reset(tmp_path: Path) -> None:
    connection = connected()
    connection.send(CLIENT, "S", seq=70_000_000)
    connection.send(SERVER, "A")
    connection.send(CLIENT, "R")
    connection.next = {CLIENT: 70_000_000, SERVER: 8_000_000}
    flags_of(connection, "S", "sa", "A")
    assert ends(tmp_path, connection.segments) == [(8, "tcp_rst"), (3, "end_of_input")]


@pytest.mark.filterwarnings("ignore:.* are late:UserWarning")
def test_the_known_syn_opens_nothing_early_late_or_again(tmp_path: Path) -> None:
    segments = connected().finish().segments
    syn, answer = segments[0], segments[1]
    for place in range(1, len(segments) + 1):
        for one in (syn, answer):
            again = [*segments[:place], one, *segments[place:]]
            assert ends(tmp_path, again) == [(9, "tcp_fin")], place
    for place in range(1, len(segments)):
        late = [*segments[1 : place + 1], syn, *segments[place + 1 :]]
        assert ends(tmp_path, late) == [(8, "tcp_fin")], place


def test_a_held_syn_belongs_to_the_flow_for_the_timeouts(tmp_path: Path) -> None:
    connection = connected()
    connection.at_us = 25_000_000
    connection.send(CLIENT, "S", seq=70_000_000)
    connection.at_us = 50_000_000
    connection.send(SERVER, "A")
    assert ends(tmp_path, connection.segments) == [(7, "end_of_input")]
    assert ends(tmp_path, connection.segments, active_timeout=20) == [
        (5, "active"),
        (1, "active"),
        (1, "end_of_input"),
    ]
    connection.at_us = 120_000_000
    connection.send(SERVER, "A")
    assert ends(tmp_path, connection.segments) == [(7, "idle"), (1, "end_of_input")]


def test_an_evicted_flow_includes_its_held_syn(tmp_path: Path) -> None:
    connection = connected()
    connection.send(CLIENT, "S", seq=70_000_000)
    other = Connection(at_ms=1_000).open()
    segments = [
        Segment(one.at, one.frame[:34] + b"\x11\x11" + one.frame[36:]) for one in other.segments[:1]
    ]
    found = ends(tmp_path, connection.segments + segments, max_active_flows=1)
    assert found == [(6, "evicted"), (1, "end_of_input")]


@pytest.mark.parametrize("is_refuted", [False, True])
def test_a_plugin_may_end_a_flow_at_its_held_syn(tmp_path: Path, is_refuted: bool) -> None:
    class EndsAtSyn(NFPlugin):
        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            if pkt.tcpflags.syn and not pkt.tcpflags.ack:
                flow.expiration_id = -1

    connection = connected()
    connection.send(CLIENT, "S", seq=70_000_000)
    if is_refuted:
        connection.send(SERVER, "A")
    other = Connection(at_ms=1_000)
    for _ in range(4):
        other.send(CLIENT, "A", b"x")
    # Each from another port, so from another flow.
    others = [
        Segment(one.at, one.frame[:34] + bytes([0x11, place]) + one.frame[36:])
        for place, one in enumerate(other.segments)
    ]
    found = flows(tmp_path, connection.segments + others, plugins=[EndsAtSyn()], max_active_flows=1)
    packets = [flow.total_packets for flow in found]
    assert packets == ([6, 1, 1, 1, 1, 1] if is_refuted else [6, 1, 1, 1, 1])
    assert len({flow.id for flow in found}) == len(found)


def test_plugins_see_a_held_syn_once(tmp_path: Path) -> None:
    class Count(NFPlugin):
        def on_init(self, pkt: NFPacket) -> int:
            return 1

        def on_update(self, pkt: NFPacket, flow: NFlow) -> None:
            flow.count += 1

    both = reused(connected())
    both.send(CLIENT, "S", seq=5)
    both.send(CLIENT, "S")
    flags_of(both, "sa", "A")
    found = flows(tmp_path, both.segments, plugins=Count("count"))
    assert [(flow.total_packets, flow.count) for flow in found] == [(6, 6), (3, 3)]


@pytest.mark.parametrize("n_meters", [1, 2])
@pytest.mark.parametrize(
    ("name", "expected"),
    [("reuse_no_end", [9, 12]), ("challenge_ack", [20]), ("syn_again", [11])],
)
def test_cases_of_reused_ports(shared: Path, name: str, expected: list[int], n_meters: int) -> None:
    case = shared / "cases" / f"{name}.pcap"
    found = NFStreamer(case, track_tcp=True, dissect=False, n_meters=n_meters)
    assert [flow.total_packets for flow in found] == expected


# Closing a connection


def test_fin_both_ways_and_the_last_ack_close(tmp_path: Path) -> None:
    closed = connected().finish()
    assert ends(tmp_path, closed.segments) == [(8, "tcp_fin")]
    assert ends(tmp_path, stream_after(closed)) == [(8, "tcp_fin"), (5, "end_of_input")]


def test_two_fins_close_when_each_has_been_acknowledged(tmp_path: Path) -> None:
    connection = connected()
    connection.send(CLIENT, "FA")
    connection.send(SERVER, "A")
    connection.send(SERVER, "FA")
    assert ends(tmp_path, connection.segments) == [(8, "end_of_input")]
    connection.send(CLIENT, "A")
    assert ends(tmp_path, stream_after(connection)) == [(9, "tcp_fin"), (5, "end_of_input")]


def test_simultaneous_close(tmp_path: Path) -> None:
    connection = connected()
    client_fin, server_fin = connection.next[CLIENT], connection.next[SERVER]
    connection.send(CLIENT, "FA", ack=server_fin)
    connection.send(SERVER, "FA", ack=client_fin)
    connection.send(CLIENT, "A")
    assert ends(tmp_path, connection.segments) == [(8, "end_of_input")]
    connection.send(SERVER, "A")
    assert ends(tmp_path, stream_after(connection)) == [(9, "tcp_fin"), (5, "end_of_input")]


def test_a_half_closed_connection_continues(tmp_path: Path) -> None:
    connection = connected()
    connection.send(CLIENT, "FA")
    for _ in range(4):
        connection.send(SERVER, "PA", b"more")
        connection.send(CLIENT, "A")
    assert ends(tmp_path, connection.segments) == [(14, "end_of_input")]
    connection.send(SERVER, "FA")
    connection.send(CLIENT, "A")
    assert ends(tmp_path, stream_after(connection)) == [(16, "tcp_fin"), (5, "end_of_input")]


def test_a_reset_after_one_fin_closes(tmp_path: Path) -> None:
    connection = connected()
    connection.send(CLIENT, "FA")
    connection.send(SERVER, "R")
    assert ends(tmp_path, stream_after(connection)) == [(7, "tcp_rst"), (5, "end_of_input")]


def test_a_reset_after_the_close_is_a_straggler(tmp_path: Path) -> None:
    connection = connected().finish()
    connection.send(SERVER, "R")
    assert ends(tmp_path, stream_after(connection)) == [(9, "tcp_fin"), (5, "end_of_input")]


def test_a_reset_that_is_not_in_the_window_closes_nothing(tmp_path: Path) -> None:
    connection = connected()
    connection.send(SERVER, "R", seq=connection.next[SERVER] + 2**31)
    assert ends(tmp_path, connection.segments) == [(6, "end_of_input")]
    connection.send(SERVER, "R")
    assert ends(tmp_path, connection.segments) == [(7, "tcp_rst")]


def test_a_refused_connection_is_reset(tmp_path: Path) -> None:
    connection = Connection()
    connection.send(CLIENT, "S")
    connection.send(SERVER, "RA", seq=0)
    assert ends(tmp_path, stream_after(connection)) == [(2, "tcp_rst"), (5, "end_of_input")]


def test_without_the_last_ack_a_connection_is_open(tmp_path: Path) -> None:
    connection = connected().finish()
    del connection.segments[-1]
    assert ends(tmp_path, connection.segments) == [(7, "end_of_input")]
    connection.at_us += 40_000_000
    connection.send(CLIENT, "S", seq=900_000)
    assert ends(tmp_path, connection.segments) == [(7, "idle"), (1, "end_of_input")]


def test_a_retransmitted_fin_is_acknowledged_once(tmp_path: Path) -> None:
    connection = connected()
    fin = connection.next[CLIENT]
    connection.send(CLIENT, "FA")
    connection.send(CLIENT, "FA", seq=fin)
    connection.send(SERVER, "FA")
    assert ends(tmp_path, connection.segments) == [(8, "end_of_input")]
    connection.send(CLIENT, "A")
    connection.send(SERVER, "FA", seq=connection.next[SERVER] - 1)
    connection.send(CLIENT, "A")
    assert ends(tmp_path, stream_after(connection)) == [(11, "tcp_fin"), (5, "end_of_input")]


# Packets after the close


def test_stragglers_stay_until_a_new_syn(tmp_path: Path) -> None:
    connection = connected().finish()
    connection.send(SERVER, "PA", b"answer", seq=connection.next[SERVER] - 7)
    connection.send(CLIENT, "A")
    found = flows(tmp_path, stream_after(connection))
    assert [(flow.id, flow.total_packets) for flow in found] == [(0, 10), (1, 5)]


def test_stragglers_stay_beyond_the_active_timeout(tmp_path: Path) -> None:
    connection = connected().finish()
    connection.at_us += 2_000_000
    connection.send(SERVER, "A")
    assert ends(tmp_path, connection.segments, active_timeout=1) == [(9, "tcp_fin")]


def test_stragglers_after_the_idle_timeout_start_a_flow(tmp_path: Path) -> None:
    connection = connected().finish()
    connection.at_us += 30_000_000
    connection.send(SERVER, "A")
    assert ends(tmp_path, connection.segments) == [(8, "tcp_fin"), (1, "end_of_input")]


def test_the_next_connection_may_come_from_the_other_end(tmp_path: Path) -> None:
    connection = connected().finish()
    connection.send(SERVER, "S", seq=900_000)
    found = flows(tmp_path, connection.segments)
    assert [flow.src_port for flow in found] == [CLIENT[1], SERVER[1]]


# Direction


@pytest.mark.parametrize("track_tcp", [True, False])
def test_a_syn_ack_as_first_packet_reverses_the_direction(tmp_path: Path, track_tcp: bool) -> None:
    segments = connected().finish().segments[1:]
    (flow,) = flows(tmp_path, segments, track_tcp=track_tcp)
    source, destination = (CLIENT, SERVER) if track_tcp else (SERVER, CLIENT)
    assert (flow.src_ip, flow.src_port) == source
    assert (flow.dst_ip, flow.dst_port) == destination
    client, server = (4, 3) if track_tcp else (3, 4)
    assert (flow.src2dst_packets, flow.dst2src_packets) == (client, server)
    assert flow.end_reason == ("tcp_fin" if track_tcp else "end_of_input")


def test_a_slice_that_starts_with_the_server_keeps_the_direction(tmp_path: Path) -> None:
    connection = connected()
    connection.at_us += 2_000_000
    connection.send(SERVER, "PA", b"late answer")
    connection.send(CLIENT, "A")
    connection.finish()
    found = flows(tmp_path, connection.segments, active_timeout=1)
    assert [(flow.id, flow.end_reason) for flow in found] == [(0, "active"), (0, "tcp_fin")]
    assert [(flow.src_ip, flow.src_port) for flow in found] == [CLIENT, CLIENT]
    assert [flow.dst2src_packets for flow in found] == [2, 2]


def test_a_slice_remembers_the_fin_of_the_previous_slice(tmp_path: Path) -> None:
    connection = connected()
    connection.send(CLIENT, "FA")
    connection.at_us += 2_000_000
    connection.send(SERVER, "FA")
    connection.send(CLIENT, "A")
    segments = stream_after(connection)
    assert ends(tmp_path, segments, active_timeout=1.5) == [
        (6, "active"),
        (2, "tcp_fin"),
        (5, "end_of_input"),
    ]


# Reordered and duplicated segments


@pytest.mark.filterwarnings("ignore:.* are late:UserWarning")
def test_reordered_segments_close_the_connection(tmp_path: Path) -> None:
    connection = connected().finish()
    times = [segment.at for segment in connection.segments]
    order = [0, 1, 2, 4, 3, 7, 6, 5]  # the last ACK first, then FIN, then FIN
    frames = [connection.segments[place].frame for place in order]
    segments = [Segment(at, frame) for at, frame in zip(times, frames, strict=True)]
    assert ends(tmp_path, segments) == [(8, "tcp_fin")]
    # As in a capture of two queues: the times are out of order, too.
    late = [connection.segments[place] for place in order]
    assert ends(tmp_path, late) == [(8, "tcp_fin")]


@pytest.mark.filterwarnings("ignore:.* are late:UserWarning")
def test_data_after_a_reordered_fin_is_a_straggler(tmp_path: Path) -> None:
    connection = connected()
    data = connection.send(SERVER, "PA", b"the rest")
    connection.finish()
    connection.segments.append(connection.segments.pop(data))
    assert ends(tmp_path, stream_after(connection)) == [(9, "tcp_fin"), (5, "end_of_input")]


def test_duplicated_segments_close_the_connection(tmp_path: Path) -> None:
    segments = stream_after(connected().finish())
    twice = [copy for segment in segments for copy in (segment, segment)]
    assert ends(tmp_path, twice) == [(16, "tcp_fin"), (10, "end_of_input")]


def test_sequence_numbers_may_wrap(tmp_path: Path) -> None:
    class Wrapping(Connection):
        def send(
            self, sender: tuple[str, int], flags: str, payload: bytes = b"", **fields: int
        ) -> int:
            place = super().send(sender, flags, payload, **fields)
            self.next = {end: number % 2**32 for end, number in self.next.items()}
            return place

    connection = Wrapping(client_begin=2**32 - 9, server_begin=2**32 - 1).open().finish()
    assert ends(tmp_path, stream_after(connection)) == [(8, "tcp_fin"), (5, "end_of_input")]


# Other parameters


def test_without_tracking_nothing_changes(tmp_path: Path) -> None:
    for connection in (connected().finish(), connected()):
        connection.send(SERVER, "R")
        segments = stream_after(connection)
        assert ends(tmp_path, segments, track_tcp=False) == [(len(segments), "end_of_input")]


@pytest.mark.parametrize("n_meters", [1, 2])
@pytest.mark.parametrize("features", [[], "all"], ids=["base", "all"])
def test_ends_do_not_depend_on_meters_or_features(
    tmp_path: Path, n_meters: int, features: Any
) -> None:
    segments = stream_after(connected().finish())
    found = flows(tmp_path, segments, n_meters=n_meters, features=features)
    assert [(flow.id, flow.total_packets) for flow in found] == [(0, 8), (1, 5)]
    assert [flow.expiration_id for flow in found] == [0, 0]
