//! Bytes of payload in each direction.

use crate::flow::Direction;

/// How much each direction has carried behind its transport headers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Payload([u64; 2]);

impl Payload {
    /// Counts a packet with `len` bytes of payload on the wire.
    #[inline]
    pub fn add(&mut self, direction: Direction, len: u32) {
        self.0[direction.index()] += u64::from(len);
    }

    /// Returns the bytes of one direction.
    pub fn of(&self, direction: Direction) -> u64 {
        self.0[direction.index()]
    }
}
