//! State of a flow for the features of CESNET's exporters.

use super::nettisa::NetTiSa;
use super::{Measurement, Plan, Sample};
use crate::flow::Direction;
use crate::packet::TcpFlags;
use crate::time::Timestamp;

/// Maximum number of packets in the sequence.
const PACKETS: usize = 30;

/// Maximum number of listed bursts in each direction.
const BURSTS: usize = 15;

/// Minimum number of packets in a burst.
const LEAST: u32 = 3;

/// Gap that ends a burst, in nanoseconds.
const PAUSE: u64 = 1_000_000_000;

/// Measurements of one flow, over its packets with payload unless stated otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cesnet {
    packets: [Entry; PACKETS],
    len: usize,
    /// Time of the flow's first packet, with or without payload.
    first: Option<Timestamp>,
    /// Times of the first and the last packet of the sequence.
    sequence: Option<(Timestamp, Timestamp)>,
    ways: [Way; 2],
    /// Statistics over all packets.
    pub(super) series: NetTiSa,
}

/// A packet of the sequence.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry {
    pub(super) size: u32,
    /// Whole milliseconds since the packet before it.
    pub(super) gap: u64,
    pub(super) is_backward: bool,
    pub(super) has_push: bool,
}

/// Measurements of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Way {
    /// Packets by size.
    pub(super) sizes: [u64; 8],
    /// Gaps by length.
    pub(super) gaps: [u64; 8],
    last: Option<Timestamp>,
    bursts: [Burst; BURSTS],
    len: usize,
    current: Burst,
}

/// Packets of one direction without a pause.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Burst {
    pub(super) packets: u32,
    pub(super) bytes: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Measurement for Cesnet {
    #[inline]
    fn add(&mut self, _: &Plan, sample: &Sample<'_>) {
        let Sample { packet, direction, time, .. } = *sample;
        self.first.get_or_insert(time);
        let size = packet.payload_len;
        self.series.add(size, time, direction == Direction::Src2Dst);
        if size == 0 {
            return;
        }
        if let Some(entry) = self.packets.get_mut(self.len) {
            let (start, last) = self.sequence.unwrap_or((time, time));
            *entry = Entry {
                size,
                gap: time.since(last).nanos() / 1_000_000,
                is_backward: direction == Direction::Dst2Src,
                has_push: packet.tcp_flags.contains(TcpFlags::PSH),
            };
            self.len += 1;
            self.sequence = Some((start, time));
        }
        self.ways[direction.index()].add(size, time);
    }
}

impl Cesnet {
    /// Returns the sequence of packets.
    pub(super) fn packets(&self) -> &[Entry] {
        self.packets.get(..self.len).unwrap_or_default()
    }

    /// Returns the time from the first packet of the sequence to the last, in nanoseconds.
    pub(super) fn sequence_duration(&self) -> u64 {
        self.sequence.map_or(0, |(first, last)| last.since(first).nanos())
    }

    /// Returns the changes of direction in the sequence.
    pub(super) fn round_trips(&self) -> u64 {
        let pairs = self.packets().windows(2);
        let changes = pairs.filter(|pair| pair[0].is_backward != pair[1].is_backward).count();
        u64::try_from(changes).unwrap_or(u64::MAX)
    }

    /// Returns the measurements of a direction.
    pub(super) fn way(&self, direction: Direction) -> &Way {
        &self.ways[direction.index()]
    }

    /// Returns the bursts of a direction.
    pub(super) fn bursts(&self, direction: Direction) -> impl Iterator<Item = &Burst> {
        let way = self.way(direction);
        let done = way.bursts.get(..way.len).unwrap_or_default();
        let has_room = way.len < BURSTS && way.current.packets >= LEAST;
        done.iter().chain(has_room.then_some(&way.current))
    }

    /// Returns the start and end of a burst, in whole milliseconds since the flow's first packet.
    pub(super) fn span(&self, burst: &Burst) -> (i64, i64) {
        let first = self.first.unwrap_or_default();
        let millis = |time: Timestamp| {
            i64::try_from(time.since(first).nanos() / 1_000_000).unwrap_or(i64::MAX)
        };
        (millis(burst.first), millis(burst.last))
    }
}

impl Way {
    #[inline]
    fn add(&mut self, size: u32, time: Timestamp) {
        self.sizes[bin(size.into())] += 1;
        let gap = self.last.replace(time).map(|last| time.since(last).nanos());
        if let Some(gap) = gap {
            self.gaps[bin(gap / 1_000_000)] += 1;
        }
        if gap.is_none_or(|gap| gap >= PAUSE) {
            if self.current.packets >= LEAST
                && let Some(place) = self.bursts.get_mut(self.len)
            {
                *place = self.current;
                self.len += 1;
            }
            self.current = Burst { packets: 0, bytes: 0, first: time, last: time };
        }
        self.current.packets = self.current.packets.saturating_add(1);
        self.current.bytes += u64::from(size);
        self.current.last = time;
    }
}

/// Returns the bin of a number: 0 to 15, 16 to 31, 32 to 63 and so on, 1024 and more.
fn bin(number: u64) -> usize {
    match number {
        ..16 => 0,
        16..32 => 1,
        32..64 => 2,
        64..128 => 3,
        128..256 => 4,
        256..512 => 5,
        512..1024 => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_of_one_second_ends_a_burst() {
        let mut cesnet = Cesnet::default();
        for millis in [0, 999, 1998, 2998, 3000, 3001] {
            let time = Timestamp::from_nanos(millis * 1_000_000);
            cesnet.first.get_or_insert(time);
            cesnet.ways[0].add(10, time);
        }
        let bursts: Vec<_> = cesnet
            .bursts(Direction::Src2Dst)
            .map(|burst| (burst.packets, burst.bytes, cesnet.span(burst)))
            .collect();
        assert_eq!(bursts, [(3, 30, (0, 1998)), (3, 30, (2998, 3001))]);
        assert_eq!(cesnet.bursts(Direction::Dst2Src).count(), 0);
    }

    #[test]
    fn bins_double() {
        let bins = [0, 15, 16, 31, 32, 64, 128, 256, 512, 1023, 1024, u64::MAX].map(bin);
        assert_eq!(bins, [0, 0, 1, 1, 2, 3, 4, 5, 6, 6, 7, 7]);
    }
}
