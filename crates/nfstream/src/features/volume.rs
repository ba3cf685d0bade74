//! Packets and bytes in each direction.

use crate::flow::Direction;

/// Packets and bytes of a flow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Volume {
    /// Packets from source to destination, and back.
    packets: [u64; 2],
    /// Their bytes on the wire, link header included.
    bytes: [u64; 2],
}

impl Volume {
    /// Counts a packet of `wire_len` bytes.
    #[inline]
    pub fn add(&mut self, direction: Direction, wire_len: u32) {
        let direction = direction.index();
        self.packets[direction] += 1;
        self.bytes[direction] += u64::from(wire_len);
    }

    /// Returns the packets of one direction.
    #[inline]
    pub fn packets(&self, direction: Direction) -> u64 {
        self.packets[direction.index()]
    }

    /// Returns the bytes of one direction.
    #[inline]
    pub fn bytes(&self, direction: Direction) -> u64 {
        self.bytes[direction.index()]
    }

    /// Returns the packets of both directions.
    #[inline]
    pub fn total_packets(&self) -> u64 {
        self.packets[0] + self.packets[1]
    }

    /// Returns the bytes of both directions.
    #[inline]
    pub fn total_bytes(&self) -> u64 {
        self.bytes[0] + self.bytes[1]
    }
}
