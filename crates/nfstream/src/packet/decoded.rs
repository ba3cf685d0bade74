//! A decoded packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{LinkType, NetworkId};
use crate::time::Timestamp;

/// One decoded frame. Offsets count from the frame's first byte.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Packet {
    /// Time of capture.
    pub time: Timestamp,
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// Network that the packet lies in.
    pub network: NetworkId,
    /// Tunnel that carried the packet, 0 without one.
    pub tunnel_id: u32,
    /// Innermost VLAN identifier, 0 without a tag.
    pub vlan_id: u16,
    /// IP protocol number of the packet itself.
    pub protocol: u8,
    /// IP version, 4 or 6.
    pub version: u8,
    /// Whether the packet is a fragment.
    pub fragment: Fragment,
    /// TCP flags, none for other protocols.
    pub tcp_flags: TcpFlags,
    /// Link type of the frame.
    pub link: LinkType,
    /// Offset of the frame in its chunk's bytes.
    pub frame_offset: u32,
    /// Captured length.
    pub capture_len: u32,
    /// Wire length, link header included.
    pub wire_len: u32,
    /// Offset of the innermost IP header.
    pub ip_offset: u32,
    /// Bytes of the innermost IP packet on the wire, its header included.
    pub ip_len: u32,
    /// Offset of the transport header or else of the IP payload; the capture may have cut either.
    pub transport_offset: u32,
    /// Offset of the payload after the transport header.
    pub payload_offset: u32,
    /// Bytes of payload on the wire, from the IP length and therefore without padding.
    pub payload_len: u32,
}

/// One end of a conversation.
///
/// An IPv4 address fills the first four bytes, followed by zeros; the version of the packet or key
/// distinguishes the two.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Endpoint {
    /// Address in network byte order.
    pub addr: [u8; 16],
    /// Port of TCP, UDP, SCTP, UDP-Lite or DCCP; 0 for every other protocol.
    pub port: u16,
}

/// Fragmentation of a packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fragment {
    /// A whole packet.
    #[default]
    Whole,
    /// The fragment that holds the transport header.
    First,
    /// Any other fragment, which has no ports of its own.
    Later,
}

/// The flags of a TCP header (RFC 9293, RFC 3168).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronize sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push function.
    pub const PSH: Self = Self(0x08);
    /// Acknowledgment field is significant.
    pub const ACK: Self = Self(0x10);
    /// Urgent pointer field is significant.
    pub const URG: Self = Self(0x20);
    /// ECN echo.
    pub const ECE: Self = Self(0x40);
    /// Congestion window reduced.
    pub const CWR: Self = Self(0x80);

    /// Returns whether all of `flags` are set.
    #[inline]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }
}

impl Endpoint {
    /// Returns an endpoint with an IPv4 address in network byte order.
    pub fn v4(addr: [u8; 4], port: u16) -> Self {
        let mut wide = [0; 16];
        wide[..4].copy_from_slice(&addr);
        Self { addr: wide, port }
    }

    /// Returns an endpoint with an IPv6 address in network byte order.
    pub fn v6(addr: [u8; 16], port: u16) -> Self {
        Self { addr, port }
    }

    /// Returns the address, interpreted by `version`.
    pub fn ip(&self, version: u8) -> IpAddr {
        if version == 4 {
            let [a, b, c, d, ..] = self.addr;
            Ipv4Addr::new(a, b, c, d).into()
        } else {
            Ipv6Addr::from(self.addr).into()
        }
    }
}

impl Packet {
    /// Returns the packet's frame in the bytes of its chunk.
    #[inline]
    pub fn frame<'a>(&self, chunk: &'a [u8]) -> &'a [u8] {
        slice(chunk, self.frame_offset, self.capture_len)
    }

    /// Returns the captured bytes of the innermost IP packet, its header included.
    #[inline]
    pub fn ip_bytes<'a>(&self, chunk: &'a [u8]) -> &'a [u8] {
        self.within_frame(chunk, self.ip_offset, self.ip_len)
    }

    /// Returns the captured bytes of the payload.
    #[inline]
    pub fn payload<'a>(&self, chunk: &'a [u8]) -> &'a [u8] {
        self.within_frame(chunk, self.payload_offset, self.payload_len)
    }

    #[inline]
    fn within_frame<'a>(&self, chunk: &'a [u8], offset: u32, len: u32) -> &'a [u8] {
        let captured = len.min(self.capture_len.saturating_sub(offset));
        slice(chunk, self.frame_offset.saturating_add(offset), captured)
    }
}

/// Returns `len` bytes from `offset` on, or none if they do not lie within `bytes`.
#[inline]
fn slice(bytes: &[u8], offset: u32, len: u32) -> &[u8] {
    let (Ok(offset), Ok(len)) = (usize::try_from(offset), usize::try_from(len)) else {
        return &[];
    };
    bytes.get(offset..).and_then(|rest| rest.get(..len)).unwrap_or_default()
}

/// Returns an offset into a frame as the integer type that packets store.
///
/// Frames are shorter than 4 GiB, so nothing is lost.
#[inline]
pub(crate) fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: &[u8] = b"..link+ip+payload+padding..";

    fn packet() -> Packet {
        Packet {
            frame_offset: 2,
            capture_len: 23,
            ip_offset: 5,
            ip_len: 10,
            payload_offset: 8,
            payload_len: 7,
            ..Packet::default()
        }
    }

    #[test]
    fn slices_lie_in_the_frame() {
        assert_eq!(packet().frame(CHUNK), b"link+ip+payload+padding");
        assert_eq!(packet().ip_bytes(CHUNK), b"ip+payload");
        assert_eq!(packet().payload(CHUNK), b"payload");
    }

    #[test]
    fn slices_end_with_the_captured_bytes() {
        let cut = Packet { capture_len: 12, ..packet() };
        assert_eq!(cut.ip_bytes(CHUNK), b"ip+payl");
        assert_eq!(cut.payload(CHUNK), b"payl");
        let headers_only = Packet { capture_len: 7, ..packet() };
        assert_eq!(headers_only.payload(CHUNK), b"");
    }

    #[test]
    fn a_packet_of_another_chunk_has_no_bytes() {
        let stray = Packet { frame_offset: u32::MAX, ..packet() };
        assert_eq!(stray.frame(CHUNK), b"");
        assert_eq!(stray.ip_bytes(CHUNK), b"");
    }

    #[test]
    fn an_endpoint_is_read_by_its_version() {
        let end = Endpoint::v4([192, 0, 2, 1], 0);
        assert_eq!(end.ip(4).to_string(), "192.0.2.1");
        assert_eq!(end.ip(6).to_string(), "c000:201::");
    }

    #[test]
    fn flags_contain_each_other() {
        let both = TcpFlags(0x12);
        assert!(both.contains(TcpFlags::SYN) && both.contains(TcpFlags::ACK));
        assert!(!TcpFlags::SYN.contains(both));
    }
}
