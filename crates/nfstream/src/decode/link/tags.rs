//! Headers that switches, bridges and service chains put between Ethernet and IP.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{
    self, Encrypted, NotIp, TruncatedLink, UnsupportedEtherType, UnsupportedHeader,
};
use super::network::{Next, V4, V6, ethernet_header, type_after};
use super::{ethertype, llc, ppp};
use crate::packet::Identifier;

/// Skips the header that `kind` announces.
///
/// # Errors
///
/// [`DecodeError`] if its payload is unknown, or the frame ends inside it.
#[cold]
pub(super) fn skip(cursor: &mut Cursor<'_>, kind: u16) -> Result<Next, DecodeError> {
    match kind {
        ethertype::HSR | ethertype::R_TAG | ethertype::VN_TAG => type_after(cursor, 4),
        ethertype::E_TAG | ethertype::SWITCH_TAG => type_after(cursor, 6),
        ethertype::CISCO_METADATA => {
            // A version, and the length of the options in units of four bytes.
            let units = cursor.byte(1, TruncatedLink)?;
            type_after(cursor, 2 + 4 * usize::from(units))
        }
        ethertype::BACKBONE => {
            let [_, high, middle, low] = *cursor.peek(0, TruncatedLink)?;
            cursor.skip(4);
            let service = u32::from_be_bytes([0, high, middle, low]);
            cursor.enter(Identifier::VirtualNetwork(service));
            ethernet_header(cursor)
        }
        ethertype::FABRIC_PATH => {
            cursor.skip(2);
            ethernet_header(cursor)
        }
        ethertype::ETHERNET => ethernet_header(cursor),
        ethertype::BATMAN => mesh(cursor),
        ethertype::JUMBO_LLC => llc::read(cursor, 0),
        ethertype::MACSEC => security(cursor),
        ethertype::PPP => ppp::header(cursor),
        ethertype::PPPOE_SESSION => ppp::session(cursor),
        ethertype::SERVICE => service(cursor),
        ethertype::TRILL => trill(cursor),
        _ if ethertype::is_not_ip(kind) => Err(NotIp),
        _ => Err(UnsupportedEtherType { number: kind }),
    }
}

/// Skips the security tag of a frame that is authenticated but not encrypted (IEEE 802.1AE).
fn security(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    const VERSION: u8 = 0x80;
    const EXPLICIT_CHANNEL: u8 = 0x20;
    const ENCRYPTED: u8 = 0x08;
    const CHANGED: u8 = 0x04;

    match cursor.byte(0, TruncatedLink)? {
        flags if flags & VERSION != 0 => Err(UnsupportedHeader),
        flags if flags & (ENCRYPTED | CHANGED) != 0 => Err(Encrypted),
        flags if flags & EXPLICIT_CHANNEL != 0 => type_after(cursor, 14),
        _ => type_after(cursor, 6),
    }
}

/// Skips a network service header (RFC 8300).
fn service(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    const VERSION: u8 = 0xc0;
    const OPERATIONS: u8 = 0x20;
    const MIN_LEN: usize = 8;

    let [flags, length, _, protocol] = *cursor.peek(0, TruncatedLink)?;
    let len = usize::from(length & 0x3f) * 4;
    if flags & VERSION != 0 || len < MIN_LEN {
        return Err(UnsupportedHeader);
    }
    if flags & OPERATIONS != 0 {
        return Err(NotIp);
    }
    cursor.skip(len);
    match protocol {
        1 => Ok(Next::Ip(V4)),
        2 => Ok(Next::Ip(V6)),
        3 => ethernet_header(cursor),
        4 => Ok(Next::Type(ethertype::SERVICE)),
        5 => Ok(Next::Type(ethertype::MPLS[0])),
        _ => Err(UnsupportedHeader),
    }
}

/// Skips a TRILL header with its options (RFC 6325).
fn trill(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    const VERSION: u16 = 0xc000;

    let first = cursor.u16(0, TruncatedLink)?;
    if first & VERSION != 0 {
        return Err(UnsupportedHeader);
    }
    cursor.skip(6 + usize::from(first >> 6 & 0x1f) * 4);
    ethernet_header(cursor)
}

/// Skips the header of a frame in a B.A.T.M.A.N. mesh, versions 14 and 15.
fn mesh(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    const BROADCAST: u8 = 0x01;
    const UNICAST: u8 = 0x40;
    const UNICAST_WITH_SOURCE: u8 = 0x42;

    let [kind, 14 | 15] = *cursor.peek(0, TruncatedLink)? else { return Err(UnsupportedHeader) };
    cursor.skip(match kind {
        BROADCAST => 14,
        UNICAST => 10,
        UNICAST_WITH_SOURCE => 18,
        // The others maintain the mesh, or carry a fragment or several payloads.
        0x00 | 0x02 => return Err(NotIp),
        _ => return Err(UnsupportedHeader),
    });
    ethernet_header(cursor)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADDRESSES, IPV4, IPV6, skip_ethernet};
    use super::*;

    const TYPE: &[u8] = &[0x08, 0x00];

    #[test]
    fn tags_are_skipped() {
        for (tag, len) in [
            (&[0x89, 0x2f, 0, 46, 0, 7][..], 6),
            (&[0xf1, 0xc1, 0, 0, 0, 7], 6),
            (&[0x89, 0x26, 0x80, 1, 0, 2], 6),
            (&[0x89, 0x3f, 0, 1, 0, 2, 0, 0], 8),
            (&[0x89, 0x09, 1, 1, 0, 1, 0, 9], 8),
            (&[0xda, 0xda, 0, 0, 0xc0, 0, 0, 1], 8),
        ] {
            assert_eq!(skip_ethernet(&[tag, TYPE, IPV4]), Ok((Some(4), 0, 14 + len)), "{tag:02x?}");
            assert_eq!(skip_ethernet(&[&tag[..4]]), Err(TruncatedLink));
        }
    }

    #[test]
    fn tags_and_vlans_mix() {
        const VLANS: &[u8] = &[0x88, 0xa8, 0, 9, 0x89, 0x26, 0, 0, 0, 0, 0x81, 0, 0, 7];
        assert_eq!(skip_ethernet(&[VLANS, TYPE, IPV4]), Ok((Some(4), 7, 28)));
    }

    #[test]
    fn frames_in_frames_are_read() {
        for (header, len) in [
            (&[0x88, 0xe7, 0x10, 0, 0x13, 0x88][..], 4),
            (&[0x89, 0x03, 0x04, 0x20], 2),
            (&[0x65, 0x58], 0),
            (&[0x22, 0xf3, 0x00, 0x3f, 0, 1, 0, 2], 6),
            (&[0x22, 0xf3, 0x00, 0x7f, 0, 1, 0, 2, 9, 9, 9, 9], 10),
            (&[0x43, 0x05, 0x40, 15, 50, 1, 2, 2, 2, 2, 2, 2], 10),
        ] {
            let frame = [header, ADDRESSES, &[0x81, 0, 0, 5], TYPE, IPV4];
            assert_eq!(skip_ethernet(&frame), Ok((Some(4), 5, 14 + len + 18)), "{header:02x?}");
        }
    }

    #[test]
    fn macsec_in_clear_is_read() {
        const SHORT: &[u8] = &[0x88, 0xe5, 0x02, 0, 0, 0, 0, 9];
        const LONG: &[u8] = &[0x88, 0xe5, 0x20, 0, 0, 0, 0, 9, 2, 2, 2, 2, 2, 2, 0, 1];
        assert_eq!(skip_ethernet(&[SHORT, TYPE, IPV4]), Ok((Some(4), 0, 22)));
        assert_eq!(skip_ethernet(&[LONG, &[0x86, 0xdd], IPV6]), Ok((Some(6), 0, 30)));
    }

    #[test]
    fn macsec_with_confidentiality_is_encrypted() {
        for flags in [0x0c, 0x08, 0x04, 0x2c] {
            assert_eq!(skip_ethernet(&[&[0x88, 0xe5, flags], &[0; 40]]), Err(Encrypted));
        }
        assert_eq!(skip_ethernet(&[&[0x88, 0xe5, 0x80], &[0; 40]]), Err(UnsupportedHeader));
    }

    #[test]
    fn a_service_header_names_its_payload() {
        let skip = |protocol, parts: &[&[u8]]| {
            let header = [0x89, 0x4f, 0x0f, 0xc2, 0x02, protocol, 0, 0, 1, 255];
            skip_ethernet(&[&[&header[..]], parts].concat())
        };
        assert_eq!(skip(1, &[IPV4]), Ok((Some(4), 0, 22)));
        assert_eq!(skip(2, &[IPV6]), Ok((Some(6), 0, 22)));
        assert_eq!(skip(3, &[ADDRESSES, TYPE, IPV4]), Ok((Some(4), 0, 36)));
        assert_eq!(skip(5, &[&[0, 1, 0x01, 64], IPV4]), Ok((Some(4), 0, 26)));
        assert_eq!(skip(4, &[&[0, 2, 1, 1, 0, 0, 1, 1], IPV4]), Ok((Some(4), 0, 30)));
        assert_eq!(skip(6, &[IPV4]), Err(UnsupportedHeader));
        assert_eq!(skip_ethernet(&[&[0x89, 0x4f, 0x2f, 0xc2, 0x02, 1], &[0; 9]]), Err(NotIp));
    }

    #[test]
    fn unknown_types_do_not_count_as_without_ip() {
        assert_eq!(
            skip_ethernet(&[&[0x12, 0x34], IPV4]),
            Err(UnsupportedEtherType { number: 0x1234 })
        );
        for kind in [[0x08, 0x06], [0x88, 0xcc], [0x88, 0x8e], [0x88, 0xf7]] {
            assert_eq!(skip_ethernet(&[&kind, &[0; 40]]), Err(NotIp));
        }
    }
}
