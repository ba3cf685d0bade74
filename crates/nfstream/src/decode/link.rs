//! Link-layer headers: what stands between the start of a frame and its IP header.

use super::DecodeError;
use super::DecodeError::{Encrypted, NotIp, TruncatedLink, UnsupportedLinkType};
use super::cursor::Cursor;
use crate::capture::LinkType;

/// What the link layer says of the packet behind it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Network {
    /// The IP version that the link layer announces, `None` where it leaves that to the packet.
    pub(super) version: Option<u8>,
    /// Innermost VLAN identifier, 0 without a tag.
    pub(super) vlan_id: u16,
}

const V4: Network = Network { version: Some(4), vlan_id: 0 };
const V6: Network = Network { version: Some(6), vlan_id: 0 };
const EITHER: Network = Network { version: None, vlan_id: 0 };

/// EtherTypes (IEEE 802 numbers) that lead to an IP packet.
mod ethertype {
    pub(super) const IPV4: u16 = 0x0800;
    pub(super) const IPV6: u16 = 0x86dd;
    /// 802.1Q, 802.1ad, and two numbers used for stacked tags before it.
    pub(super) const TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
    pub(super) const MPLS: [u16; 2] = [0x8847, 0x8848];
    pub(super) const PPPOE_SESSION: u16 = 0x8864;
    /// Smaller numbers in the same place are a length (IEEE 802.3).
    pub(super) const FIRST: u16 = 0x0600;
}

/// Moves the cursor to the IP header.
///
/// # Errors
///
/// [`DecodeError`] where the frame carries no IP packet, or ends before it.
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

fn other_links(link: LinkType, cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    match link {
        LinkType::NULL | LinkType::LOOP => loopback(cursor),
        LinkType::RAW | LinkType::RAW_DLT | LinkType::RAW_OPENBSD => Ok(EITHER),
        LinkType::IPV4 => Ok(V4),
        LinkType::IPV6 => Ok(V6),
        LinkType::PPP | LinkType::PPP_SERIAL => match cursor.byte(0, TruncatedLink)? {
            // Unicast and multicast addresses of Cisco HDLC (RFC 1547, section 4.3.1).
            0x0f | 0x8f => cisco_hdlc(cursor),
            _ => ppp(cursor),
        },
        LinkType::PPPOE => pppoe(cursor),
        LinkType::C_HDLC => cisco_hdlc(cursor),
        LinkType::LINUX_SLL => cooked(cursor, 14, 16),
        LinkType::LINUX_SLL2 => cooked(cursor, 0, 20),
        LinkType::IEEE802_11 => wireless(cursor, false),
        LinkType::RADIOTAP => radiotap(cursor),
        _ => Err(UnsupportedLinkType),
    }
}

#[inline]
fn ethernet(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let kind = cursor.u16(12, TruncatedLink)?;
    cursor.skip(14);
    match kind {
        ethertype::IPV4 => Ok(V4),
        ethertype::IPV6 => Ok(V6),
        _ => behind_type(cursor, kind),
    }
}

/// Follows `kind`, an EtherType or 802.3 length, and every tag and label behind it.
fn behind_type(cursor: &mut Cursor<'_>, mut kind: u16) -> Result<Network, DecodeError> {
    let mut vlan_id = 0;
    loop {
        if ethertype::TAGS.contains(&kind) {
            vlan_id = cursor.u16(0, TruncatedLink)? & 0x0fff;
            kind = cursor.u16(2, TruncatedLink)?;
            cursor.skip(4);
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

/// Reads an 802.2 header: the EtherType behind its SNAP extension, or `None` for IPv4 itself.
fn llc(cursor: &mut Cursor<'_>) -> Result<Option<u16>, DecodeError> {
    match *cursor.peek(0, TruncatedLink)? {
        // SNAP with the organisation code of EtherTypes (RFC 1042), or of bridged ones.
        [0xaa, 0xaa, 0x03] => match *cursor.peek(3, TruncatedLink)? {
            [0, 0, 0 | 0xf8, high, low] => {
                cursor.skip(8);
                let kind = u16::from_be_bytes([high, low]);
                // A length here would let a hostile frame stack headers of no meaning.
                if kind < ethertype::FIRST { Err(NotIp) } else { Ok(Some(kind)) }
            }
            _ => Err(NotIp),
        },
        // IPv4 has a service access point of its own (RFC 948).
        [0x06, 0x06, 0x03] => {
            cursor.skip(3);
            Ok(None)
        }
        _ => Err(NotIp),
    }
}

/// Skips labels down to the bottom of the stack (RFC 3032).
fn mpls(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    loop {
        let [_, _, bottom, _] = *cursor.peek(0, TruncatedLink)?;
        cursor.skip(4);
        if bottom & 1 == 1 {
            break;
        }
    }
    // Labels do not say what follows them; IP packets are told by their version.
    match cursor.byte(0, TruncatedLink)? >> 4 {
        4 => Ok(V4),
        6 => Ok(V6),
        _ => Err(NotIp),
    }
}

/// Reads a PPPoE header (RFC 2516). Discovery has EtherType and code of its own.
fn pppoe(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let [0x11, 0x00] = *cursor.peek(0, TruncatedLink)? else { return Err(NotIp) };
    cursor.skip(6);
    ppp(cursor)
}

/// Reads a PPP header (RFC 1661, RFC 1662), address, control and protocol compressed or not.
fn ppp(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    if cursor.peek(0, TruncatedLink) == Ok(&[0xff, 0x03]) {
        cursor.skip(2);
    }
    let first = cursor.byte(0, TruncatedLink)?;
    // The last byte of a protocol number is odd, every other one even.
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

fn cisco_hdlc(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let kind = cursor.u16(2, TruncatedLink)?;
    cursor.skip(4);
    if kind < ethertype::FIRST { Err(NotIp) } else { behind_type(cursor, kind) }
}

/// Reads an address family in the byte order of whatever machine made the capture.
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

/// Reads a Linux "cooked" header of `len` bytes with its protocol at `protocol`.
fn cooked(cursor: &mut Cursor<'_>, protocol: usize, len: usize) -> Result<Network, DecodeError> {
    let kind = cursor.u16(protocol, TruncatedLink)?;
    cursor.peek::<1>(len - 1, TruncatedLink)?;
    cursor.skip(len);
    match kind {
        // ETH_P_802_2: an 802.2 header follows; the other small numbers are no network protocols.
        0x0004 => behind_type(cursor, kind),
        _ if kind < ethertype::FIRST => Err(NotIp),
        _ => behind_type(cursor, kind),
    }
}

/// Reads a radiotap header (little-endian; radiotap.org) and the 802.11 frame behind it.
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

/// Reads an 802.11 data frame; `padded` if its header is padded to a multiple of four bytes.
fn wireless(cursor: &mut Cursor<'_>, padded: bool) -> Result<Network, DecodeError> {
    const TYPE_DATA: u8 = 2;
    const SUBTYPE_NO_DATA: u8 = 0x40;
    const SUBTYPE_QOS: u8 = 0x80;
    const BOTH_DISTRIBUTION_SYSTEMS: u8 = 0x03;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    const AGGREGATE: u8 = 0x80;

    let [control, flags] = *cursor.peek(0, TruncatedLink)?;
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
