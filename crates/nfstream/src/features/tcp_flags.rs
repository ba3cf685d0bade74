//! How many packets have each TCP flag set.

use crate::flow::Direction;
use crate::packet::TcpFlags;

/// Packets with each flag, by direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TcpFlagCounts([[u32; 8]; 2]);

impl TcpFlagCounts {
    /// Counts the flags of a packet.
    #[inline]
    pub fn add(&mut self, direction: Direction, flags: TcpFlags) {
        let counts = &mut self.0[direction.index()];
        let mut flags = flags.0;
        // Most packets have one or two.
        while flags != 0 {
            let bit = usize::try_from(flags.trailing_zeros()).unwrap_or(usize::MAX);
            let count = &mut counts[bit % 8];
            *count = count.saturating_add(1);
            flags &= flags - 1;
        }
    }

    /// Returns the packets of one direction with `flag`, which is a single one.
    pub fn of(&self, direction: Direction, flag: TcpFlags) -> u32 {
        let bit = usize::try_from(flag.0.trailing_zeros()).unwrap_or(usize::MAX);
        self.0[direction.index()].get(bit).copied().unwrap_or(0)
    }

    /// Returns the packets of both directions with `flag`, which is a single one.
    pub fn both(&self, flag: TcpFlags) -> u32 {
        let [there, back] = [Direction::Src2Dst, Direction::Dst2Src].map(|way| self.of(way, flag));
        there.saturating_add(back)
    }
}
