//! Identities of IP packets that arrive in fragments.

use super::DecodeError::TruncatedNetwork;
use super::cursor::Cursor;
use super::ip::{Ip, read_v4, read_v6};
use super::layers::Layers;
use super::tunnel;
use crate::packet::{Fragment, Packet, protocol};

/// What all fragments of one IP packet have in common (RFC 791, RFC 8200).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FragmentId {
    src: [u8; 16],
    dst: [u8; 16],
    protocol: u8,
    version: u8,
    vlan_id: u16,
    identification: u32,
}

impl FragmentId {
    /// Returns the packet of which `packet`, in `frame`, is a piece, `None` where it is whole.
    pub fn of(packet: &Packet, frame: &[u8]) -> Option<Self> {
        if packet.fragment == Fragment::Whole {
            return None;
        }
        // What was cut may be the packet outside a tunnel, in another VLAN than the one inside.
        let vlan_id = if packet.tunnel_id == 0 || packet.fragment_offset == packet.ip_offset {
            packet.vlan_id
        } else {
            let outermost = Layers::outermost(packet.link, frame, packet.wire_len).ok()?;
            tunnel::vlan_id_at(outermost, packet.fragment_offset)
        };
        Self::read(frame, packet.fragment_offset, vlan_id)
    }

    /// Reads what the IP header at `offset` of `frame` says of the packet that was cut, `None`
    /// where that is no fragment.
    pub fn read(frame: &[u8], offset: u32, vlan_id: u16) -> Option<Self> {
        let mut cursor = Cursor::new(frame);
        cursor.skip(usize::try_from(offset).ok()?);
        let header: &[u8; 20] = cursor.peek(0, TruncatedNetwork).ok()?;
        if header[0] >> 4 == 4 {
            let identification = u32::from(u16::from_be_bytes([header[4], header[5]]));
            let ip = read_v4(&mut cursor, u32::MAX).ok()?;
            return Some(Self::new(&ip, vlan_id, identification));
        }
        let ip = read_v6(&mut cursor, u32::MAX).ok()?;
        let identification = Self::identification_v6(frame, offset)?;
        Some(Self::new(&ip, vlan_id, identification))
    }

    fn new(ip: &Ip, vlan_id: u16, identification: u32) -> Self {
        Self {
            src: ip.src.addr,
            dst: ip.dst.addr,
            // Of later IPv6 fragments only the number in the fragment header is known, and all
            // fragments of a packet share it; IPv4 identifies per protocol (RFC 791).
            protocol: if ip.version == 4 { ip.protocol } else { 0 },
            version: ip.version,
            vlan_id,
            identification,
        }
    }

    /// Walks to the fragment header of the IPv6 packet at `offset`.
    fn identification_v6(frame: &[u8], offset: u32) -> Option<u32> {
        let mut cursor = Cursor::new(frame);
        cursor.skip(usize::try_from(offset).ok()?);
        let mut next = cursor.byte(6, TruncatedNetwork).ok()?;
        cursor.skip(40);
        while next != protocol::FRAGMENT {
            let [following, len] = *cursor.peek(0, TruncatedNetwork).ok()?;
            let units = if next == protocol::AUTHENTICATION { 4 } else { 8 };
            cursor.skip(usize::from(len) * units + 8);
            next = following;
        }
        cursor.peek(4, TruncatedNetwork).ok().map(|bytes| u32::from_be_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use nfstream_testkit::{Frame, Ipv4};

    use super::*;

    const A: [u8; 4] = [192, 0, 2, 1];
    const B: [u8; 4] = [192, 0, 2, 2];
    const A6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const B6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

    fn id(frame: &Frame) -> Option<FragmentId> {
        FragmentId::read(&frame.build(), 0, 0)
    }

    fn piece(identification: u16, offset: u16) -> Frame {
        let header = Ipv4::new(A, B).fragment(identification, offset, true);
        Frame::raw().ip(header).opaque(17).payload_len(16)
    }

    fn piece6(identification: u32, offset: u16) -> Frame {
        let frame = Frame::raw().ipv6(A6, B6).extension(60, 8);
        frame.fragment(identification, offset, true).opaque(17).payload_len(16)
    }

    #[test]
    fn fragments_of_one_packet_share_it() {
        assert_eq!(id(&piece(7, 0)), id(&piece(7, 16)));
        assert!(id(&piece(7, 0)).is_some());
        assert_eq!(id(&piece6(7, 0)), id(&piece6(7, 16)));
        assert!(id(&piece6(7, 0)).is_some());
    }

    #[test]
    fn packets_differ_in_it() {
        assert_ne!(id(&piece(7, 0)), id(&piece(8, 0)));
        assert_ne!(id(&piece6(7, 0)), id(&piece6(7 << 16, 0)));
    }

    #[test]
    fn ipv4_numbers_packets_per_protocol() {
        let header = Ipv4::new(A, B).fragment(7, 0, true);
        let tcp = Frame::raw().ip(header).opaque(6).payload_len(16);
        assert_ne!(id(&piece(7, 0)), id(&tcp));
    }

    #[test]
    fn vlans_differ_in_it() {
        let frame = piece(7, 0).build();
        assert_ne!(FragmentId::read(&frame, 0, 1), FragmentId::read(&frame, 0, 2));
    }

    #[test]
    fn what_is_cut_has_none() {
        assert_eq!(FragmentId::read(&piece(7, 0).build()[..19], 0, 0), None);
        assert_eq!(FragmentId::read(&piece6(7, 0).build()[..52], 0, 0), None);
        assert_eq!(FragmentId::read(&[], u32::MAX, 0), None);
    }

    #[test]
    fn an_ipv6_packet_without_fragment_header_has_none() {
        assert_eq!(id(&Frame::raw().ipv6(A6, B6).udp(1, 2).payload_len(100)), None);
    }
}
