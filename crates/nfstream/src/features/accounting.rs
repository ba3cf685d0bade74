//! What "bytes" means: which part of a packet is counted.

use crate::packet::Packet;

/// The part of each packet whose bytes are counted, everywhere in a run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Accounting {
    /// The frame, link header included.
    #[default]
    Frame,
    /// The innermost IP packet, header included.
    Ip,
    /// What the innermost IP header carries, transport header included.
    Transport,
    /// What the transport header carries.
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
