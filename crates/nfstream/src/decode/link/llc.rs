//! 802.2 headers, with or without SNAP, and ISO's protocol identifiers.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedLink, UnsupportedHeader};
use super::network::{Next, V4, V6, ethernet_header};
use super::{ethertype, ppp};

/// Reads an 802.2 header. A bridged frame begins `padding` bytes after it.
pub(super) fn read(cursor: &mut Cursor<'_>, padding: usize) -> Result<Next, DecodeError> {
    match *cursor.peek(0, TruncatedLink)? {
        [0xaa | 0xab, 0xaa | 0xab, 0x03] => {
            cursor.skip(3);
            snap(cursor, padding)
        }
        // IPv4 has its own service access point (RFC 948).
        [0x06, 0x06, 0x03] => {
            cursor.skip(3);
            Ok(Next::Ip(V4))
        }
        [0xfe, 0xfe, 0x03] => {
            cursor.skip(3);
            network(cursor)
        }
        // Every other service access point belongs to one protocol, such as spanning tree.
        _ => Err(NotIp),
    }
}

/// Reads an organisation and its protocol number (RFC 1042).
pub(super) fn snap(cursor: &mut Cursor<'_>, padding: usize) -> Result<Next, DecodeError> {
    let [a, b, c, high, low] = *cursor.peek(0, TruncatedLink)?;
    cursor.skip(5);
    let kind = u16::from_be_bytes([high, low]);
    match [a, b, c] {
        // EtherTypes, also in bridged frames (IEEE 802.1H). A length would let an untrusted frame
        // stack meaningless headers.
        [0, 0, 0 | 0xf8] if kind >= ethertype::FIRST => Ok(Next::Type(kind)),
        [0, 0, 0 | 0xf8] => Err(NotIp),
        // Bridged Ethernet, with and without checksum (RFC 2684, RFC 2427).
        [0x00, 0x80, 0xc2] if matches!(kind, 0x0001 | 0x0007) => {
            cursor.skip(padding);
            ethernet_header(cursor)
        }
        [0x00, 0x80, 0xc2] if matches!(kind, 0x000d | 0x000e) => Err(NotIp),
        // Protocols of Cisco, Nortel, Apple, Extreme and Foundry devices.
        [0x00, 0x00, 0x0c | 0x81] | [0x08, 0x00, 0x07] | [0x00, 0xe0, 0x2b | 0x52] => Err(NotIp),
        _ => Err(UnsupportedHeader),
    }
}

/// Reads a network layer protocol identifier (ISO/IEC TR 9577, RFC 2427).
pub(super) fn network(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    const IPV4: u8 = 0xcc;
    const IPV6: u8 = 0x8e;
    const SNAP: u8 = 0x80;
    const PPP: u8 = 0xcf;

    // Padding aligns what follows.
    if cursor.byte(0, TruncatedLink)? == 0 {
        cursor.skip(1);
    }
    let protocol = cursor.byte(0, TruncatedLink)?;
    cursor.skip(1);
    match protocol {
        IPV4 => Ok(Next::Ip(V4)),
        IPV6 => Ok(Next::Ip(V6)),
        SNAP => snap(cursor, 0),
        PPP => ppp::header(cursor),
        // Fragments, compressed and encrypted packets.
        0xb0..=0xb3 => Err(UnsupportedHeader),
        _ => Err(NotIp),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADDRESSES, IPV4, IPV6, skip_ethernet};
    use super::*;

    const SNAP: &[u8] = &[0x00, 0x26, 0xaa, 0xaa, 0x03];

    #[test]
    fn snap_leads_to_its_ethertype() {
        assert_eq!(skip_ethernet(&[SNAP, &[0, 0, 0, 8, 0], IPV4]), Ok((Some(4), 0, 22)));
        assert_eq!(skip_ethernet(&[SNAP, &[0, 0, 0xf8, 0x86, 0xdd], IPV6]), Ok((Some(6), 0, 22)));
    }

    #[test]
    fn snap_of_another_organisation_may_carry_ip() {
        assert_eq!(skip_ethernet(&[SNAP, &[0, 0, 0x0c, 0x20, 0], &[0; 20]]), Err(NotIp));
        assert_eq!(skip_ethernet(&[SNAP, &[9, 9, 9, 8, 0], &[0; 20]]), Err(UnsupportedHeader));
    }

    #[test]
    fn bridged_frames_are_read() {
        let frame = [SNAP, &[0, 0x80, 0xc2, 0, 7], ADDRESSES, &[8, 0], IPV4];
        assert_eq!(skip_ethernet(&frame), Ok((Some(4), 0, 36)));
    }

    #[test]
    fn a_length_after_snap_is_not_ip() {
        assert_eq!(skip_ethernet(&[SNAP, &[0, 0, 0, 0, 0x26], &[0; 20]]), Err(NotIp));
    }

    #[test]
    fn ip_has_a_service_access_point() {
        assert_eq!(skip_ethernet(&[&[0, 23, 6, 6, 3], IPV4]), Ok((Some(4), 0, 17)));
    }

    #[test]
    fn iso_has_numbers_for_ip() {
        assert_eq!(skip_ethernet(&[&[0, 24, 0xfe, 0xfe, 3, 0xcc], IPV4]), Ok((Some(4), 0, 18)));
        assert_eq!(skip_ethernet(&[&[0, 24, 0xfe, 0xfe, 3, 0x83], &[0; 20]]), Err(NotIp));
    }

    #[test]
    fn spanning_tree_is_not_ip() {
        assert_eq!(skip_ethernet(&[&[0x00, 0x26, 0x42, 0x42, 0x03], &[0; 35]]), Err(NotIp));
    }

    #[test]
    fn a_cut_header_is_truncated() {
        assert_eq!(skip_ethernet(&[SNAP, &[0, 0]]), Err(TruncatedLink));
    }
}
