//! The limit on active flows: which flow is evicted, and that nothing else changes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use nfstream::flow::EndReason;
use nfstream::time::{Duration, Timestamp};
use nfstream::{Config, Run, Step};
use nfstream_testkit::{Captured, Ends, Frame, MemorySource, Row, Total, capture_from, seconds};
use proptest::prelude::*;

/// Longer than any stream here: flows end by eviction, or with the input.
const NEVER: u64 = 1_000_000;

/// A packet from the host with this number.
fn packet(time: Timestamp, host: u8) -> Captured {
    Captured::new(time, &Frame::ethernet().ipv4([192, 0, 2, host], [198, 51, 100, 1]).udp(1, 2))
}

fn run(packets: &[Captured], ends: &Ends) -> Total {
    capture_from(MemorySource::new(packets).boxed(), ends)
}

fn limited(idle: u64, max_active_flows: usize) -> Ends {
    Ends { max_active_flows, ..Ends::without_dpi(idle, NEVER) }
}

/// Hosts and packets of the flows, in the order in which they ended.
fn hosts(rows: &[Row]) -> Vec<(String, u64, EndReason)> {
    let host = |row: &Row| row.src.ip().to_string().split_off("192.0.2.".len());
    rows.iter().map(|row| (host(row), row.total_packets(), row.end_reason)).collect()
}

#[test]
fn one_flow_too_many_ends_the_most_silent() {
    let packets: Vec<_> =
        [(0, 1), (1, 2), (2, 1), (3, 3), (4, 2)].map(|(at, host)| packet(seconds(at), host)).into();
    let Total { rows, stats } = run(&packets, &limited(30, 2));
    let [evicted, end] = [EndReason::Evicted, EndReason::EndOfInput];
    let row = |host: &str, packets, reason| (host.to_owned(), packets, reason);
    assert_eq!(
        hosts(&rows),
        [row("2", 1, evicted), row("1", 2, evicted), row("3", 1, end), row("2", 1, end)]
    );
    assert_eq!([rows[0].ended, rows[1].ended], [seconds(3), seconds(4)]);
    assert!(rows.iter().all(|row| row.expiration_id == 0));
    assert_eq!((stats.evicted_flows, stats.flows), (2, 4));
}

#[test]
fn of_flows_last_seen_at_one_time_the_oldest_is_evicted() {
    let packets: Vec<_> = [3, 1, 2, 4].map(|host| packet(seconds(0), host)).into();
    let rows = run(&packets, &limited(30, 3)).rows;
    assert_eq!(hosts(&rows)[0], ("3".to_owned(), 1, EndReason::Evicted));
}

#[test]
fn an_evicted_conversation_starts_over() {
    let packets: Vec<_> =
        [(0, 1), (1, 2), (2, 1)].map(|(at, host)| packet(seconds(at), host)).into();
    let rows = run(&packets, &limited(30, 1)).rows;
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn without_a_limit_nothing_is_evicted() {
    let packets: Vec<_> = (0..=255).map(|host| packet(seconds(0), host)).collect();
    let stats = run(&packets, &limited(30, 0)).stats;
    assert_eq!((stats.evicted_flows, stats.flows), (0, 256));
    assert_eq!(Config::default().max_active_flows, Some(Config::MAX_ACTIVE_FLOWS));
}

/// Each meter has its share, and at least one flow.
#[test]
fn several_meters_hold_no_more_than_one() {
    let packets: Vec<_> =
        (0..2000_u16).map(|i| packet(seconds(i.into()), i.to_le_bytes()[0])).collect();
    for (limit, meters, most) in [(100, 3, 100), (1, 4, 4)] {
        let config = limited(NEVER, limit).on(meters, 64).config();
        let mut run = Run::new(MemorySource::new(packets.as_slice()).boxed(), &config).unwrap();
        let mut flows = 0;
        loop {
            let step = run.advance().unwrap();
            assert!(run.monitor().stats().active_flows <= most, "{meters} meters");
            match step {
                Step::Records(records) => flows += records.len(),
                Step::Last(records) => break flows += records.len(),
            }
        }
        let stats = run.monitor().stats();
        assert_eq!(stats.flow_packets, 2000);
        assert!(stats.evicted_flows > 0);
        assert_eq!(u64::try_from(flows), Ok(stats.flows));
    }
}

/// Applies the rule by a search through all flows; returns the birth, packets, and time of eviction
/// of each.
fn model(stream: &[(Timestamp, u8)], limit: usize) -> Vec<(u64, u64, Option<Timestamp>)> {
    let mut active: HashMap<u8, (Timestamp, u64, u64)> = HashMap::new();
    let (mut born, mut ended) = (0, Vec::new());
    for &(time, host) in stream {
        if let Some((last_seen, _, packets)) = active.get_mut(&host) {
            *last_seen = time.max(*last_seen);
            *packets += 1;
            continue;
        }
        if active.len() == limit {
            let by_silence = |(_, flow): &(&u8, &(Timestamp, u64, u64))| (flow.0, flow.1);
            let victim = *active.iter().min_by_key(by_silence).unwrap().0;
            let (last_seen, birth, packets) = active.remove(&victim).unwrap();
            ended.push((birth, packets, Some(time.max(last_seen))));
        }
        active.insert(host, (time, born, 1));
        born += 1;
    }
    ended.extend(active.into_values().map(|(_, birth, packets)| (birth, packets, None)));
    ended.sort_unstable();
    ended
}

fn stream() -> impl Strategy<Value = Vec<(Timestamp, u8)>> {
    // Within one period of the wheel, over several, and backwards.
    let step =
        prop_oneof![4 => 0..1_000_000_i64, 2 => 0..400_000_000_i64, 1 => -400_000_000..0_i64];
    let host = prop_oneof![0..6_u8, 0..40_u8];
    prop::collection::vec((step, host), 0..3000).prop_map(|steps| {
        let mut time = seconds(1_700_000_000);
        let stream = steps.into_iter().map(|(step, host)| {
            time = Timestamp::from_nanos(time.nanos() + step);
            (time, host)
        });
        stream.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_flow_silent_for_longest_is_evicted(
        stream in stream(),
        limit in 1_usize..24,
    ) {
        let packets: Vec<_> = stream.iter().map(|&(time, host)| packet(time, host)).collect();
        let rows = run(&packets, &limited(NEVER, limit)).rows;
        let mut found: Vec<_> = rows
            .iter()
            .map(|row| {
                let evicted = (row.end_reason == EndReason::Evicted).then_some(row.ended);
                (row.id, row.total_packets(), evicted)
            })
            .collect();
        found.sort_unstable();
        prop_assert_eq!(found, model(&stream, limit));
    }

    /// Together with flows that end idle, or are sliced.
    #[test]
    fn one_meter_evicts_the_same_for_any_chunk_size(stream in stream(), limit in 1_usize..24) {
        let packets: Vec<_> = stream.iter().map(|&(time, host)| packet(time, host)).collect();
        let mut ends = limited(1, limit);
        ends.timeouts.active = Duration::from_nanos(5_000_000_000);
        let expected = run(&packets, &ends);
        prop_assert_eq!(expected.stats.flow_packets, expected.stats.packets);
        for chunk_packets in [1, 7, 1000] {
            prop_assert_eq!(&run(&packets, &ends.on(1, chunk_packets)), &expected);
        }
    }
}
