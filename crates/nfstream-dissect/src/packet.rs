//! Input of the crate: packets of flows.

use std::net::SocketAddr;

/// IP protocol number of TCP (RFC 9293).
pub(crate) const TCP: u8 = 6;
/// IP protocol number of UDP (RFC 768).
pub(crate) const UDP: u8 = 17;

/// The two ends of a flow.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Endpoints {
    /// IP protocol number.
    pub protocol: u8,
    /// Sender of the flow's first packet; port 0 outside TCP, UDP, SCTP, UDP-Lite and DCCP.
    pub client: SocketAddr,
    /// Receiver of the flow's first packet.
    pub server: SocketAddr,
}

/// Direction of a packet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Direction {
    /// The sender of the flow's first packet.
    FromClient,
    /// The other end.
    FromServer,
}

/// Fields of the TCP header that place a payload in its stream (RFC 9293).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment {
    /// Sequence number of the segment.
    pub sequence: u32,
    /// Whether SYN is set: the stream begins one after `sequence`.
    pub syn: bool,
    /// Whether ACK is set: with SYN, the segment is the server's answer.
    pub ack: bool,
    /// Whether FIN or RST is set: nothing follows in this direction.
    pub end: bool,
}

/// A packet of a flow.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The ends of its flow.
    pub endpoints: &'a Endpoints,
    /// Its direction.
    pub direction: Direction,
    /// Its TCP header. Without one, payloads of TCP count as in order and complete.
    pub segment: Option<Segment>,
    /// Bytes after the transport header, or after the IP header where the transport is unknown; as
    /// far as they were captured.
    pub payload: &'a [u8],
}

impl Direction {
    /// Returns the opposite direction.
    #[must_use]
    pub const fn reverse(self) -> Self {
        match self {
            Self::FromClient => Self::FromServer,
            Self::FromServer => Self::FromClient,
        }
    }

    /// Returns 0 for packets of the client and 1 for those of the server.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::FromClient => 0,
            Self::FromServer => 1,
        }
    }
}

impl Endpoints {
    /// Returns whether one of the ends has `port`.
    pub fn has_port(&self, port: u16) -> bool {
        self.client.port() == port || self.server.port() == port
    }
}
