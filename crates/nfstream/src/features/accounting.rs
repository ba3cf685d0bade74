//! Byte accounting: the part of a packet that counts.

use crate::packet::Packet;

/// Part of each packet that counts as its bytes, everywhere in a run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Accounting {
    /// The frame, link header included.
    #[default]
    Frame,
    /// The innermost IP packet, header included.
    Ip,
    /// Contents of the innermost IP packet, transport header included.
    Transport,
    /// Payload of the transport protocol.
    Payload,
}

impl Accounting {
    /// Returns the bytes of `packet` that count, on the wire.
    #[inline]
    pub fn size(self, packet: &Packet) -> u32 {
        match self {
            Self::Frame => packet.wire_len,
            Self::Ip => packet.ip_len,
            Self::Transport => {
                packet.ip_len.saturating_sub(packet.transport_offset - packet.ip_offset)
            }
            Self::Payload => packet.payload_len,
        }
    }
}
