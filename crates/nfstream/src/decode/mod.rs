//! From the bytes of a frame to a [`Packet`]: link, network and transport headers.
//!
//! Borrows, allocates nothing and keeps no state. A frame that cannot be decoded gives a
//! [`DecodeError`], which is counted by its reason. Which first fragment a later one belongs to is
//! found behind this module, where first fragments are remembered.

mod cursor;
mod ip;
mod link;
mod packet;
mod transport;

pub use ip::FragmentId;
pub use packet::{Endpoint, Fragment, Packet, TcpFlags};

use crate::capture::RawRecord;
use cursor::Cursor;

/// Why a frame could not be decoded. Its [`reason`](Self::reason) is what is counted.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, thiserror::Error)]
pub enum DecodeError {
    /// An 802.11 frame whose body is encrypted.
    #[error("802.11 frame is encrypted")]
    Encrypted,
    /// A network header contradicts itself: a wrong version, lengths that do not fit.
    #[error("network header is malformed")]
    MalformedNetwork,
    /// An IP packet too short for the ports of its protocol.
    #[error("transport header is malformed")]
    MalformedTransport,
    /// The frame carries no IP packet: ARP, spanning tree, 802.11 management and the like.
    #[error("frame carries no IP packet")]
    NotIp,
    /// The captured bytes end inside the link-layer headers.
    #[error("frame ends inside a link header")]
    TruncatedLink,
    /// The captured bytes end inside an IP header.
    #[error("frame ends inside a network header")]
    TruncatedNetwork,
    /// The captured bytes end before the ports.
    #[error("frame ends inside a transport header")]
    TruncatedTransport,
    /// The link type is not one that is decoded.
    #[error("link type is not supported")]
    UnsupportedLinkType,
}

impl DecodeError {
    /// Every error, in the order of its variants.
    pub const ALL: [Self; 8] = [
        Self::Encrypted,
        Self::MalformedNetwork,
        Self::MalformedTransport,
        Self::NotIp,
        Self::TruncatedLink,
        Self::TruncatedNetwork,
        Self::TruncatedTransport,
        Self::UnsupportedLinkType,
    ];

    /// Returns the place of the error in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Encrypted => 0,
            Self::MalformedNetwork => 1,
            Self::MalformedTransport => 2,
            Self::NotIp => 3,
            Self::TruncatedLink => 4,
            Self::TruncatedNetwork => 5,
            Self::TruncatedTransport => 6,
            Self::UnsupportedLinkType => 7,
        }
    }

    /// Returns the name under which frames ignored for this reason are counted.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::MalformedNetwork => "malformed_network",
            Self::MalformedTransport => "malformed_transport",
            Self::NotIp => "not_ip",
            Self::TruncatedLink => "truncated_link",
            Self::TruncatedNetwork => "truncated_network",
            Self::TruncatedTransport => "truncated_transport",
            Self::UnsupportedLinkType => "unsupported_link_type",
        }
    }
}

/// Decodes the frame that `record` describes.
///
/// # Errors
///
/// [`DecodeError`] where the frame carries no IP packet whose addresses and ports can be read.
#[inline]
pub fn decode(record: &RawRecord, frame: &[u8]) -> Result<Packet, DecodeError> {
    let mut cursor = Cursor::new(frame);
    let network = link::skip_to_network(record.link, &mut cursor)?;
    let ip = ip::read_innermost(&mut cursor, network, record.wire_len)?;
    let transport = transport::read(&cursor, &ip)?;
    let (mut src, mut dst) = (ip.src, ip.dst);
    src.port = transport.src_port;
    dst.port = transport.dst_port;
    let headers_len = cursor.offset() - ip.offset + usize::from(transport.header_len);
    Ok(Packet {
        time: record.time,
        src,
        dst,
        tunnel_id: 0,
        vlan_id: network.vlan_id,
        protocol: ip.protocol,
        version: ip.version,
        fragment: ip.fragment,
        tcp_flags: transport.tcp_flags,
        link: record.link,
        frame_offset: record.offset,
        capture_len: record.capture_len,
        wire_len: record.wire_len,
        ip_offset: narrow(ip.offset),
        ip_len: ip.len,
        fragment_offset: narrow(ip.fragment_offset),
        transport_offset: narrow(cursor.offset()),
        payload_offset: narrow(cursor.offset() + usize::from(transport.header_len)),
        payload_len: ip.len.saturating_sub(narrow(headers_len)),
    })
}

/// Returns an offset into a frame in the width in which packets hold it.
///
/// Frames are shorter than 4 GiB, so nothing is lost.
#[inline]
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
