//! Link-layer headers: from the start of a frame to its IP header.

use super::cursor::Cursor;
use super::error::DecodeError;
use super::error::DecodeError::{Encrypted, NotIp, TruncatedLink, UnsupportedLinkType};
use crate::packet::{Identifier, LinkType, link_types};

/// Properties of a packet that its link layer gives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Network {
    /// IP version that the link layer announces, `None` if only the packet says it.
    pub(super) version: Option<u8>,
    /// Innermost VLAN identifier, 0 without a tag.
    pub(super) vlan_id: u16,
}

pub(super) const V4: Network = Network { version: Some(4), vlan_id: 0 };
pub(super) const V6: Network = Network { version: Some(6), vlan_id: 0 };
pub(super) const EITHER: Network = Network { version: None, vlan_id: 0 };

/// EtherTypes (IEEE 802 numbers) that lead to an IP packet.
mod ethertype {
    pub(super) const IPV4: u16 = 0x0800;
    pub(super) const IPV6: u16 = 0x86dd;
    /// 802.1Q, 802.1ad, and two numbers that were used for stacked tags before it.
    pub(super) const TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
    pub(super) const MPLS: [u16; 2] = [0x8847, 0x8848];
    /// Transparent Ethernet bridging (RFC 1701).
    pub(super) const ETHERNET: u16 = 0x6558;
    pub(super) const PPPOE_SESSION: u16 = 0x8864;
    /// Smaller numbers in this position are a length (IEEE 802.3).
    pub(super) const FIRST: u16 = 0x0600;
}

/// Moves the cursor to the IP header.
///
/// # Errors
///
/// [`DecodeError`] if the frame carries no IP packet, or ends before it.
#[inline]
pub(super) fn skip_to_network(
    link: LinkType,
    cursor: &mut Cursor<'_>,
) -> Result<Network, DecodeError> {
    if link == LinkType::ETHERNET {
        return ethernet(cursor);
    }
    other_links(link, cursor)
}

macro_rules! readers {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal, $reader:ident;)*) => {
        fn other_links(link: LinkType, cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
            match link {
                $(LinkType::$constant => $reader(cursor),)*
                _ => Err(UnsupportedLinkType),
            }
        }
    };
}
link_types!(readers);

/// Reads a bare IP packet, of either version.
fn raw(_: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    Ok(EITHER)
}

/// Reads a bare IPv4 packet.
fn ipv4(_: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    Ok(V4)
}

/// Reads a bare IPv6 packet.
fn ipv6(_: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    Ok(V6)
}

/// Reads an Ethernet header and all tags and labels after it.
#[inline]
pub(super) fn ethernet(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let kind = cursor.u16(12, TruncatedLink)?;
    cursor.skip(14);
    match kind {
        ethertype::IPV4 => Ok(V4),
        ethertype::IPV6 => Ok(V6),
        _ => behind_type(cursor, kind),
    }
}

/// Follows `kind`, the EtherType in the header of a tunnel, or the number by which tunnels announce
/// whole Ethernet frames.
pub(super) fn bridged(cursor: &mut Cursor<'_>, kind: u16) -> Result<Network, DecodeError> {
    match kind {
        ethertype::ETHERNET => ethernet(cursor),
        // The field holds neither a length nor the start of an 802.2 header.
        _ if kind < ethertype::FIRST => Err(NotIp),
        _ => behind_type(cursor, kind),
    }
}

/// Follows `kind`, an EtherType or 802.3 length, and all tags and labels after it.
fn behind_type(cursor: &mut Cursor<'_>, mut kind: u16) -> Result<Network, DecodeError> {
    let mut vlan_id = 0;
    loop {
        if ethertype::TAGS.contains(&kind) {
            vlan_id = cursor.u16(0, TruncatedLink)? & 0x0fff;
            kind = cursor.u16(2, TruncatedLink)?;
            cursor.skip(4);
            cursor.enter(Identifier::Vlan(vlan_id));
            continue;
        }
        let network = match kind {
            ethertype::IPV4 => V4,
            ethertype::IPV6 => V6,
            ethertype::PPPOE_SESSION => pppoe(cursor)?,
            _ if ethertype::MPLS.contains(&kind) => mpls(cursor)?,
            _ if kind < ethertype::FIRST => {
                let Some(inner) = llc(cursor)? else { return Ok(Network { vlan_id, ..V4 }) };
                kind = inner;
                continue;
            }
            _ => return Err(NotIp),
        };
        return Ok(Network { vlan_id, ..network });
    }
}

/// Reads an 802.2 header: returns the EtherType of its SNAP extension, or `None` for IPv4 itself.
fn llc(cursor: &mut Cursor<'_>) -> Result<Option<u16>, DecodeError> {
    match *cursor.peek(0, TruncatedLink)? {
        // SNAP with the organisation code for EtherTypes (RFC 1042), or for bridged frames.
        [0xaa, 0xaa, 0x03] => match *cursor.peek(3, TruncatedLink)? {
            [0, 0, 0 | 0xf8, high, low] => {
                cursor.skip(8);
                let kind = u16::from_be_bytes([high, low]);
                // Accepting a length here would let an untrusted frame stack meaningless headers.
                if kind < ethertype::FIRST { Err(NotIp) } else { Ok(Some(kind)) }
            }
            _ => Err(NotIp),
        },
        // IPv4 has its own service access point (RFC 948).
        [0x06, 0x06, 0x03] => {
            cursor.skip(3);
            Ok(None)
        }
        _ => Err(NotIp),
    }
}

/// Skips labels down to the bottom of the stack (RFC 3032).
pub(super) fn mpls(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    loop {
        let [high, middle, bottom, _] = *cursor.peek(0, TruncatedLink)?;
        cursor.skip(4);
        let label = u32::from_be_bytes([0, high, middle, bottom]) >> 4;
        cursor.enter(Identifier::MplsLabel(label));
        if bottom & 1 == 1 {
            break;
        }
    }
    // Labels do not identify their payload; the version of the IP packet does.
    match cursor.byte(0, TruncatedLink)? >> 4 {
        4 => Ok(V4),
        6 => Ok(V6),
        _ => Err(NotIp),
    }
}

/// Reads a PPPoE header (RFC 2516). Discovery uses another EtherType and other codes.
fn pppoe(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let [0x11, 0x00] = *cursor.peek(0, TruncatedLink)? else { return Err(NotIp) };
    cursor.skip(6);
    ppp(cursor)
}

/// Reads a PPP header (RFC 1661, RFC 1662), with address, control and protocol compressed or not.
pub(super) fn ppp(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    if cursor.peek(0, TruncatedLink) == Ok(&[0xff, 0x03]) {
        cursor.skip(2);
    }
    let first = cursor.byte(0, TruncatedLink)?;
    // The last byte of a protocol number is odd, all others are even.
    let protocol = if first & 1 == 1 {
        cursor.skip(1);
        u16::from(first)
    } else {
        let protocol = cursor.u16(0, TruncatedLink)?;
        cursor.skip(2);
        protocol
    };
    match protocol {
        0x0021 => Ok(V4),
        0x0057 => Ok(V6),
        0x0281 | 0x0283 => mpls(cursor),
        _ => Err(NotIp),
    }
}

/// Skips the direction, 0 for received packets, and reads the PPP header after it.
fn ppp_with_direction(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cursor.skip(1);
    ppp(cursor)
}

fn cisco_hdlc(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let kind = cursor.u16(2, TruncatedLink)?;
    cursor.skip(4);
    if kind < ethertype::FIRST { Err(NotIp) } else { behind_type(cursor, kind) }
}

/// Reads a PPP or Cisco HDLC header: both are captured under one link type.
fn ppp_or_cisco_hdlc(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    match cursor.byte(0, TruncatedLink)? {
        // Unicast and multicast addresses of Cisco HDLC (RFC 1547, section 4.3.1).
        0x0f | 0x8f => cisco_hdlc(cursor),
        _ => ppp(cursor),
    }
}

/// Reads an address family in the byte order of the capturing machine.
fn loopback(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let family = *cursor.peek(0, TruncatedLink)?;
    cursor.skip(4);
    // IPv6 is 10 on Linux, 24, 28 and 30 on the BSDs and macOS, 23 on Windows.
    match u32::from_le_bytes(family).min(u32::from_be_bytes(family)) {
        2 => Ok(V4),
        10 | 23 | 24 | 28 | 30 => Ok(V6),
        _ => Err(NotIp),
    }
}

/// Reads a Linux "cooked" header of version 1.
fn cooked_1(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cooked(cursor, 14, 16)
}

/// Reads a Linux "cooked" header of version 2.
fn cooked_2(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cooked(cursor, 0, 20)
}

/// Reads a Linux "cooked" header of `len` bytes with its protocol at `protocol`.
fn cooked(cursor: &mut Cursor<'_>, protocol: usize, len: usize) -> Result<Network, DecodeError> {
    let kind = cursor.u16(protocol, TruncatedLink)?;
    cursor.peek::<1>(len - 1, TruncatedLink)?;
    cursor.skip(len);
    match kind {
        // ETH_P_802_2: an 802.2 header follows; the other small numbers are not network protocols.
        0x0004 => behind_type(cursor, kind),
        _ if kind < ethertype::FIRST => Err(NotIp),
        _ => behind_type(cursor, kind),
    }
}

/// Reads a radiotap header (little-endian; radiotap.org) and the 802.11 frame after it.
fn radiotap(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const PRESENT_TIME: u32 = 1;
    const PRESENT_FLAGS: u32 = 1 << 1;
    const PRESENT_MORE: u32 = 1 << 31;
    const FLAG_DATA_PADDED: u8 = 0x20;

    let [0, _, len_low, len_high] = *cursor.peek(0, TruncatedLink)? else { return Err(NotIp) };
    let len = usize::from(u16::from_le_bytes([len_low, len_high]));
    let present = u32::from_le_bytes(*cursor.peek(4, TruncatedLink)?);
    let mut fields = 8;
    let mut more = present;
    while more & PRESENT_MORE != 0 {
        more = u32::from_le_bytes(*cursor.peek(fields, TruncatedLink)?);
        fields += 4;
    }
    if present & PRESENT_TIME != 0 {
        fields = fields.next_multiple_of(8) + 8;
    }
    let padded =
        present & PRESENT_FLAGS != 0 && cursor.byte(fields, TruncatedLink)? & FLAG_DATA_PADDED != 0;
    if len < 8 {
        return Err(NotIp);
    }
    cursor.skip(len);
    wireless(cursor, padded)
}

/// Reads an 802.11 frame without a preceding header.
fn bare_wireless(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    wireless(cursor, false)
}

/// Reads an 802.11 data frame; `padded` if its header is padded to a multiple of four bytes.
pub(super) fn wireless(cursor: &mut Cursor<'_>, padded: bool) -> Result<Network, DecodeError> {
    wireless_data(cursor, *cursor.peek(0, TruncatedLink)?, padded)
}

/// Reads an 802.11 data frame that begins with `frame_control`, in either byte order.
pub(super) fn wireless_data(
    cursor: &mut Cursor<'_>,
    frame_control: [u8; 2],
    padded: bool,
) -> Result<Network, DecodeError> {
    const TYPE_DATA: u8 = 2;
    const SUBTYPE_NO_DATA: u8 = 0x40;
    const SUBTYPE_QOS: u8 = 0x80;
    const BOTH_DISTRIBUTION_SYSTEMS: u8 = 0x03;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    const AGGREGATE: u8 = 0x80;

    let [control, flags] = frame_control;
    if control >> 2 & 3 != TYPE_DATA || control & SUBTYPE_NO_DATA != 0 {
        return Err(NotIp);
    }
    if flags & PROTECTED != 0 {
        return Err(Encrypted);
    }
    let mut len =
        if flags & BOTH_DISTRIBUTION_SYSTEMS == BOTH_DISTRIBUTION_SYSTEMS { 30 } else { 24 };
    let mut aggregate = false;
    if control & SUBTYPE_QOS != 0 {
        aggregate = cursor.byte(len, TruncatedLink)? & AGGREGATE != 0;
        len += 2;
        if flags & ORDER != 0 {
            len += 4;
        }
    }
    if padded {
        len = len.next_multiple_of(4);
    }
    if aggregate {
        // The first subframe of an A-MSDU: two addresses and a length.
        len += 14;
    }
    cursor.skip(len);
    match llc(cursor)? {
        Some(kind) => behind_type(cursor, kind),
        None => Ok(V4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First byte of an IPv4 or IPv6 header, the only one that the link layer reads.
    const IPV4: &[u8] = &[0x45];
    const IPV6: &[u8] = &[0x60];
    const ADDRESSES: &[u8] = &[2; 12];

    /// Reads the concatenated `parts`; returns version, VLAN and offset of the IP header.
    fn skip(link: LinkType, parts: &[&[u8]]) -> Result<(Option<u8>, u16, usize), DecodeError> {
        let frame = parts.concat();
        let mut cursor = Cursor::new(&frame);
        let network = skip_to_network(link, &mut cursor)?;
        Ok((network.version, network.vlan_id, cursor.offset()))
    }

    fn skip_ethernet(parts: &[&[u8]]) -> Result<(Option<u8>, u16, usize), DecodeError> {
        skip(LinkType::ETHERNET, &[&[ADDRESSES], parts].concat())
    }

    mod ethernet {
        use super::*;

        #[test]
        fn ip_versions_are_known_by_ethertype() {
            assert_eq!(skip_ethernet(&[&[0x08, 0x00], IPV4]), Ok((Some(4), 0, 14)));
            assert_eq!(skip_ethernet(&[&[0x86, 0xdd], IPV6]), Ok((Some(6), 0, 14)));
        }

        #[test]
        fn arp_is_not_ip() {
            assert_eq!(skip_ethernet(&[&[0x08, 0x06], &[0; 28]]), Err(NotIp));
        }

        #[test]
        fn a_cut_header_is_truncated() {
            assert_eq!(skip_ethernet(&[&[0x08]]), Err(TruncatedLink));
            assert_eq!(skip(LinkType::ETHERNET, &[]), Err(TruncatedLink));
        }

        #[test]
        fn snap_leads_to_its_ethertype() {
            const SNAP: &[u8] = &[0x00, 0x26, 0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];
            assert_eq!(skip_ethernet(&[SNAP, IPV4]), Ok((Some(4), 0, 22)));
        }

        #[test]
        fn snap_of_another_organisation_is_not_ip() {
            const CISCO: &[u8] = &[0x00, 0x26, 0xaa, 0xaa, 0x03, 0, 0, 0x0c, 0x20, 0x00];
            assert_eq!(skip_ethernet(&[CISCO, &[0; 20]]), Err(NotIp));
        }

        #[test]
        fn a_length_after_snap_is_not_ip() {
            const NESTED: &[u8] = &[0x00, 0x26, 0xaa, 0xaa, 0x03, 0, 0, 0, 0x00, 0x26];
            assert_eq!(skip_ethernet(&[NESTED, &[0; 20]]), Err(NotIp));
        }

        #[test]
        fn ip_has_a_service_access_point() {
            const LLC: &[u8] = &[0x00, 0x17, 0x06, 0x06, 0x03];
            assert_eq!(skip_ethernet(&[LLC, IPV4]), Ok((Some(4), 0, 17)));
        }

        #[test]
        fn spanning_tree_is_not_ip() {
            const BPDU: &[u8] = &[0x00, 0x26, 0x42, 0x42, 0x03];
            assert_eq!(skip_ethernet(&[BPDU, &[0; 35]]), Err(NotIp));
        }
    }

    mod vlan {
        use super::*;

        #[test]
        fn priority_is_no_part_of_the_identifier() {
            const TAG: &[u8] = &[0x81, 0x00, 0xf0, 0x07, 0x08, 0x00];
            assert_eq!(skip_ethernet(&[TAG, IPV4]), Ok((Some(4), 7, 18)));
        }

        #[test]
        fn the_innermost_tag_counts() {
            const QINQ: &[u8] = &[0x88, 0xa8, 0x00, 0x64, 0x81, 0x00, 0x00, 0xc8, 0x86, 0xdd];
            assert_eq!(skip_ethernet(&[QINQ, IPV6]), Ok((Some(6), 200, 22)));
        }

        #[test]
        fn older_numbers_of_stacked_tags_are_known() {
            for outer in [0x91_u8, 0x92] {
                let tags = [outer, 0x00, 0, 1, 0x81, 0x00, 0, 2, 0x08, 0x00];
                assert_eq!(skip_ethernet(&[&tags, IPV4]), Ok((Some(4), 2, 22)), "{outer:#x}00");
            }
        }

        #[test]
        fn a_cut_tag_is_truncated() {
            assert_eq!(skip_ethernet(&[&[0x81, 0x00, 0x00]]), Err(TruncatedLink));
            assert_eq!(skip_ethernet(&[&[0x81, 0x00, 0x00, 0x07, 0x08]]), Err(TruncatedLink));
        }

        #[test]
        fn tagged_arp_is_not_ip() {
            assert_eq!(skip_ethernet(&[&[0x81, 0x00, 0x00, 0x07, 0x08, 0x06]]), Err(NotIp));
        }
    }

    mod mpls {
        use super::*;

        const TOP: &[u8] = &[0x00, 0x01, 0x00, 0x40];
        const BOTTOM: &[u8] = &[0x00, 0x01, 0x01, 0x40];

        #[test]
        fn the_bottom_of_the_stack_is_found() {
            let frame = [&[0x88, 0x47], TOP, TOP, BOTTOM, IPV4];
            assert_eq!(skip_ethernet(&frame), Ok((Some(4), 0, 26)));
        }

        #[test]
        fn the_version_identifies_the_payload() {
            assert_eq!(skip_ethernet(&[&[0x88, 0x48], BOTTOM, IPV6]), Ok((Some(6), 0, 18)));
            assert_eq!(skip_ethernet(&[&[0x88, 0x47], BOTTOM, &[0x00]]), Err(NotIp));
        }

        #[test]
        fn labels_in_a_vlan_keep_it() {
            let frame = [&[0x81, 0x00, 0x00, 0x07, 0x88, 0x47], BOTTOM, IPV4];
            assert_eq!(skip_ethernet(&frame), Ok((Some(4), 7, 22)));
        }

        #[test]
        fn a_stack_without_bottom_is_truncated() {
            assert_eq!(skip_ethernet(&[&[0x88, 0x47], TOP, TOP]), Err(TruncatedLink));
        }
    }

    mod ppp {
        use super::*;

        #[test]
        fn address_and_control_may_be_left_out() {
            for link in [LinkType::PPP, LinkType::PPP_SERIAL] {
                assert_eq!(skip(link, &[&[0xff, 0x03, 0x00, 0x21], IPV4]), Ok((Some(4), 0, 4)));
                assert_eq!(skip(link, &[&[0x00, 0x57], IPV6]), Ok((Some(6), 0, 2)));
            }
        }

        #[test]
        fn the_protocol_may_be_compressed() {
            assert_eq!(skip(LinkType::PPP, &[&[0x21], IPV4]), Ok((Some(4), 0, 1)));
        }

        #[test]
        fn a_direction_may_precede_it() {
            for direction in [0, 1] {
                let frame = [&[direction, 0xff, 0x03, 0x00, 0x21], IPV4];
                assert_eq!(skip(LinkType::PPP_WITH_DIRECTION, &frame), Ok((Some(4), 0, 5)));
            }
            assert_eq!(skip(LinkType::PPP_WITH_DIRECTION, &[&[0]]), Err(TruncatedLink));
        }

        #[test]
        fn link_control_is_not_ip() {
            assert_eq!(skip(LinkType::PPP, &[&[0xff, 0x03, 0xc0, 0x21]]), Err(NotIp));
        }

        #[test]
        fn labels_may_follow() {
            let frame = [&[0xff, 0x03, 0x02, 0x81][..], &[0, 1, 1, 64], IPV4];
            assert_eq!(skip(LinkType::PPP, &frame), Ok((Some(4), 0, 8)));
        }

        #[test]
        fn the_protocol_must_be_there() {
            assert_eq!(skip(LinkType::PPP, &[&[0xff, 0x03]]), Err(TruncatedLink));
            assert_eq!(skip(LinkType::PPP, &[&[0x00]]), Err(TruncatedLink));
        }
    }

    mod pppoe {
        use super::*;

        #[test]
        fn a_session_leads_to_ppp() {
            const SESSION: &[u8] = &[0x88, 0x64, 0x11, 0x00, 0, 1, 0, 22, 0x00, 0x21];
            assert_eq!(skip_ethernet(&[SESSION, IPV4]), Ok((Some(4), 0, 22)));
        }

        #[test]
        fn it_may_be_a_link_type_of_its_own() {
            const SESSION: &[u8] = &[0x11, 0x00, 0, 1, 0, 42, 0x00, 0x57];
            assert_eq!(skip(LinkType::PPPOE, &[SESSION, IPV6]), Ok((Some(6), 0, 8)));
        }

        #[test]
        fn discovery_is_not_ip() {
            assert_eq!(skip_ethernet(&[&[0x88, 0x63, 0x11, 0x09, 0, 0, 0, 0]]), Err(NotIp));
            assert_eq!(skip(LinkType::PPPOE, &[&[0x11, 0x09, 0, 0, 0, 0]]), Err(NotIp));
        }

        #[test]
        fn a_session_in_a_vlan_keeps_it() {
            const TAGGED: &[u8] = &[0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 1, 0, 22, 0x00, 0x21];
            assert_eq!(skip_ethernet(&[TAGGED, IPV4]), Ok((Some(4), 7, 26)));
        }
    }

    mod cisco_hdlc {
        use super::*;

        #[test]
        fn it_leads_to_an_ethertype() {
            let frame = [&[0x0f, 0x00, 0x08, 0x00], IPV4];
            assert_eq!(skip(LinkType::C_HDLC, &frame), Ok((Some(4), 0, 4)));
        }

        #[test]
        fn ppp_links_may_carry_it() {
            let frame = [&[0x8f, 0x00, 0x86, 0xdd], IPV6];
            assert_eq!(skip(LinkType::PPP_SERIAL, &frame), Ok((Some(6), 0, 4)));
        }

        #[test]
        fn keepalives_are_not_ip() {
            assert_eq!(skip(LinkType::C_HDLC, &[&[0x8f, 0x00, 0x80, 0x35]]), Err(NotIp));
            assert_eq!(skip(LinkType::C_HDLC, &[&[0x8f, 0x00, 0x00, 0x35]]), Err(NotIp));
        }
    }

    mod loopback {
        use super::*;

        #[test]
        fn families_come_in_either_byte_order() {
            for link in [LinkType::NULL, LinkType::LOOP] {
                assert_eq!(skip(link, &[&[2, 0, 0, 0], IPV4]), Ok((Some(4), 0, 4)));
                assert_eq!(skip(link, &[&[0, 0, 0, 2], IPV4]), Ok((Some(4), 0, 4)));
            }
        }

        #[test]
        fn each_system_has_its_number_for_ipv6() {
            for family in [10, 23, 24, 28, 30] {
                let frame = [&[family, 0, 0, 0], IPV6];
                assert_eq!(skip(LinkType::NULL, &frame), Ok((Some(6), 0, 4)), "{family}");
            }
        }

        #[test]
        fn other_families_are_not_ip() {
            assert_eq!(skip(LinkType::NULL, &[&[7, 0, 0, 0]]), Err(NotIp));
            assert_eq!(skip(LinkType::NULL, &[&[0, 0, 0, 0]]), Err(NotIp));
        }

        #[test]
        fn a_cut_family_is_truncated() {
            assert_eq!(skip(LinkType::NULL, &[&[2, 0, 0]]), Err(TruncatedLink));
        }
    }

    mod cooked {
        use super::*;

        #[test]
        fn version_1_has_its_protocol_at_the_end() {
            let frame = [&[0; 14][..], &[0x08, 0x00], IPV4];
            assert_eq!(skip(LinkType::LINUX_SLL, &frame), Ok((Some(4), 0, 16)));
        }

        #[test]
        fn version_2_has_its_protocol_at_the_start() {
            let frame = [&[0x86, 0xdd][..], &[0; 18], IPV6];
            assert_eq!(skip(LinkType::LINUX_SLL2, &frame), Ok((Some(6), 0, 20)));
        }

        #[test]
        fn tags_may_follow() {
            let frame = [&[0; 14][..], &[0x81, 0x00, 0, 7, 0x08, 0x00], IPV4];
            assert_eq!(skip(LinkType::LINUX_SLL, &frame), Ok((Some(4), 7, 20)));
        }

        #[test]
        fn an_802_2_header_may_follow() {
            let frame = [&[0; 14][..], &[0, 4, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00], IPV4];
            assert_eq!(skip(LinkType::LINUX_SLL, &frame), Ok((Some(4), 0, 24)));
        }

        #[test]
        fn a_novell_frame_is_not_ip() {
            assert_eq!(skip(LinkType::LINUX_SLL, &[&[0; 14], &[0, 1], &[0; 30]]), Err(NotIp));
        }

        #[test]
        fn a_cut_header_is_truncated() {
            assert_eq!(skip(LinkType::LINUX_SLL, &[&[0; 15]]), Err(TruncatedLink));
            assert_eq!(skip(LinkType::LINUX_SLL2, &[&[0x08, 0], &[0; 17]]), Err(TruncatedLink));
        }
    }

    mod raw {
        use super::*;

        #[test]
        fn the_packet_says_its_version() {
            for link in [LinkType::RAW, LinkType::RAW_DLT, LinkType::RAW_OPENBSD] {
                assert_eq!(skip(link, &[IPV4]), Ok((None, 0, 0)));
            }
        }

        #[test]
        fn the_link_type_may_say_it_too() {
            assert_eq!(skip(LinkType::IPV4, &[IPV4]), Ok((Some(4), 0, 0)));
            assert_eq!(skip(LinkType::IPV6, &[IPV6]), Ok((Some(6), 0, 0)));
        }

        #[test]
        fn an_unknown_link_type_is_not_supported() {
            assert_eq!(skip(LinkType(147), &[IPV4]), Err(UnsupportedLinkType));
        }

        #[test]
        fn every_supported_link_type_is_decoded() {
            for number in 0..=u16::MAX {
                let link = LinkType(number);
                let known = skip(link, &[&[0; 64]]) != Err(UnsupportedLinkType);
                assert_eq!(known, link.is_supported(), "{link}");
            }
        }
    }

    mod wireless {
        use super::*;

        const SNAP: &[u8] = &[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];

        fn skip_wireless(parts: &[&[u8]]) -> Result<(Option<u8>, u16, usize), DecodeError> {
            skip(LinkType::IEEE802_11, parts)
        }

        #[test]
        fn data_has_24_bytes_of_header() {
            assert_eq!(skip_wireless(&[&[0x08, 0x01], &[0; 22], SNAP, IPV4]), Ok((Some(4), 0, 32)));
        }

        #[test]
        fn data_between_access_points_has_a_fourth_address() {
            assert_eq!(skip_wireless(&[&[0x08, 0x03], &[0; 28], SNAP, IPV4]), Ok((Some(4), 0, 38)));
        }

        #[test]
        fn quality_of_service_takes_two_bytes() {
            assert_eq!(skip_wireless(&[&[0x88, 0x01], &[0; 24], SNAP, IPV4]), Ok((Some(4), 0, 34)));
        }

        #[test]
        fn high_throughput_control_takes_four_more() {
            assert_eq!(skip_wireless(&[&[0x88, 0x81], &[0; 28], SNAP, IPV4]), Ok((Some(4), 0, 38)));
        }

        #[test]
        fn the_first_of_aggregated_frames_is_read() {
            let frame = [&[0x88, 0x01][..], &[0; 22], &[0x80, 0], &[0; 14], SNAP, IPV4];
            assert_eq!(skip_wireless(&frame), Ok((Some(4), 0, 48)));
        }

        #[test]
        fn protected_frames_are_encrypted() {
            assert_eq!(skip_wireless(&[&[0x08, 0x41], &[0; 40]]), Err(Encrypted));
        }

        #[test]
        fn beacons_and_frames_without_data_are_not_ip() {
            assert_eq!(skip_wireless(&[&[0x80, 0x00], &[0; 40]]), Err(NotIp));
            assert_eq!(skip_wireless(&[&[0x48, 0x01], &[0; 40]]), Err(NotIp));
        }

        #[test]
        fn a_cut_header_is_truncated() {
            assert_eq!(skip_wireless(&[&[0x08, 0x01], &[0; 20]]), Err(TruncatedLink));
        }
    }

    mod radiotap {
        use super::*;

        const DATA: &[u8] = &[0x08, 0x01];
        const SNAP: &[u8] = &[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];

        #[test]
        fn its_length_is_skipped() {
            let frame = [&[0, 0, 12, 0, 0, 0, 0, 0, 9, 9, 9, 9], DATA, &[0; 22], SNAP, IPV4];
            assert_eq!(skip(LinkType::RADIOTAP, &frame), Ok((Some(4), 0, 44)));
        }

        #[test]
        fn padding_after_a_header_is_skipped() {
            // Present: flags. Flags: data padded. The header has 26 bytes, so two are padding.
            const RADIOTAP: &[u8] = &[0, 0, 9, 0, 0x02, 0, 0, 0, 0x20];
            let frame = [RADIOTAP, &[0x88, 0x01], &[0; 24], &[0, 0], SNAP, IPV4];
            assert_eq!(skip(LinkType::RADIOTAP, &frame), Ok((Some(4), 0, 45)));
        }

        #[test]
        fn flags_follow_an_aligned_time() {
            // Present: time and flags. The time begins at a multiple of eight.
            const RADIOTAP: &[u8] = &[0, 0, 17, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20];
            let frame = [RADIOTAP, &[0x88, 0x01], &[0; 24], &[0, 0], SNAP, IPV4];
            assert_eq!(skip(LinkType::RADIOTAP, &frame), Ok((Some(4), 0, 53)));
        }

        #[test]
        fn flags_follow_all_presence_words() {
            // Present: flags, and one word more.
            const RADIOTAP: &[u8] = &[0, 0, 13, 0, 0x02, 0, 0, 0x80, 0, 0, 0, 0, 0x20];
            let frame = [RADIOTAP, &[0x88, 0x01], &[0; 24], &[0, 0], SNAP, IPV4];
            assert_eq!(skip(LinkType::RADIOTAP, &frame), Ok((Some(4), 0, 49)));
        }

        #[test]
        fn another_version_is_not_ip() {
            assert_eq!(skip(LinkType::RADIOTAP, &[&[1, 0, 8, 0, 0, 0, 0, 0]]), Err(NotIp));
        }

        #[test]
        fn presence_words_without_end_are_truncated() {
            let frame = [&[0, 0, 8, 0][..], &[0, 0, 0, 0x80].repeat(3)];
            assert_eq!(skip(LinkType::RADIOTAP, &frame), Err(TruncatedLink));
        }
    }
}
