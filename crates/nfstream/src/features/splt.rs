//! Sequence of packet lengths and times: the first packets of a flow, one by one.

use nfstream_sys::prefetch_line;

use crate::flow::Direction;

/// Packets for which there is room in the measurements themselves.
const USUAL_PACKETS: usize = 10;

/// The first packets of a flow.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Splt {
    /// Packets that are wanted.
    limit: usize,
    last: i64,
    len: usize,
    usual: [SpltPacket; USUAL_PACKETS],
    /// Those behind the usual ones.
    more: Vec<SpltPacket>,
}

/// A packet of the sequence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SpltPacket {
    /// Time units since the packet before it, 0 for the first.
    pub gap: u64,
    /// Its bytes.
    pub size: u32,
    /// Which way it went.
    pub direction: Direction,
}

impl Splt {
    /// Adds a packet unless there are `limit` already.
    #[inline]
    pub fn add(&mut self, direction: Direction, size: u32, time: i64, limit: usize) {
        self.limit = limit;
        if self.len >= limit {
            return;
        }
        let gap = if self.len == 0 { 0 } else { time.abs_diff(self.last) };
        let packet = SpltPacket { gap, size, direction };
        match self.usual.get_mut(self.len) {
            Some(place) => *place = packet,
            None => self.more.push(packet),
        }
        self.len += 1;
        self.last = time;
    }

    /// Leaves the packets to `to`, and takes its memory for those of another flow.
    pub fn leave_to(&mut self, to: &mut Self) {
        (to.limit, to.last, to.len) = (self.limit, self.last, self.len);
        let usual = self.len.min(USUAL_PACKETS);
        to.usual[..usual].copy_from_slice(&self.usual[..usual]);
        std::mem::swap(&mut to.more, &mut self.more);
        self.more.clear();
        (self.limit, self.len) = (0, 0);
    }

    /// Asks for the memory in which the packet behind `before` others is kept.
    #[inline]
    pub fn prefetch(&self, before: usize) {
        prefetch_line(self, 0);
        prefetch_line(self, std::mem::offset_of!(Self, usual) + before * size_of::<SpltPacket>());
    }

    /// Returns how many packets were wanted.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the packets, in two parts.
    pub fn packets(&self) -> [&[SpltPacket]; 2] {
        [&self.usual[..self.len.min(USUAL_PACKETS)], &self.more]
    }
}

impl Default for Splt {
    fn default() -> Self {
        let none = SpltPacket { gap: 0, size: 0, direction: Direction::Src2Dst };
        Self { limit: 0, last: 0, len: 0, usual: [none; USUAL_PACKETS], more: Vec::new() }
    }
}
