//! Frame Relay (Q.922), with the headers of RFC 2427 and those of Cisco.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedLink, UnsupportedHeader};
use super::ethernet::follow;
use super::network::{Network, Next};
use super::{ethertype, llc};

/// Reads a frame.
pub(super) fn plain(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let next = header(cursor)?;
    follow(cursor, next)
}

/// Skips the direction, 0 for received frames, and reads the frame after it.
pub(super) fn with_direction(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cursor.skip(1);
    plain(cursor)
}

/// Skips the fragmentation header of FRF.16 before a whole frame.
pub(super) fn multilink(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const BEGIN_AND_END: u8 = 0xc0;
    const CONTROL: u8 = 0x20;

    let flags = cursor.byte(0, TruncatedLink)?;
    if flags & CONTROL != 0 {
        return Err(NotIp);
    }
    if flags & BEGIN_AND_END != BEGIN_AND_END {
        return Err(UnsupportedHeader);
    }
    cursor.skip(2);
    plain(cursor)
}

fn header(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    const UNNUMBERED: u8 = 0x03;
    const MAX_ADDRESS_LEN: usize = 4;

    // The lowest bit marks the last byte of the address.
    let mut len = 1;
    while cursor.byte(len - 1, TruncatedLink)? & 1 == 0 {
        len += 1;
        if len > MAX_ADDRESS_LEN {
            return Err(UnsupportedHeader);
        }
    }
    if cursor.byte(len, TruncatedLink)? == UNNUMBERED {
        cursor.skip(len + 1);
        return llc::network(cursor);
    }
    let kind = cursor.u16(len, TruncatedLink)?;
    cursor.skip(len + 2);
    if kind < ethertype::FIRST { Err(NotIp) } else { Ok(Next::Type(kind)) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADDRESSES, IPV4, IPV6, skip};
    use super::*;
    use crate::packet::LinkType;

    fn read(parts: &[&[u8]]) -> Result<(Option<u8>, u16, usize), DecodeError> {
        skip(LinkType::FRELAY, parts)
    }

    #[test]
    fn protocol_identifiers_are_read() {
        assert_eq!(read(&[&[0x18, 0x41, 3, 0xcc], IPV4]), Ok((Some(4), 0, 4)));
        assert_eq!(read(&[&[0x18, 0x41, 3, 0x8e], IPV6]), Ok((Some(6), 0, 4)));
        assert_eq!(read(&[&[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0], IPV4]), Ok((Some(4), 0, 10)));
        let bridged = [&[0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7], ADDRESSES, &[8, 0], IPV4];
        assert_eq!(read(&bridged), Ok((Some(4), 0, 24)));
        assert_eq!(read(&[&[0x18, 0x41, 3, 0xcf, 0, 0x21], IPV4]), Ok((Some(4), 0, 6)));
    }

    #[test]
    fn cisco_puts_an_ethertype_there() {
        assert_eq!(read(&[&[0x18, 0x41, 0x08, 0x00], IPV4]), Ok((Some(4), 0, 4)));
    }

    #[test]
    fn addresses_have_two_to_four_bytes() {
        assert_eq!(read(&[&[0x18, 0x40, 0x41, 3, 0xcc], IPV4]), Ok((Some(4), 0, 5)));
        assert_eq!(read(&[&[0x18, 0x40, 0x40, 0x41, 3, 0xcc], IPV4]), Ok((Some(4), 0, 6)));
        assert_eq!(read(&[&[0; 9]]), Err(UnsupportedHeader));
    }

    #[test]
    fn link_management_is_not_ip() {
        assert_eq!(read(&[&[0, 1, 3, 8, 0, 0x75], &[0; 10]]), Err(NotIp));
        assert_eq!(read(&[&[0xfc, 0xf1, 3, 9, 0, 0x75], &[0; 10]]), Err(NotIp));
    }

    #[test]
    fn fragments_are_not_read() {
        assert_eq!(read(&[&[0x18, 0x41, 3, 0xb1, 0x80, 1], &[0; 10]]), Err(UnsupportedHeader));
    }

    #[test]
    fn other_link_types_precede_it() {
        let frame = [&[1, 0x18, 0x41, 3, 0xcc], IPV4];
        assert_eq!(skip(LinkType::FRELAY_WITH_DIRECTION, &frame), Ok((Some(4), 0, 5)));
        let frame = [&[0xc1, 7, 0x18, 0x41, 3, 0xcc], IPV4];
        assert_eq!(skip(LinkType::MFR, &frame), Ok((Some(4), 0, 6)));
        assert_eq!(skip(LinkType::MFR, &[&[0x81, 7], &[0; 9]]), Err(UnsupportedHeader));
        assert_eq!(skip(LinkType::MFR, &[&[0xe1, 1], &[0; 9]]), Err(NotIp));
    }
}
