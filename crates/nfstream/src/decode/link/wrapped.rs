//! Headers that name the link type of the frame after them.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedLink, UnsupportedHeader};
use crate::packet::{LinkType, to_usize};

/// Reads a header of Per-Packet Information (little-endian).
pub(super) fn ppi(cursor: &mut Cursor<'_>) -> Result<LinkType, DecodeError> {
    const MIN_LEN: usize = 8;

    let [0, _, low, high] = *cursor.peek(0, TruncatedLink)? else { return Err(UnsupportedHeader) };
    let len = usize::from(u16::from_le_bytes([low, high]));
    let link = numbered(u32::from_le_bytes(*cursor.peek(4, TruncatedLink)?));
    if len < MIN_LEN {
        return Err(UnsupportedHeader);
    }
    cursor.skip(len);
    Ok(link)
}

/// Reads a PKTAP header of Apple's systems (little-endian), of either version.
pub(super) fn pktap(cursor: &mut Cursor<'_>) -> Result<LinkType, DecodeError> {
    const FLAGS: usize = 36;
    const VERSION_2: u32 = 0x0008_0000;
    const PACKET: u32 = 1;
    const MIN_LEN: u32 = 40;

    let word = |at| cursor.peek(at, TruncatedLink).copied().map(u32::from_le_bytes);
    let (len, link) = if word(FLAGS)? & VERSION_2 == 0 {
        if word(4)? != PACKET {
            return Err(NotIp);
        }
        (word(0)?, numbered(word(8)?))
    } else {
        let len = cursor.byte(0, TruncatedLink)?;
        let link = u16::from_le_bytes(*cursor.peek(6, TruncatedLink)?);
        (len.into(), numbered(link.into()))
    };
    if len < MIN_LEN {
        return Err(UnsupportedHeader);
    }
    cursor.skip(to_usize(len));
    Ok(link)
}

/// Reads a record of an Endace card: a header, its extensions, and one of several kinds of frame.
pub(super) fn erf(cursor: &mut Cursor<'_>) -> Result<LinkType, DecodeError> {
    const KIND: usize = 8;
    const HEADER_LEN: usize = 16;
    const EXTENSION_LEN: usize = 8;
    const HAS_EXTENSION: u8 = 0x80;

    let mut kind = cursor.byte(KIND, TruncatedLink)?;
    let mut more = kind;
    kind &= !HAS_EXTENSION;
    cursor.skip(HEADER_LEN);
    while more & HAS_EXTENSION != 0 {
        more = cursor.byte(0, TruncatedLink)?;
        cursor.skip(EXTENSION_LEN);
    }
    let (skipped, link) = match kind {
        1 | 10 | 15 | 17 | 19 => (0, LinkType::PPP_SERIAL),
        // Offset and padding.
        2 | 11 | 16 | 20 => (2, LinkType::ETHERNET),
        // Cell header.
        4 => (4, LinkType::ATM_RFC1483),
        // Channel header.
        5 => (4, LinkType::PPP_SERIAL),
        9 => (8, LinkType::ATM_RFC1483),
        21 => (0, LinkType::INFINIBAND),
        22 => (0, LinkType::IPV4),
        23 => (0, LinkType::IPV6),
        // Counters, metadata and padding.
        13 | 14 | 27 | 48 => return Err(NotIp),
        _ => return Err(UnsupportedHeader),
    };
    cursor.skip(skipped);
    Ok(link)
}

/// Reads the fields before a packet exported by Wireshark; one of them names the protocol.
pub(super) fn exported(cursor: &mut Cursor<'_>) -> Result<LinkType, DecodeError> {
    const END: u16 = 0;
    const PROTOCOL: u16 = 12;

    let mut link = Err(NotIp);
    loop {
        let [kind, len] = [cursor.u16(0, TruncatedLink)?, cursor.u16(2, TruncatedLink)?];
        cursor.skip(4);
        match kind {
            END => return link,
            PROTOCOL => {
                let name = cursor.rest().get(..len.into()).ok_or(TruncatedLink)?;
                link = named(name.trim_ascii_end());
            }
            _ => {}
        }
        cursor.skip(usize::from(len));
    }
}

/// Returns the link type of a protocol that can begin a frame, by Wireshark's name.
fn named(name: &[u8]) -> Result<LinkType, DecodeError> {
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    match name.get(..end).unwrap_or_default() {
        b"ip" => Ok(LinkType::IPV4),
        b"ipv6" => Ok(LinkType::IPV6),
        b"raw_ip" => Ok(LinkType::RAW),
        b"ppp" | b"ppp_hdlc" => Ok(LinkType::PPP),
        b"mpls" => Ok(LinkType::MPLS),
        b"wlan" | b"wlan_withoutfcs" | b"wlan_withfcs" => Ok(LinkType::IEEE802_11),
        name if name.starts_with(b"eth") => Ok(LinkType::ETHERNET),
        _ => Err(NotIp),
    }
}

/// Reads a TaZmen Sniffer header and its tags.
pub(crate) fn tzsp(cursor: &mut Cursor<'_>) -> Result<LinkType, DecodeError> {
    const RECEIVED: u8 = 0;
    const TO_TRANSMIT: u8 = 1;
    const PADDING: u8 = 0;
    const END: u8 = 1;

    let [1, RECEIVED | TO_TRANSMIT, high, low] = *cursor.peek(0, TruncatedLink)? else {
        return Err(NotIp);
    };
    cursor.skip(4);
    loop {
        match cursor.byte(0, TruncatedLink)? {
            END => break,
            PADDING => cursor.skip(1),
            _ => {
                let len = cursor.byte(1, TruncatedLink)?;
                cursor.skip(2 + usize::from(len));
            }
        }
    }
    cursor.skip(1);
    match u16::from_be_bytes([high, low]) {
        1 => Ok(LinkType::ETHERNET),
        4 => Ok(LinkType::PPP),
        5 => Ok(LinkType::FDDI),
        7 => Ok(LinkType::RAW),
        0x12 => Ok(LinkType::IEEE802_11),
        0x77 => Ok(LinkType::IEEE802_11_PRISM),
        0x7f => Ok(LinkType::IEEE802_11_AVS),
        _ => Err(UnsupportedHeader),
    }
}

/// Returns the link type for a number that may have more bits than a link type.
fn numbered(number: u32) -> LinkType {
    LinkType(u16::try_from(number).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADDRESSES, IPV4, IPV6, skip};
    use super::*;
    use crate::decode::error::DecodeError::UnsupportedLinkType;

    const ETHERNET: &[u8] = &[2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 8, 0];

    #[test]
    fn per_packet_information_names_the_link_type() {
        let frame = [&[0, 0, 12, 0, 1, 0, 0, 0, 9, 9, 9, 9], ETHERNET, IPV4];
        assert_eq!(skip(LinkType::PPI, &frame), Ok((Some(4), 0, 26)));
        let data = [&[0x08, 1][..], &[0; 22], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], IPV4].concat();
        let frame = [&[0, 0, 8, 0, 105, 0, 0, 0], &data[..]];
        assert_eq!(skip(LinkType::PPI, &frame), Ok((Some(4), 0, 40)));
        let link = LinkType(147);
        let frame = [&[0, 0, 8, 0, 147, 0, 0, 0], IPV4];
        assert_eq!(skip(LinkType::PPI, &frame), Err(UnsupportedLinkType { link }));
    }

    #[test]
    fn a_header_may_not_name_its_own_kind() {
        let header = [0, 0, 8, 0, 192, 0, 0, 0].repeat(1000);
        assert_eq!(skip(LinkType::PPI, &[&header]), Err(UnsupportedHeader));
    }

    #[test]
    fn pktap_has_two_versions() {
        let mut first = vec![0; 108];
        (first[0], first[4], first[8]) = (108, 1, 1);
        assert_eq!(skip(LinkType::PKTAP, &[&first, ETHERNET, IPV4]), Ok((Some(4), 0, 122)));
        first[8] = 12;
        assert_eq!(skip(LinkType::PKTAP, &[&first, IPV6]), Ok((None, 0, 108)));
        first[4] = 0;
        assert_eq!(skip(LinkType::PKTAP, &[&first]), Err(NotIp));
        let mut second = vec![0; 48];
        (second[0], second[6], second[38]) = (48, 0, 0x08);
        assert_eq!(skip(LinkType::PKTAP, &[&second, &[2, 0, 0, 0], IPV4]), Ok((Some(4), 0, 52)));
    }

    #[test]
    fn cards_write_many_kinds() {
        let record = |kind, parts: &[&[u8]]| {
            let mut header = [0; 16];
            header[8] = kind;
            skip(LinkType::ERF, &[&[&header[..]], parts].concat())
        };
        assert_eq!(record(2, &[&[0, 0], ETHERNET, IPV4]), Ok((Some(4), 0, 32)));
        assert_eq!(record(1, &[&[0xff, 3, 0, 0x21], IPV4]), Ok((Some(4), 0, 20)));
        assert_eq!(record(22, &[IPV4]), Ok((Some(4), 0, 16)));
        assert_eq!(record(0x97, &[&[0x83; 8], &[0x03; 8], IPV6]), Ok((Some(6), 0, 32)));
        assert_eq!(record(27, &[&[0; 40]]), Err(NotIp));
        assert_eq!(record(3, &[&[0; 48]]), Err(UnsupportedHeader));
    }

    #[test]
    fn exported_packets_name_their_protocol() {
        let frame = [&[0, 20, 0, 4, 0, 0, 0, 1, 0, 12, 0, 4], &b"ip\0\0"[..], &[0; 4], IPV4];
        assert_eq!(skip(LinkType::WIRESHARK_UPPER_PDU, &frame), Ok((Some(4), 0, 20)));
        let frame = [&[0, 12, 0, 4], &b"http"[..], &[0; 4], IPV4];
        assert_eq!(skip(LinkType::WIRESHARK_UPPER_PDU, &frame), Err(NotIp));
        assert_eq!(skip(LinkType::WIRESHARK_UPPER_PDU, &[&[0, 12, 0, 9]]), Err(TruncatedLink));
    }

    #[test]
    fn forwarded_frames_may_be_a_link_type() {
        let frame = [&[1, 0, 0, 1, 10, 1, 0xc0, 1], ADDRESSES, &[8, 0], IPV4];
        assert_eq!(skip(LinkType::TZSP, &frame), Ok((Some(4), 0, 22)));
    }
}
