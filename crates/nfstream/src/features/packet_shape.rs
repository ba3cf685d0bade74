//! Numbers of packets and bytes in the columns with the bytes of packets.

use std::fmt::{self, Display, Formatter};

/// Numbers of packets and of bytes of each: `8x128`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PacketShape {
    packets: u16,
    bytes: u16,
}

impl PacketShape {
    /// Maximum number of bytes of all packets.
    pub const MOST_BYTES: usize = 64 << 10;

    /// Returns a shape, `None` without packets or bytes, or with more than
    /// [`MOST_BYTES`](Self::MOST_BYTES).
    pub fn new(packets: u16, bytes: u16) -> Option<Self> {
        let shape = Self { packets, bytes };
        (1..=Self::MOST_BYTES).contains(&shape.all()).then_some(shape)
    }

    /// Parses `8x128`.
    pub fn parse(text: &str) -> Option<Self> {
        let (packets, bytes) = text.split_once('x')?;
        Self::new(packets.parse().ok()?, bytes.parse().ok()?)
    }

    /// Returns the number of packets.
    pub fn packets(self) -> usize {
        self.packets.into()
    }

    /// Returns the number of bytes of each packet.
    pub fn bytes(self) -> usize {
        self.bytes.into()
    }

    /// Returns the number of bytes of all packets.
    pub fn all(self) -> usize {
        self.packets() * self.bytes()
    }
}

impl Default for PacketShape {
    fn default() -> Self {
        Self { packets: 8, bytes: 128 }
    }
}

impl Display for PacketShape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.packets, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_a_limit() {
        for text in ["1x1", "8x128", "512x128", "1x65535"] {
            assert_eq!(PacketShape::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "8", "8x", "x8", "0x8", "8x0", "-1x8", "8x128x1", "513x128", "8x70000"] {
            assert_eq!(PacketShape::parse(text), None, "{text}");
        }
    }
}
