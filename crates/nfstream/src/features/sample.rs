//! A packet as measurements see it.

use super::Volume;
use crate::flow::{Direction, Segment};
use crate::packet::Packet;
use crate::time::Timestamp;

/// A packet to be measured.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Its headers.
    pub packet: &'a Packet,
    /// Bytes of its chunk.
    pub chunk: &'a [u8],
    /// Direction in its flow.
    pub direction: Direction,
    /// Its time, not before that of the packet before it.
    pub time: Timestamp,
    /// `time` in whole units of the table.
    pub ticks: i64,
    /// Bytes of it that count.
    pub size: u32,
    /// Packets and bytes of its flow, this one included.
    pub volume: &'a Volume,
}

impl<'a> Sample<'a> {
    /// Returns its captured bytes.
    #[inline]
    pub(super) fn frame(&self) -> &'a [u8] {
        self.packet.frame(self.chunk)
    }

    /// Returns its TCP segment, `None` if it has none.
    #[inline]
    pub(super) fn segment(&self) -> Option<Segment> {
        Segment::read(self.packet, self.frame())
    }
}
