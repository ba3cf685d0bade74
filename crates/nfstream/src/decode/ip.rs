//! IPv4 and IPv6 headers, options, extension headers and IP in IP.

use super::cursor::Cursor;
use super::error::DecodeError;
use super::error::DecodeError::{MalformedNetwork, TruncatedNetwork};
use super::fragment::FragmentId;
use super::link::Network;
use crate::packet::{Endpoint, Fragment, NetworkId, narrow, protocol};

/// The innermost IP header of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ip {
    pub(super) version: u8,
    /// Addresses; the ports are not known at this layer.
    pub(super) src: Endpoint,
    pub(super) dst: Endpoint,
    /// Protocol of the payload, after all extension headers.
    pub(super) protocol: u8,
    /// Offset of the header in its frame.
    pub(super) offset: usize,
    /// Bytes of the packet on the wire, header included.
    pub(super) len: u32,
    pub(super) fragment: Fragment,
    /// Identification that the fragments of a packet share; meaningless for [`Fragment::Whole`].
    pub(super) identification: u32,
}

/// Reads IP headers down to the innermost and leaves the cursor after it. `cut` becomes the
/// identity of a fragment, taken from the innermost header that marks it as one.
///
/// # Errors
///
/// [`DecodeError`] if a header is cut or contradicts itself.
// Runs for every packet, and again for packets inside tunnels.
#[inline(always)]
pub(super) fn read_innermost(
    cursor: &mut Cursor<'_>,
    network: Network,
    wire_len: u32,
    cut: &mut Option<FragmentId>,
) -> Result<Ip, DecodeError> {
    let mut announced = network.version;
    let mut carrier = Fragment::Whole;
    loop {
        let version = cursor.byte(0, TruncatedNetwork)? >> 4;
        if announced.is_some_and(|announced| announced != version) {
            return Err(MalformedNetwork);
        }
        let mut ip = match version {
            4 => read_v4(cursor, wire_len)?,
            6 => read_v6(cursor, wire_len)?,
            _ => return Err(MalformedNetwork),
        };
        if ip.fragment == Fragment::Whole {
            ip.fragment = carrier;
        } else {
            *cut = Some(ip.fragment_id(cursor.network()));
        }
        announced = match ip.protocol {
            protocol::IPV4 => Some(4),
            protocol::IPV6 => Some(6),
            _ => return Ok(ip),
        };
        // A later fragment of a tunnel continues in the middle of the inner packet.
        if ip.fragment == Fragment::Later {
            return Ok(ip);
        }
        carrier = ip.fragment;
    }
}

#[inline(always)]
fn read_v4(cursor: &mut Cursor<'_>, wire_len: u32) -> Result<Ip, DecodeError> {
    const MORE_FRAGMENTS: u16 = 0x2000;
    const FRAGMENT_OFFSET: u16 = 0x1fff;

    let offset = cursor.offset();
    let header: &[u8; 20] = cursor.peek(0, TruncatedNetwork)?;
    let [first, _, len_high, len_low, id_high, id_low, cut_high, cut_low, ref rest @ ..] = *header;
    let [_, protocol, _, _, ref ends @ ..] = *rest;
    let [s0, s1, s2, s3, d0, d1, d2, d3] = *ends;
    let header_len = usize::from(first & 0x0f) * 4;
    if header_len < 20 {
        return Err(MalformedNetwork);
    }
    let len = match u32::from(u16::from_be_bytes([len_high, len_low])) {
        // Segmentation offload: the sender's capture contains packets too long for a 16-bit length.
        0 => wire_len.saturating_sub(narrow(offset)),
        len => len,
    };
    if len < narrow(header_len) {
        return Err(MalformedNetwork);
    }
    // Options may be cut; reading the bytes after them then fails.
    cursor.skip(header_len);
    let place = u16::from_be_bytes([cut_high, cut_low]);
    let fragment = if place & FRAGMENT_OFFSET != 0 {
        Fragment::Later
    } else if place & MORE_FRAGMENTS != 0 {
        Fragment::First
    } else {
        Fragment::Whole
    };
    Ok(Ip {
        version: 4,
        src: Endpoint::v4([s0, s1, s2, s3], 0),
        dst: Endpoint::v4([d0, d1, d2, d3], 0),
        protocol,
        offset,
        len,
        fragment,
        identification: u16::from_be_bytes([id_high, id_low]).into(),
    })
}

#[inline]
fn read_v6(cursor: &mut Cursor<'_>, wire_len: u32) -> Result<Ip, DecodeError> {
    const HEADER_LEN: u32 = 40;

    let offset = cursor.offset();
    let header: &[u8; 40] = cursor.peek(0, TruncatedNetwork)?;
    let [_, _, _, _, len_high, len_low, next, _, ref ends @ ..] = *header;
    let (src, dst) = ends.split_first_chunk::<16>().ok_or(TruncatedNetwork)?;
    let dst = dst.first_chunk::<16>().ok_or(TruncatedNetwork)?;
    let len = match u32::from(u16::from_be_bytes([len_high, len_low])) {
        // A jumbogram (RFC 2675), or segmentation offload. A packet that consists of headers has no
        // payload either: too few bytes for ports are link-layer padding.
        0 => match wire_len.saturating_sub(narrow(offset)) {
            padding if padding < HEADER_LEN + 8 => HEADER_LEN,
            len => len,
        },
        len => len + HEADER_LEN,
    };
    cursor.skip(40);
    let mut ip = Ip {
        version: 6,
        src: Endpoint::v6(*src, 0),
        dst: Endpoint::v6(*dst, 0),
        protocol: next,
        offset,
        len,
        fragment: Fragment::Whole,
        identification: 0,
    };
    skip_extensions(cursor, &mut ip)?;
    Ok(ip)
}

/// Skips IPv6 extension headers (RFC 8200, RFC 7045), down to the payload or a later fragment.
fn skip_extensions(cursor: &mut Cursor<'_>, ip: &mut Ip) -> Result<(), DecodeError> {
    let mut identification = None;
    loop {
        let units = match ip.protocol {
            protocol::ROUTING => {
                if let Some(dst) = final_destination(cursor) {
                    ip.dst = Endpoint::v6(dst, 0);
                }
                8
            }
            protocol::HOP_BY_HOP
            | protocol::DESTINATION_OPTIONS
            | protocol::MOBILITY
            | protocol::HIP
            | protocol::SHIM6 => 8,
            protocol::AUTHENTICATION => 4,
            protocol::FRAGMENT => {
                let [next, _, cut_high, cut_low, id @ ..] =
                    *cursor.peek::<8>(0, TruncatedNetwork)?;
                let cut = u16::from_be_bytes([cut_high, cut_low]);
                // The identification of the first fragment header, if there are several.
                ip.identification = *identification.get_or_insert_with(|| u32::from_be_bytes(id));
                cursor.skip(8);
                ip.protocol = next;
                if cut & 0xfff8 != 0 {
                    ip.fragment = Fragment::Later;
                    return Ok(());
                }
                if cut & 1 != 0 {
                    ip.fragment = Fragment::First;
                }
                continue;
            }
            _ => return Ok(()),
        };
        let [next, len] = *cursor.peek(0, TruncatedNetwork)?;
        // Both lengths exclude the first eight bytes (RFC 8200; RFC 4302).
        cursor.skip(usize::from(len) * units + 8);
        ip.protocol = next;
    }
}

/// Returns the last address that the packet has not reached yet, from the routing header under the
/// cursor: the destination of its flow, which checksums cover as well (RFC 8200, section 8.1).
#[cold]
fn final_destination(cursor: &Cursor<'_>) -> Option<[u8; 16]> {
    const ROUTE: u8 = 0;
    const HOME_ADDRESS: u8 = 2;
    const SEGMENTS: u8 = 4;

    let [_, units, kind, left] = *cursor.peek(0, TruncatedNetwork).ok()?;
    // Each address has two units of eight bytes.
    let last = usize::from(units / 2).checked_sub(1)?;
    let place = match kind {
        _ if left == 0 => return None,
        ROUTE => last,
        // Segments are listed in reverse order (RFC 8754).
        HOME_ADDRESS | SEGMENTS => 0,
        _ => return None,
    };
    cursor.peek(8 + place * 16, TruncatedNetwork).ok().copied()
}

impl Ip {
    /// Returns the identity of the packet that this fragment belongs to.
    #[cold]
    fn fragment_id(&self, network: NetworkId) -> FragmentId {
        FragmentId {
            src: self.src.addr,
            dst: self.dst.addr,
            protocol: if self.version == 4 { self.protocol } else { 0 },
            version: self.version,
            network,
            identification: self.identification,
        }
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

    const EITHER: Network = Network { version: None, vlan_id: 0 };

    /// Reads the IP headers of a bare packet; returns the innermost one and the offset of its end.
    fn read_bytes(bytes: &[u8]) -> Result<(Ip, usize), DecodeError> {
        let mut cursor = Cursor::new(bytes);
        let ip = read_innermost(&mut cursor, EITHER, narrow(bytes.len()), &mut None)?;
        Ok((ip, cursor.offset()))
    }

    fn read(frame: &Frame) -> (Ip, usize) {
        read_bytes(&frame.build()).unwrap()
    }

    mod v4 {
        use super::*;

        /// 20 bytes of header, 4 of payload (RFC 791).
        const PACKET: [u8; 24] =
            [0x45, 0, 0, 24, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 1, 2, 3, 4];

        #[test]
        fn addresses_protocol_and_length_are_read() {
            let (ip, end) = read_bytes(&PACKET).unwrap();
            assert_eq!((ip.version, ip.protocol, ip.len, end), (4, 17, 24, 20));
            assert_eq!((ip.src, ip.dst), (Endpoint::v4(A, 0), Endpoint::v4(B, 0)));
            assert_eq!(ip.fragment, Fragment::Whole);
        }

        #[test]
        fn options_are_skipped() {
            let frame = Frame::raw().ip(Ipv4::new(A, B).options(&[1; 40])).udp(1, 2);
            assert_eq!(read(&frame).1, 60);
        }

        #[test]
        fn a_header_of_less_than_20_bytes_is_malformed() {
            let mut packet = PACKET;
            packet[0] = 0x44;
            assert_eq!(read_bytes(&packet).unwrap_err(), MalformedNetwork);
        }

        #[test]
        fn a_total_length_below_the_header_is_malformed() {
            let mut packet = PACKET;
            packet[3] = 19;
            assert_eq!(read_bytes(&packet).unwrap_err(), MalformedNetwork);
        }

        #[test]
        fn a_total_length_of_0_is_taken_from_the_wire() {
            let mut packet = PACKET;
            packet[3] = 0;
            assert_eq!(read_bytes(&packet).unwrap().0.len, 24);
        }

        #[test]
        fn a_cut_header_is_truncated() {
            assert_eq!(read_bytes(&PACKET[..19]).unwrap_err(), TruncatedNetwork);
            assert_eq!(read_bytes(&[]).unwrap_err(), TruncatedNetwork);
        }

        #[test]
        fn options_may_be_cut() {
            let frame = Frame::raw().ip(Ipv4::new(A, B).options(&[1; 8])).opaque(1).build();
            let (ip, end) = read_bytes(&frame[..20]).unwrap();
            assert_eq!((ip.protocol, ip.dst, end), (1, Endpoint::v4(B, 0), 28));
        }

        #[test]
        fn an_inner_packet_must_not_begin_after_the_cut() {
            let frame = Frame::raw().ip(Ipv4::new(A, B).options(&[1; 8])).opaque(4).build();
            assert_eq!(read_bytes(&frame[..27]).unwrap_err(), TruncatedNetwork);
        }

        #[test]
        fn the_first_fragment_announces_more() {
            let frame = Frame::raw().ip(Ipv4::new(A, B).fragment(7, 0, true)).udp(1, 2);
            assert_eq!(read(&frame).0.fragment, Fragment::First);
        }

        #[test]
        fn a_fragment_with_an_offset_is_a_later_one() {
            for more in [true, false] {
                let frame = Frame::raw().ip(Ipv4::new(A, B).fragment(7, 8, more)).opaque(17);
                assert_eq!(read(&frame).0.fragment, Fragment::Later);
            }
        }

        #[test]
        fn do_not_fragment_makes_no_fragment() {
            let mut packet = PACKET;
            packet[6] = 0x40;
            assert_eq!(read_bytes(&packet).unwrap().0.fragment, Fragment::Whole);
        }
    }

    mod v6 {
        use super::*;

        #[test]
        fn addresses_protocol_and_length_are_read() {
            let (ip, end) = read(&Frame::raw().ipv6(A6, B6).udp(1, 2).payload_len(10));
            assert_eq!((ip.version, ip.protocol, ip.len, end), (6, 17, 58, 40));
            assert_eq!((ip.src, ip.dst), (Endpoint::v6(A6, 0), Endpoint::v6(B6, 0)));
        }

        #[test]
        fn extension_headers_are_skipped() {
            for number in [0, 43, 60, 135, 139, 140, 51] {
                let frame = Frame::raw().ipv6(A6, B6).extension(number, 24).udp(1, 2);
                let (ip, end) = read(&frame);
                assert_eq!((ip.protocol, end, ip.len), (17, 64, 72), "{number}");
            }
        }

        #[test]
        fn the_last_segment_is_the_destination() {
            const LAST: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
            let read = |kind, left, addresses: [[u8; 16]; 2]| {
                let frame = Frame::raw().ipv6(A6, B6).extension(43, 40).udp(1, 2);
                let mut packet = frame.build();
                packet[40 + 2..][..2].copy_from_slice(&[kind, left]);
                packet[40 + 8..][..32].copy_from_slice(&addresses.concat());
                read_bytes(&packet).unwrap().0.dst
            };
            assert_eq!(read(4, 1, [LAST, B6]), Endpoint::v6(LAST, 0));
            assert_eq!(read(0, 2, [A6, LAST]), Endpoint::v6(LAST, 0));
            // The packet has arrived there, or its header is unknown.
            assert_eq!(read(4, 0, [LAST, A6]), Endpoint::v6(B6, 0));
            assert_eq!(read(9, 1, [LAST, A6]), Endpoint::v6(B6, 0));
        }

        #[test]
        fn a_chain_of_extension_headers_is_skipped() {
            let frame = Frame::raw().ipv6(A6, B6).extension(0, 8).extension(43, 16);
            let (ip, end) = read(&frame.extension(60, 8).tcp(1, 2, 0));
            assert_eq!((ip.protocol, end), (6, 72));
        }

        #[test]
        fn the_first_two_bytes_of_an_extension_header_are_required() {
            let frame = Frame::raw().ipv6(A6, B6).extension(0, 16).opaque(58).build();
            assert_eq!(read_bytes(&frame[..41]).unwrap_err(), TruncatedNetwork);
            let (ip, end) = read_bytes(&frame[..42]).unwrap();
            assert_eq!((ip.protocol, end), (58, 56));
        }

        #[test]
        fn fragments_are_known_by_their_header() {
            let piece = |offset, more| {
                let frame = Frame::raw().ipv6(A6, B6).fragment(7, offset, more);
                read(&frame.opaque(17).payload_len(16)).0.fragment
            };
            assert_eq!(piece(0, true), Fragment::First);
            assert_eq!(piece(8, true), Fragment::Later);
            assert_eq!(piece(8, false), Fragment::Later);
            // An atomic fragment (RFC 6946) is a whole packet.
            assert_eq!(piece(0, false), Fragment::Whole);
        }

        #[test]
        fn bytes_of_a_later_fragment_are_no_headers() {
            let frame = Frame::raw().ipv6(A6, B6).fragment(7, 8, false).opaque(60);
            let (ip, end) = read(&frame.payload(&[6, 200, 0, 0]));
            assert_eq!((ip.protocol, end), (60, 48));
        }

        #[test]
        fn a_payload_length_of_0_is_taken_from_the_wire() {
            let frame = Frame::raw().ipv6_claiming(A6, B6, 0).udp(1, 2).payload_len(10);
            assert_eq!(read(&frame).0.len, 58);
        }

        /// Ethernet frames have at least 46 bytes after their header.
        #[test]
        fn padding_after_bare_headers_is_not_payload() {
            let no_next_header = Frame::raw().ipv6(A6, B6).opaque(59).padded_to(46);
            assert_eq!(read(&no_next_header).0.len, 40);
        }

        #[test]
        fn a_cut_header_is_truncated() {
            let frame = Frame::raw().ipv6(A6, B6).udp(1, 2).build();
            assert_eq!(read_bytes(&frame[..39]).unwrap_err(), TruncatedNetwork);
        }
    }

    mod versions {
        use super::*;

        #[test]
        fn others_than_4_and_6_are_malformed() {
            for version in [0, 1, 3, 5, 7, 15] {
                let packet = [[version << 4; 1].as_slice(), &[0; 60]].concat();
                assert_eq!(read_bytes(&packet).unwrap_err(), MalformedNetwork);
            }
        }

        #[test]
        fn one_that_was_not_announced_is_malformed() {
            let packet = Frame::raw().ipv4(A, B).udp(1, 2).build();
            let network = Network { version: Some(6), vlan_id: 0 };
            let outcome = read_innermost(&mut Cursor::new(&packet), network, 28, &mut None);
            assert_eq!(outcome.unwrap_err(), MalformedNetwork);
        }
    }

    mod tunnels {
        use super::*;

        #[test]
        fn the_innermost_header_counts() {
            let tunnels = [
                Frame::raw().ipv4([1; 4], [2; 4]).ipv4(A, B),
                Frame::raw().ipv6(A6, B6).ipv4(A, B),
                Frame::raw().ipv6(A6, B6).extension(60, 8).ipv4([1; 4], [2; 4]).ipv4(A, B),
            ];
            for tunnel in tunnels {
                let (ip, end) = read(&tunnel.udp(1, 2));
                assert_eq!((ip.src, ip.dst), (Endpoint::v4(A, 0), Endpoint::v4(B, 0)));
                assert_eq!((ip.protocol, ip.offset + 20, ip.len), (17, end, 28));
            }
            let (ip, _) = read(&Frame::raw().ipv4(A, B).ipv6(A6, B6).udp(1, 2));
            assert_eq!((ip.version, ip.offset), (6, 20));
        }

        #[test]
        fn an_inner_version_that_was_not_announced_is_malformed() {
            let mut packet = Frame::raw().ipv4([1; 4], [2; 4]).ipv4(A, B).udp(1, 2).build();
            packet[9] = protocol::IPV6;
            assert_eq!(read_bytes(&packet).unwrap_err(), MalformedNetwork);
        }

        #[test]
        fn a_packet_inside_a_first_fragment_is_a_first_fragment() {
            let outer = Ipv4::new([1; 4], [2; 4]).fragment(7, 0, true);
            let (ip, _) = read(&Frame::raw().ip(outer).ipv4(A, B).udp(1, 2));
            assert_eq!((ip.fragment, ip.src), (Fragment::First, Endpoint::v4(A, 0)));
        }

        #[test]
        fn an_inner_fragment_is_marked_by_its_own_header() {
            let inner = Ipv4::new(A, B).fragment(7, 0, true);
            let (ip, _) = read(&Frame::raw().ipv4([1; 4], [2; 4]).ip(inner).udp(1, 2));
            assert_eq!((ip.fragment, ip.offset), (Fragment::First, 20));
        }

        #[test]
        fn a_later_fragment_is_not_opened() {
            let outer = Ipv4::new([1; 4], [2; 4]).fragment(7, 8, false);
            let (ip, end) = read(&Frame::raw().ip(outer).ipv4(A, B).udp(1, 2));
            assert_eq!((ip.src, ip.protocol, end), (Endpoint::v4([1; 4], 0), protocol::IPV4, 20));
        }
    }

    mod fragment_ids {
        use super::*;

        /// Returns the identity of the fragment that `bytes` begin with.
        fn id_of(bytes: &[u8]) -> Option<FragmentId> {
            let mut id = None;
            let mut cursor = Cursor::new(bytes);
            read_innermost(&mut cursor, EITHER, narrow(bytes.len()), &mut id).ok()?;
            id
        }

        fn id(frame: &Frame) -> Option<FragmentId> {
            id_of(&frame.build())
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
        fn a_cut_address_is_missing() {
            assert_eq!(id_of(&piece(7, 0).build()[..19]), None);
            assert_eq!(id_of(&piece6(7, 0).build()[..52]), None);
        }

        #[test]
        fn an_ipv6_packet_without_fragment_header_has_none() {
            assert_eq!(id(&Frame::raw().ipv6(A6, B6).udp(1, 2).payload_len(100)), None);
        }
    }
}
