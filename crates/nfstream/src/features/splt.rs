//! Sequence of packet lengths and times: the first packets of a flow, one by one.

use crate::flow::Direction;

/// Packets for which there is room from the start, at most.
const USUAL_PACKETS: usize = 16;

/// The first packets of a flow.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Splt {
    packets: Vec<SpltPacket>,
    last: i64,
    /// Packets that are wanted.
    limit: usize,
}

/// A packet of the sequence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SpltPacket {
    /// Which way it went.
    pub direction: Direction,
    /// Its bytes.
    pub size: u32,
    /// Time units since the packet before it, 0 for the first.
    pub gap: u64,
}

impl Splt {
    /// Adds a packet unless there are `limit` already.
    #[inline]
    pub fn add(&mut self, direction: Direction, size: u32, time: i64, limit: usize) {
        self.limit = limit;
        if self.packets.len() >= limit {
            return;
        }
        let gap = if self.packets.is_empty() { 0 } else { time.abs_diff(self.last) };
        if self.packets.capacity() == 0 {
            // Most flows that have a second packet have more; `limit` may be any number.
            self.packets.reserve_exact(limit.min(USUAL_PACKETS));
        }
        self.packets.push(SpltPacket { direction, size, gap });
        self.last = time;
    }

    /// Returns how many packets were wanted.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the packets.
    pub fn packets(&self) -> &[SpltPacket] {
        &self.packets
    }
}
