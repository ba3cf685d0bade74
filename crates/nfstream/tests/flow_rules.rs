//! The flow rules of docs/flows.md, one by one, through the public API.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nfstream::features::Record;
use nfstream::flow::EndReason;
use nfstream::meter::{Arrival, FlowAction, FlowView, HookError, Hooks};
use nfstream::time::{Duration, Timestamp};
use nfstream::{Run, Step};
use nfstream_testkit::{
    Captured, Ends, Frame, Ipv4, MemorySource, Row, capture_all, capture_from, nanos, seconds,
};

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [192, 0, 2, 2];
const CLIENT_PORT: u16 = 50_000;
const SERVER_PORT: u16 = 53;

fn request() -> Frame {
    Frame::ethernet().ipv4(CLIENT, SERVER).udp(CLIENT_PORT, SERVER_PORT).payload(b"who?")
}

fn reply() -> Frame {
    Frame::ethernet().ipv4(SERVER, CLIENT).udp(SERVER_PORT, CLIENT_PORT).payload(b"me")
}

fn at(time: Timestamp, frame: Frame) -> Captured {
    Captured::new(time, &frame)
}

/// The rows of a run with an idle timeout of 30 s and an active one of 300 s.
fn rows(packets: &[Captured]) -> Vec<Row> {
    capture_all(packets, &Ends::without_dpi(30, 300))
}

fn packets(rows: &[Row]) -> Vec<[u64; 2]> {
    rows.iter().map(|row| row.packets).collect()
}

fn ids(rows: &[Row]) -> Vec<u64> {
    rows.iter().map(|row| row.id).collect()
}

mod rule_1_key {
    use super::*;

    #[test]
    fn both_directions_are_one_flow() {
        let rows = rows(&[at(seconds(0), request()), at(seconds(1), reply())]);
        assert_eq!(packets(&rows), [[1, 1]]);
    }

    #[test]
    fn addresses_ports_and_protocol_distinguish_flows() {
        let ethernet = Frame::ethernet;
        let rows = rows(&[
            at(seconds(0), request()),
            at(seconds(0), ethernet().ipv4(CLIENT, [192, 0, 2, 3]).udp(CLIENT_PORT, SERVER_PORT)),
            at(seconds(0), ethernet().ipv4(CLIENT, SERVER).udp(CLIENT_PORT + 1, SERVER_PORT)),
            at(seconds(0), ethernet().ipv4(CLIENT, SERVER).udp(SERVER_PORT, CLIENT_PORT)),
            at(seconds(0), ethernet().ipv4(CLIENT, SERVER).tcp(CLIENT_PORT, SERVER_PORT, 0)),
        ]);
        assert_eq!(packets(&rows), [[1, 0]; 5]);
    }

    #[test]
    fn every_vlan_distinguishes_flows() {
        let tagged = |service, vlan| {
            let frame = Frame::ethernet().service_vlan(service).vlan(vlan);
            frame.ipv4(CLIENT, SERVER).udp(CLIENT_PORT, SERVER_PORT)
        };
        let rows = rows(&[
            at(seconds(0), tagged(100, 7)),
            at(seconds(0), tagged(200, 7)),
            at(seconds(0), tagged(100, 8)),
            at(seconds(0), request()),
            at(seconds(1), tagged(200, 7)),
            at(
                seconds(1),
                Frame::ethernet().vlan(0).ipv4(SERVER, CLIENT).udp(SERVER_PORT, CLIENT_PORT),
            ),
        ]);
        assert_eq!(rows.iter().map(|row| row.vlan_id).collect::<Vec<_>>(), [7, 7, 8, 0]);
        // The identifier 0 only carries a priority.
        assert_eq!(packets(&rows), [[1, 0], [2, 0], [1, 0], [1, 1]]);
    }

    #[test]
    fn protocols_without_ports_have_ports_0() {
        let ping = Frame::ethernet().ipv4(CLIENT, SERVER).icmp(8, 0);
        let pong = Frame::ethernet().ipv4(SERVER, CLIENT).icmp(0, 0);
        let esp = Frame::ethernet().ipv4(CLIENT, SERVER).opaque(50).payload_len(40);
        let rows = rows(&[
            at(seconds(0), ping),
            at(seconds(1), pong),
            at(seconds(2), esp),
            at(seconds(3), Frame::ethernet().ipv4(CLIENT, SERVER).sctp(1000, 2000)),
        ]);
        assert_eq!(packets(&rows), [[1, 1], [1, 0], [1, 0]]);
        let ports: Vec<_> = rows.iter().map(|row| (row.src.port(), row.dst.port())).collect();
        assert_eq!(ports, [(0, 0), (0, 0), (1000, 2000)]);
    }

    #[test]
    fn packets_in_a_tunnel_have_the_key_of_the_inner_packet() {
        let tunnel = Frame::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2]);
        let rows = rows(&[
            at(seconds(0), tunnel.ipv4(CLIENT, SERVER).udp(CLIENT_PORT, SERVER_PORT)),
            at(seconds(1), reply()),
        ]);
        assert_eq!(packets(&rows), [[1, 1]]);
    }
}

mod rule_2_direction {
    use super::*;

    #[test]
    fn src_is_the_sender_of_the_first_packet() {
        let rows =
            rows(&[at(seconds(0), reply()), at(seconds(1), request()), at(seconds(2), request())]);
        assert_eq!(rows[0].src.to_string(), "192.0.2.2:53");
        assert_eq!(rows[0].dst.to_string(), "192.0.2.1:50000");
        assert_eq!(rows[0].packets, [1, 2]);
        assert_eq!(rows[0].bytes, [14 + 28 + 2, 2 * (14 + 28 + 4)]);
    }

    #[test]
    fn one_address_is_distinguished_by_port() {
        let there = Frame::ethernet().ipv4(CLIENT, CLIENT).udp(2, 1);
        let back = Frame::ethernet().ipv4(CLIENT, CLIENT).udp(1, 2);
        let rows = rows(&[at(seconds(0), there), at(seconds(0), back)]);
        assert_eq!(packets(&rows), [[1, 1]]);
        assert_eq!((rows[0].src.port(), rows[0].dst.port()), (2, 1));
    }
}

mod rule_3_idle {
    use super::*;

    #[test]
    fn a_packet_just_before_the_timeout_belongs_to_the_flow() {
        let rows = rows(&[at(seconds(100), request()), at(nanos(130, -1), reply())]);
        assert_eq!(packets(&rows), [[1, 1]]);
    }

    #[test]
    fn a_packet_exactly_at_the_timeout_begins_a_new_flow() {
        let rows = rows(&[at(seconds(100), request()), at(seconds(130), reply())]);
        assert_eq!(packets(&rows), [[1, 0], [1, 0]]);
        assert_eq!(ids(&rows), [0, 1]);
        assert_eq!(rows.iter().map(|row| row.expiration_id).collect::<Vec<_>>(), [0, 0]);
        assert_eq!(rows[0].end_reason, EndReason::Idle);
        assert_eq!(rows[0].ended, seconds(130));
    }

    #[test]
    fn the_timeout_counts_from_the_last_packet() {
        let times = [0, 29, 58, 87];
        let rows = rows(&times.map(|time| at(seconds(time), request())));
        assert_eq!(packets(&rows), [[4, 0]]);
    }

    #[test]
    fn the_new_flow_has_its_own_direction() {
        let rows = rows(&[at(seconds(0), request()), at(seconds(30), reply())]);
        assert_eq!(rows[0].src, rows[1].dst);
        assert_eq!(rows[0].dst, rows[1].src);
    }

    /// More packets of another flow than several ticks of the stream's clock need.
    #[test]
    fn the_timeout_holds_exactly_for_any_scan() {
        let other = || Frame::ethernet().ipv4(CLIENT, SERVER).tcp(1, 2, 0);
        for (gap, expected) in [(-1, vec![[1, 1], [9000, 0]]), (0, vec![[1, 0], [1, 0], [9000, 0]])]
        {
            let mut packets = vec![at(seconds(0), request())];
            packets.extend((0..9000).map(|i| at(nanos(0, i * 3_333_333), other())));
            let end = packets.len();
            packets.push(at(nanos(30, gap), reply()));
            let mut rows = rows(&packets[..=end]);
            rows.sort_by_key(|row| row.total_packets());
            assert_eq!(super::packets(&rows), expected, "{gap} ns");
        }
    }

    #[test]
    fn the_end_of_input_ends_flows_that_were_idle_by_then() {
        let other = Frame::ethernet().ipv4(CLIENT, SERVER).tcp(1, 2, 0);
        let rows = rows(&[at(seconds(0), request()), at(seconds(30), other)]);
        assert_eq!(rows[0].end_reason, EndReason::Idle);
        assert_eq!(rows[1].end_reason, EndReason::EndOfInput);
    }
}

mod rule_4_active {
    use super::*;

    /// A packet every 10 s from 0 on; the last one is off by `last` nanoseconds.
    fn steady(count: i64, last: i64) -> Vec<Captured> {
        let time = |i| nanos(10 * i, if i == count - 1 { last } else { 0 });
        (0..count).map(|i| at(time(i), if i == 0 { request() } else { reply() })).collect()
    }

    #[test]
    fn a_packet_just_before_the_timeout_belongs_to_the_flow() {
        let rows = rows(&steady(31, -1));
        assert_eq!(packets(&rows), [[1, 30]]);
        assert_eq!(rows[0].expiration_id, 0);
    }

    #[test]
    fn a_packet_exactly_at_the_timeout_begins_the_next_slice() {
        let rows = rows(&steady(31, 0));
        assert_eq!(packets(&rows), [[1, 29], [0, 1]]);
        assert_eq!(rows.iter().map(|row| row.expiration_id).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(rows[0].last_seen, seconds(290));
        assert_eq!(rows[1].first_seen, seconds(300));
    }

    #[test]
    fn slices_keep_id_and_direction() {
        let rows = rows(&steady(91, 0));
        assert_eq!(ids(&rows), [0, 0, 0, 0]);
        assert_eq!(rows.iter().map(|row| row.slice).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert!(rows.iter().all(|row| row.src.to_string() == "192.0.2.1:50000"));
        assert_eq!(packets(&rows), [[1, 29], [0, 30], [0, 30], [0, 1]]);
    }

    #[test]
    fn silence_counts_before_age() {
        let ends = Ends::without_dpi(30, 30);
        let rows = capture_all(&[at(seconds(0), request()), at(seconds(30), reply())], &ends);
        assert_eq!(ids(&rows), [0, 1]);
        assert_eq!(rows[0].end_reason, EndReason::Idle);
    }

    #[test]
    fn a_restart_after_slices_has_a_new_id() {
        let mut packets = steady(31, 0);
        packets.push(at(seconds(400), reply()));
        let rows = rows(&packets);
        assert_eq!(ids(&rows), [0, 0, 1]);
        assert_eq!(rows[2].slice, 0);
        assert_eq!(rows[2].src.to_string(), "192.0.2.2:53");
    }
}

/// Ends every flow with its `n`th packet.
struct EndAfter(u64);

impl EndAfter {
    fn action(&self, view: &FlowView<'_>) -> FlowAction {
        let packets = view.state.volume.total_packets();
        if packets == self.0 { FlowAction::End(-5) } else { FlowAction::Continue }
    }
}

impl Hooks for EndAfter {
    fn on_init(&mut self, view: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        Ok(self.action(&view))
    }

    fn on_update(&mut self, view: FlowView<'_>, _: Arrival<'_>) -> Result<FlowAction, HookError> {
        Ok(self.action(&view))
    }

    fn on_expire(&mut self, _: nfstream::flow::Slot, _: &mut Record) -> Result<(), HookError> {
        Ok(())
    }
}

fn rows_with<H: Hooks>(packets: &[Captured], mut hooks: H) -> Vec<Row> {
    let config = Ends::without_dpi(30, 300).config();
    let mut run = Run::with_hooks(MemorySource::new(packets).boxed(), &config).unwrap();
    let mut rows = Vec::new();
    loop {
        let (records, last) = match run.advance_with(&mut hooks).unwrap() {
            Step::Records(records) => (records, false),
            Step::Last(records) => (records, true),
        };
        rows.extend(records.iter().map(Row::of));
        if last {
            return rows;
        }
    }
}

mod rule_5_plugin {
    use super::*;

    #[test]
    fn the_flow_ends_at_once_with_the_packet_included() {
        let packets = [0, 1, 2, 3, 4].map(|time| at(seconds(time), request()));
        let rows = rows_with(&packets, EndAfter(2));
        assert_eq!(super::packets(&rows), [[2, 0], [2, 0], [1, 0]]);
        assert_eq!(rows.iter().map(|row| row.expiration_id).collect::<Vec<_>>(), [-5, -5, 0]);
        assert_eq!(ids(&rows), [0, 1, 2]);
        assert_eq!(rows[0].end_reason, EndReason::Plugin);
        assert_eq!(rows[0].ended, seconds(1));
    }

    #[test]
    fn a_first_packet_can_end_its_flow() {
        let rows = rows_with(&[at(seconds(0), request()), at(seconds(0), reply())], EndAfter(1));
        assert_eq!(packets(&rows), [[1, 0], [1, 0]]);
        assert_eq!(rows[1].src.to_string(), "192.0.2.2:53");
    }
}

mod rule_6_end_of_input {
    use super::*;

    #[test]
    fn all_flows_end_with_expiration_id_0() {
        let other = Frame::ethernet().ipv4(CLIENT, SERVER).tcp(1, 2, 0);
        let rows = rows(&[at(seconds(0), request()), at(seconds(1), other)]);
        assert_eq!(ids(&rows), [0, 1]);
        assert!(rows.iter().all(|row| row.end_reason == EndReason::EndOfInput));
        assert!(rows.iter().all(|row| row.expiration_id == 0));
    }

    #[test]
    fn no_packets_give_no_rows() {
        assert_eq!(rows(&[]), []);
    }
}

mod rule_7_timeouts_of_0 {
    use super::*;

    fn burst() -> [Captured; 4] {
        [0, 0, 1, 1].map(|time| at(seconds(time), request()))
    }

    #[test]
    fn both_make_each_packet_a_flow() {
        let rows = capture_all(&burst(), &Ends::without_dpi(0, 0));
        assert_eq!(packets(&rows), [[1, 0]; 4]);
        assert_eq!(ids(&rows), [0, 1, 2, 3]);
    }

    #[test]
    fn idle_alone_makes_each_packet_a_conversation() {
        let rows = capture_all(&burst(), &Ends::without_dpi(0, 300));
        assert_eq!(packets(&rows), [[1, 0]; 4]);
        assert_eq!(ids(&rows), [0, 1, 2, 3]);
    }

    #[test]
    fn active_alone_makes_each_packet_a_slice() {
        let rows = capture_all(&burst(), &Ends::without_dpi(30, 0));
        assert_eq!(packets(&rows), [[1, 0]; 4]);
        assert_eq!(ids(&rows), [0, 0, 0, 0]);
        assert_eq!(rows.iter().map(|row| row.expiration_id).collect::<Vec<_>>(), [1, 1, 1, 0]);
    }
}

mod rule_8_sizes {
    use super::*;

    #[test]
    fn bytes_count_the_wire_length() {
        let whole = at(seconds(0), request().payload_len(1000));
        let rows = rows(&[whole.clone().cut_to(60), whole]);
        assert_eq!(rows[0].packets, [2, 0]);
        assert_eq!(rows[0].bytes, [2 * (14 + 28 + 1000), 0]);
    }

    #[test]
    fn ports_are_all_that_must_be_captured() {
        let tcp = Frame::ethernet().ipv4(CLIENT, SERVER).tcp(1000, 80, 0x02).payload_len(500);
        let rows = rows(&[at(seconds(0), tcp).cut_to(14 + 20 + 4)]);
        assert_eq!((rows[0].src.port(), rows[0].dst.port()), (1000, 80));
        assert_eq!(rows[0].bytes, [14 + 40 + 500, 0]);
    }
}

/// Remembers the payload of every packet.
#[derive(Default)]
struct Payloads(Vec<(u32, Vec<u8>)>);

impl Payloads {
    fn note(&mut self, arrival: &Arrival<'_>) {
        let Arrival { packet, bytes, .. } = arrival;
        self.0.push((packet.payload_len, packet.payload(bytes.as_slice()).to_vec()));
    }
}

impl Hooks for &mut Payloads {
    fn on_init(&mut self, _: FlowView<'_>, arrival: Arrival<'_>) -> Result<FlowAction, HookError> {
        self.note(&arrival);
        Ok(FlowAction::Continue)
    }

    fn on_update(
        &mut self,
        _: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError> {
        self.note(&arrival);
        Ok(FlowAction::Continue)
    }

    fn on_expire(&mut self, _: nfstream::flow::Slot, _: &mut Record) -> Result<(), HookError> {
        Ok(())
    }
}

fn payloads(packets: &[Captured]) -> Vec<(u32, Vec<u8>)> {
    let mut payloads = Payloads::default();
    rows_with(packets, &mut payloads);
    payloads.0
}

mod rule_9_payload {
    use super::*;

    #[test]
    fn ethernet_padding_is_no_payload() {
        let packet = at(seconds(0), request().padded_to(60));
        assert_eq!(payloads(&[packet]), [(4, b"who?".to_vec())]);
    }

    #[test]
    fn a_tcp_packet_without_payload_has_none_in_its_padding() {
        let frame = Frame::ethernet().ipv4(CLIENT, SERVER).tcp(1, 2, 0x10).padded_to(60);
        assert_eq!(payloads(&[at(seconds(0), frame)]), [(0, Vec::new())]);
    }

    #[test]
    fn a_total_length_of_0_is_taken_from_the_wire() {
        let header = Ipv4::new(CLIENT, SERVER).claiming(0);
        let frame = Frame::ethernet().ip(header).tcp(1, 2, 0x10).payload(b"offloaded");
        assert_eq!(payloads(&[at(seconds(0), frame)]), [(9, b"offloaded".to_vec())]);
    }

    #[test]
    fn an_ipv6_payload_length_of_0_is_taken_from_the_wire() {
        let frame = Frame::ethernet().ipv6_claiming([1; 16], [2; 16], 0).tcp(1, 2, 0x10);
        let packet = at(seconds(0), frame.payload(b"offloaded"));
        assert_eq!(payloads(&[packet]), [(9, b"offloaded".to_vec())]);
    }

    #[test]
    fn bytes_missing_from_the_capture_count() {
        let packet = at(seconds(0), request()).cut_to(14 + 28 + 1);
        assert_eq!(payloads(&[packet]), [(4, b"w".to_vec())]);
    }
}

mod rule_10_fragments {
    use super::*;

    const NUMBER: u16 = 77;

    fn first() -> Frame {
        let header = Ipv4::new(CLIENT, SERVER).fragment(NUMBER, 0, true);
        Frame::ethernet().ip(header).udp(CLIENT_PORT, SERVER_PORT).payload_len(64)
    }

    /// Its bytes would read as ports 1 and 515.
    fn later(offset: u16) -> Frame {
        let header = Ipv4::new(CLIENT, SERVER).fragment(NUMBER, offset, false);
        Frame::ethernet().ip(header).opaque(17).payload_len(64)
    }

    #[test]
    fn later_fragments_join_the_flow_of_their_first() {
        let packets =
            [at(seconds(0), first()), at(seconds(0), later(72)), at(seconds(1), request())];
        assert_eq!(super::packets(&rows(&packets)), [[3, 0]]);
    }

    #[test]
    fn other_packets_may_come_between_fragments() {
        let rows =
            rows(&[at(seconds(0), first()), at(seconds(0), reply()), at(seconds(0), later(72))]);
        assert_eq!(packets(&rows), [[2, 1]]);
    }

    #[test]
    fn a_fragment_before_its_first_has_ports_0() {
        let rows = rows(&[at(seconds(0), later(72)), at(seconds(0), first())]);
        assert_eq!(packets(&rows), [[1, 0], [1, 0]]);
        assert_eq!((rows[0].src.port(), rows[0].dst.port()), (0, 0));
        assert_eq!((rows[1].src.port(), rows[1].dst.port()), (CLIENT_PORT, SERVER_PORT));
    }

    #[test]
    fn a_fragment_of_another_packet_has_ports_0() {
        let header = Ipv4::new(CLIENT, SERVER).fragment(NUMBER + 1, 72, false);
        let stranger = Frame::ethernet().ip(header).opaque(17).payload_len(64);
        let rows = rows(&[at(seconds(0), first()), at(seconds(0), stranger)]);
        assert_eq!((rows[1].src.port(), rows[1].dst.port()), (0, 0));
    }

    #[test]
    fn fragments_of_both_directions_are_distinguished() {
        let back = Ipv4::new(SERVER, CLIENT).fragment(NUMBER, 72, false);
        let back = Frame::ethernet().ip(back).opaque(17).payload_len(64);
        let rows = rows(&[at(seconds(0), first()), at(seconds(0), back)]);
        assert_eq!(packets(&rows), [[1, 0], [1, 0]]);
        assert_eq!(rows[1].src.port(), 0);
    }

    #[test]
    fn ipv6_fragments_join_too() {
        let (a, b) = ([1; 16], [2; 16]);
        let piece = |offset, more| Frame::ethernet().ipv6(a, b).fragment(9, offset, more);
        let rows = rows(&[
            at(seconds(0), piece(0, true).udp(CLIENT_PORT, SERVER_PORT).payload_len(64)),
            at(seconds(0), piece(72, false).opaque(17).payload_len(64)),
        ]);
        assert_eq!(packets(&rows), [[2, 0]]);
    }

    #[test]
    fn fragments_of_a_tunnel_join_the_inner_flow() {
        let outer =
            |offset, more| Ipv4::new([10, 0, 0, 1], [10, 0, 0, 2]).fragment(5, offset, more);
        let inner = Frame::ethernet().ip(outer(0, true)).ipv4(CLIENT, SERVER);
        let rows = rows(&[
            at(seconds(0), inner.udp(CLIENT_PORT, SERVER_PORT).payload_len(64)),
            at(seconds(0), Frame::ethernet().ip(outer(96, false)).opaque(4).payload_len(64)),
        ]);
        assert_eq!(packets(&rows), [[2, 0]]);
        assert_eq!(rows[0].src.to_string(), "192.0.2.1:50000");
    }

    #[test]
    fn a_fragment_has_all_further_bytes_as_payload() {
        let seen = payloads(&[at(seconds(0), first()), at(seconds(0), later(72).padded_to(200))]);
        assert_eq!(seen.iter().map(|(len, _)| *len).collect::<Vec<_>>(), [64, 64]);
    }
}

mod rule_11_late_packets {
    use super::*;

    fn late() -> [Captured; 3] {
        [at(seconds(100), request()), at(seconds(90), reply()), at(seconds(101), request())]
    }

    #[test]
    fn a_late_packet_gets_the_last_time_of_its_flow() {
        let rows = rows(&late());
        assert_eq!(packets(&rows), [[2, 1]]);
        assert_eq!((rows[0].first_seen, rows[0].last_seen), (seconds(100), seconds(101)));
    }

    #[test]
    fn late_packets_are_reported() {
        let total = capture_from(MemorySource::new(late()).boxed(), &Ends::without_dpi(30, 300));
        assert_eq!(total.stats.late_packets, 1);
    }

    #[test]
    fn a_packet_that_is_late_by_more_than_the_timeout_belongs_to_its_flow() {
        let rows = rows(&[at(seconds(1000), request()), at(seconds(0), reply())]);
        assert_eq!(packets(&rows), [[1, 1]]);
        assert_eq!(rows[0].last_seen, seconds(1000));
    }
}

mod rule_12_conservation {
    use super::*;

    /// `capture_all` itself checks the sums.
    #[test]
    fn ignored_packets_are_counted_by_reason() {
        let arp = Frame::ethernet().opaque(0x0806).payload_len(28);
        let packets = [
            at(seconds(0), request()),
            at(seconds(0), arp.clone()),
            at(seconds(0), arp),
            at(seconds(0), request()).cut_to(10),
            at(seconds(0), request()).cut_to(20),
            at(seconds(0), request()).cut_to(35),
            at(seconds(0), Frame::ethernet().ip(Ipv4::new(CLIENT, SERVER).claiming(19)).udp(1, 2)),
            at(seconds(0), Frame::ethernet().ip(Ipv4::new(CLIENT, SERVER).claiming(21)).udp(1, 2)),
        ];
        let ends = Ends::without_dpi(30, 300);
        assert_eq!(super::packets(&capture_all(&packets, &ends)), [[1, 0]]);
        let total = capture_from(MemorySource::new(packets).boxed(), &ends);
        assert_eq!(
            total.stats.ignored.reasons().collect::<Vec<_>>(),
            [
                ("malformed_network", 1),
                ("malformed_transport", 1),
                ("not_ip", 2),
                ("truncated_link", 1),
                ("truncated_network", 1),
                ("truncated_transport", 1),
            ]
        );
    }

    #[test]
    fn timeouts_beyond_all_time_never_come() {
        let mut ends = Ends::without_dpi(0, 0);
        (ends.timeouts.idle, ends.timeouts.active) = (Duration::MAX, Duration::MAX);
        let packets = [Timestamp::from_nanos(0), Timestamp::MAX, Timestamp::MIN];
        let rows = capture_all(&packets.map(|time| at(time, request())), &ends);
        assert_eq!(super::packets(&rows), [[3, 0]]);
    }
}
