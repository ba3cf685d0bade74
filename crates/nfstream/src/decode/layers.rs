//! The headers of one packet, and the position of a packet inside it.

use super::cursor::Cursor;
use super::error::DecodeError;
use super::fragment::FragmentId;
use super::ip::{self, Ip};
use super::link::{self, Network};
use super::transport::{self, Transport};
use crate::packet::{Fragment, LinkType, Packet, RawRecord, Tunnel, narrow};

/// The headers read from one packet of a frame, IP in IP included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layers<'a> {
    /// Cursor after the IP headers.
    pub(super) cursor: Cursor<'a>,
    /// Innermost VLAN identifier, 0 without a tag.
    pub(super) vlan_id: u16,
    pub(super) ip: Ip,
    pub(super) transport: Transport,
    /// Tunnel that carried the packet.
    pub(super) tunnel: Option<Tunnel>,
    /// Identity of a fragment; meaningless for [`Fragment::Whole`].
    pub(super) cut: Option<FragmentId>,
}

impl<'a> Layers<'a> {
    /// Reads the packet outside all tunnels; the cursor is at the start of the frame.
    ///
    /// # Errors
    ///
    /// As for [`decode`](super::decode).
    pub(super) fn outermost(
        mut cursor: Cursor<'a>,
        link: LinkType,
        wire_len: u32,
    ) -> Result<Self, DecodeError> {
        let network = link::skip_to_network(link, &mut cursor)?;
        Self::read(cursor, network, wire_len)
    }

    /// Reads the packet under the cursor. If its own header does not give its length, it ends `end`
    /// bytes from the start of the frame.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] unless it is an IP packet with readable addresses and ports.
    pub(super) fn read(
        mut cursor: Cursor<'a>,
        network: Network,
        end: u32,
    ) -> Result<Self, DecodeError> {
        let mut cut = None;
        let ip = ip::read_innermost(&mut cursor, network, end, &mut cut)?;
        let transport = transport::read(&cursor, &ip)?;
        Ok(Self { cursor, vlan_id: network.vlan_id, ip, transport, tunnel: None, cut })
    }

    /// Returns the end of the packet on the wire, in bytes from the start of the frame.
    pub(super) fn end(&self) -> u32 {
        narrow(self.ip.offset).saturating_add(self.ip.len)
    }

    /// Returns whether the packet is not fragmented.
    pub(super) fn is_whole(&self) -> bool {
        self.ip.fragment == Fragment::Whole
    }

    /// Returns a cursor after the transport header that ends with the packet.
    pub(super) fn payload(&self) -> Cursor<'a> {
        let mut payload = self.cursor.until(self.end());
        payload.skip(self.transport.header_len.into());
        payload
    }

    /// Returns the packet, in the frame that `record` describes, and adds the identity of a
    /// fragment to `fragments`.
    pub(super) fn packet(&self, record: &RawRecord, fragments: &mut Vec<FragmentId>) -> Packet {
        let Self { cursor, vlan_id, ip, transport, tunnel, cut } = self;
        if !self.is_whole() {
            add(*cut, fragments);
        }
        let tunnel_id = tunnel.map_or(0, Tunnel::id);
        packet(record, cursor, ip, transport, *vlan_id, tunnel_id)
    }
}

/// Returns the packet with these headers, in the frame that `record` describes. The cursor is after
/// the IP headers.
// The headers are separate arguments: in one struct, each packet would write them to memory.
#[inline(always)]
pub(super) fn packet(
    record: &RawRecord,
    cursor: &Cursor<'_>,
    ip: &Ip,
    transport: &Transport,
    vlan_id: u16,
    tunnel_id: u32,
) -> Packet {
    let (mut src, mut dst) = (ip.src, ip.dst);
    src.port = transport.src_port;
    dst.port = transport.dst_port;
    let (ip_offset, transport_offset) = (narrow(ip.offset), narrow(cursor.offset()));
    let payload_offset = transport_offset.saturating_add(transport.header_len.into());
    Packet {
        time: record.time,
        src,
        dst,
        network: cursor.network(),
        tunnel_id,
        vlan_id,
        protocol: ip.protocol,
        version: ip.version,
        fragment: ip.fragment,
        tcp_flags: transport.tcp_flags,
        link: record.link,
        frame_offset: record.offset,
        capture_len: record.capture_len,
        wire_len: record.wire_len,
        ip_offset,
        ip_len: ip.len,
        transport_offset,
        payload_offset,
        payload_len: ip.len.saturating_sub(payload_offset - ip_offset),
    }
}

/// Adds the identity of a fragment. Few packets are fragments.
#[cold]
pub(super) fn add(id: Option<FragmentId>, fragments: &mut Vec<FragmentId>) {
    fragments.extend(id);
}
