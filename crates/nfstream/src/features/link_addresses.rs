//! MAC addresses of a flow's first packet.

use crate::packet::{LinkType, Packet};

/// The addresses of the outermost Ethernet header; zero for links without one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LinkAddresses {
    /// Of the end that is the flow's source.
    pub src: [u8; 6],
    /// Of the end that is the flow's destination.
    pub dst: [u8; 6],
}

impl LinkAddresses {
    /// Reads the addresses of `packet`, whose frame is `frame`.
    pub fn read(packet: &Packet, frame: &[u8]) -> Self {
        let ethernet = (packet.link == LinkType::ETHERNET).then(|| frame.first_chunk::<12>());
        let Some(Some([d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5])) = ethernet else {
            return Self::default();
        };
        Self { src: [*s0, *s1, *s2, *s3, *s4, *s5], dst: [*d0, *d1, *d2, *d3, *d4, *d5] }
    }

    /// Returns the same for a flow whose source is the receiver of the packet read.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { src: self.dst, dst: self.src }
    }
}
