//! Statistics of packet sizes.

use super::Moments;
use crate::flow::Direction;

/// Moments of the sizes of each direction's packets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PacketSize([Moments; 2]);

impl PacketSize {
    /// Adds a packet of `size` bytes.
    #[inline]
    pub fn add(&mut self, direction: Direction, size: u32) {
        self.0[direction.index()].add(size.into());
    }

    /// Returns the moments of one direction.
    pub fn of(&self, direction: Direction) -> Moments {
        self.0[direction.index()]
    }

    /// Returns the moments of both directions together.
    pub fn both(&self) -> Moments {
        self.0[0].merged(&self.0[1])
    }
}
