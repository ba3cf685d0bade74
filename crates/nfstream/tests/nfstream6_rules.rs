//! The rules of nfstream 6, through the public API.

#![cfg(feature = "nfstream6")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroUsize;

use nfstream::meter::NoHooks;
use nfstream::time::Timestamp;
use nfstream::{Config, Rules, Run, Step};
use nfstream_testkit::{Captured, Ends, Frame, MemorySource, nanos, seconds};
use proptest::prelude::*;

/// Id, source port, packets and expiration id.
type Row = (u64, u16, u64, i32);

fn packet(time: Timestamp, port: u16) -> Captured {
    let frame = Frame::ethernet().ipv4([192, 0, 2, 1], [192, 0, 2, 2]).udp(port, 53);
    Captured::new(time, &frame)
}

fn config(idle: u64, active: u64) -> Config {
    Config { rules: Rules::Nfstream6, ..Ends::without_dpi(idle, active).config() }
}

fn rows_of(mut run: Run) -> Vec<Row> {
    let mut rows = Vec::new();
    loop {
        let (records, last) = match run.advance_with(&mut NoHooks).unwrap() {
            Step::Records(records) => (records, false),
            Step::Last(records) => (records, true),
        };
        rows.extend(records.iter().map(|r| {
            let port = r.flow.key.end(r.flow.src).port;
            (r.id, port, r.volume.total_packets(), r.expiration_id)
        }));
        if last {
            return rows;
        }
    }
}

fn rows(packets: &[Captured], config: &Config) -> Vec<Row> {
    rows_of(Run::new(MemorySource::new(packets).boxed(), config).unwrap())
}

#[test]
fn ids_count_flows_in_the_order_of_their_ends() {
    let packets = [(0, 1), (1, 2), (20, 3)].map(|(time, port)| packet(seconds(time), port));
    assert_eq!(rows(&packets, &config(10, 100)), [(0, 1, 1, 0), (1, 2, 1, 0), (2, 3, 1, 0)]);
}

#[test]
fn an_old_busy_flow_delays_the_idle_ones_after_it() {
    let packets = [(0, 1), (1, 2), (8, 1), (12, 3), (30, 2)];
    let packets = packets.map(|(time, port)| packet(seconds(time), port));
    let rows = rows(&packets, &config(10, 100));
    // The flow from port 2 is idle at 11, but only its own packet ends it.
    assert_eq!(rows.iter().map(|row| row.1).collect::<Vec<_>>(), [2, 1, 3, 2]);
}

#[test]
fn a_slice_is_a_separate_flow() {
    let back = Frame::ethernet().ipv4([192, 0, 2, 2], [192, 0, 2, 1]).udp(53, 1);
    let packets = [packet(seconds(0), 1), Captured::new(seconds(11), &back)];
    assert_eq!(rows(&packets, &config(20, 10)), [(0, 1, 1, 1), (1, 53, 1, 0)]);
}

#[test]
fn all_flows_share_one_clock_of_milliseconds() {
    // Apart by half a millisecond less than ten seconds, and by ten seconds in whole milliseconds.
    let packets = [packet(nanos(0, 600_000), 1), packet(nanos(10, 100_000), 1)];
    assert_eq!(rows(&packets, &config(10, 100)).len(), 2);
    // The second packet is older than the first, but counts at the time of the first.
    let packets = [packet(seconds(20), 2), packet(seconds(5), 1), packet(seconds(21), 1)];
    assert_eq!(rows(&packets, &config(10, 100)), [(0, 2, 1, 0), (1, 1, 2, 0)]);
}

proptest! {
    #[test]
    fn chunks_and_threads_change_nothing(
        steps in prop::collection::vec((0_i64..4_000, 0_u16..12), 0..400),
        chunk in 1_usize..50,
    ) {
        let mut time = 0;
        let packets: Vec<_> = steps
            .iter()
            .map(|(step, port)| {
                time += step;
                packet(nanos(time / 1000, time % 1000 * 1_000_000), *port)
            })
            .collect();
        let whole = config(10, 30);
        let parts = Config {
            chunk_packets: NonZeroUsize::new(chunk).unwrap(),
            meters: NonZeroUsize::new(3).unwrap(),
            ..whole.clone()
        };
        let expected = rows(&packets, &whole);
        prop_assert_eq!(&rows(&packets, &parts), &expected);
        let one = Config { meters: NonZeroUsize::MIN, ..parts };
        let ahead = Run::with_hooks(MemorySource::new(packets).boxed(), &one).unwrap();
        prop_assert!(expected.iter().zip(0..).all(|(row, id)| row.0 == id));
        prop_assert_eq!(rows_of(ahead), expected);
    }
}
