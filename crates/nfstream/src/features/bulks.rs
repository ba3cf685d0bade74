//! Bulks: runs of packets with payload in one direction.

use crate::flow::Direction;
use crate::time::Timestamp;

/// Minimum number of packets in a bulk.
const LEAST: u64 = 4;

/// Maximum gap between two packets of a bulk, in nanoseconds.
const LONGEST_GAP: u64 = 1_000_000_000;

/// Bulks of both directions, and the run of packets that may become the next one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bulks {
    done: [Bulk; 2],
    run: Option<Run>,
}

/// Bulks of one direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Bulk {
    /// Number of bulks.
    pub(super) count: u64,
    /// Packets with payload in them.
    pub(super) packets: u64,
    /// Bytes of payload in them.
    pub(super) bytes: u64,
    /// Time from their first packets to their last, in nanoseconds.
    pub(super) nanos: u64,
}

/// Consecutive packets with payload in one direction.
#[derive(Clone, Copy, Debug)]
struct Run {
    direction: Direction,
    packets: u64,
    bytes: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Bulks {
    /// Adds a packet with `payload` bytes, more than 0.
    #[inline]
    pub(super) fn add(&mut self, direction: Direction, payload: u32, time: Timestamp) {
        let bytes = u64::from(payload);
        if let Some(run) = &mut self.run
            && run.direction == direction
            && time.since(run.last).nanos() <= LONGEST_GAP
        {
            run.packets += 1;
            run.bytes += bytes;
            run.last = time;
            return;
        }
        self.done = [self.of(Direction::Src2Dst), self.of(Direction::Dst2Src)];
        self.run = Some(Run { direction, packets: 1, bytes, first: time, last: time });
    }

    /// Returns the bulks of a direction, the current run included.
    pub(super) fn of(&self, direction: Direction) -> Bulk {
        let mut bulk = self.done[direction.index()];
        if let Some(run) = self.run
            && run.direction == direction
            && run.packets >= LEAST
        {
            bulk.count += 1;
            bulk.packets += run.packets;
            bulk.bytes += run.bytes;
            bulk.nanos = bulk.nanos.saturating_add(run.last.since(run.first).nanos());
        }
        bulk
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{Dst2Src, Src2Dst};
    use super::*;

    /// Returns the bulks from source to destination of 10-byte packets at these milliseconds.
    fn bulk(packets: &[(Direction, i64)]) -> Bulk {
        let mut bulks = Bulks::default();
        for (direction, millis) in packets {
            bulks.add(*direction, 10, Timestamp::from_nanos(millis * 1_000_000));
        }
        bulks.of(Src2Dst)
    }

    #[test]
    fn a_gap_of_one_second_belongs_to_a_bulk_and_a_longer_one_ends_it() {
        let there = |times: &[i64]| bulk(&times.iter().map(|t| (Src2Dst, *t)).collect::<Vec<_>>());
        let whole = Bulk { count: 1, packets: 5, bytes: 50, nanos: 1_030_000_000 };
        assert_eq!(there(&[0, 1000, 1010, 1020, 1030]), whole);
        assert_eq!(there(&[0, 1001, 1010, 1020]), Bulk::default());
    }

    #[test]
    fn payload_in_the_other_direction_ends_a_bulk() {
        let mut packets = vec![(Src2Dst, 0), (Src2Dst, 1), (Src2Dst, 2), (Src2Dst, 3)];
        let one = Bulk { count: 1, packets: 4, bytes: 40, nanos: 3_000_000 };
        assert_eq!(bulk(&packets), one);
        packets.extend([(Dst2Src, 4), (Src2Dst, 5), (Src2Dst, 6), (Src2Dst, 7)]);
        assert_eq!(bulk(&packets), one);
    }
}
