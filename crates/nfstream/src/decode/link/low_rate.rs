//! Low-rate wireless networks (IEEE 802.15.4). Their IPv6 packets are nearly always compressed
//! (6LoWPAN, RFC 6282); compressed packets are only counted.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, Encrypted, NotIp, TruncatedLink, UnsupportedHeader};
use super::network::{Network, V6};

/// Reads a frame, with or without a checksum after it.
pub(super) fn plain(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const TYPE: u16 = 0x0007;
    const TYPE_DATA: u16 = 1;
    const SECURED: u16 = 0x0008;
    const ONE_NETWORK: u16 = 0x0040;
    const LAST_VERSION: u16 = 1;

    let control = u16::from_le_bytes(*cursor.peek(0, TruncatedLink)?);
    if control & TYPE != TYPE_DATA {
        return Err(NotIp);
    }
    if control & SECURED != 0 {
        return Err(Encrypted);
    }
    if control >> 12 & 3 > LAST_VERSION {
        return Err(UnsupportedHeader);
    }
    let address_len = |mode| match mode & 3 {
        0 => Ok(0),
        2 => Ok(2),
        3 => Ok(8),
        _ => Err(UnsupportedHeader),
    };
    let (to, from) = (address_len(control >> 10)?, address_len(control >> 14)?);
    let mut len = 3 + to + from;
    len += if to > 0 { 2 } else { 0 };
    len += if from > 0 && control & ONE_NETWORK == 0 { 2 } else { 0 };
    cursor.skip(len);
    dispatch(cursor)
}

/// Reads the first byte of a 6LoWPAN frame (RFC 4944).
fn dispatch(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const IPV6: u8 = 0x41;

    match cursor.byte(0, TruncatedLink)? {
        IPV6 => {
            cursor.skip(1);
            Ok(V6)
        }
        // Not 6LoWPAN: Zigbee and others.
        0x00..=0x3f => Err(NotIp),
        // Compressed, fragmented, or with mesh headers.
        _ => Err(UnsupportedHeader),
    }
}

/// Reads a frame after its preamble, delimiter and length.
pub(super) fn with_preamble(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cursor.skip(6);
    plain(cursor)
}

/// Reads a frame after a header that gives its own length.
pub(super) fn tap(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let [0, _, low, high] = *cursor.peek(0, TruncatedLink)? else { return Err(UnsupportedHeader) };
    cursor.skip(u16::from_le_bytes([low, high]).into());
    plain(cursor)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{IPV6, skip};
    use super::*;
    use crate::packet::LinkType;

    /// Data between two short addresses of one network.
    const SHORT: &[u8] = &[0x41, 0x88, 7, 0xcd, 0xab, 1, 0, 2, 0];
    /// Data between two long addresses of two networks.
    const LONG: &[u8] =
        &[0x01, 0xdc, 7, 0xcd, 0xab, 1, 1, 1, 1, 1, 1, 1, 1, 0xef, 0xab, 2, 2, 2, 2, 2, 2, 2, 2];

    #[test]
    fn an_uncompressed_packet_is_read() {
        for link in [LinkType::IEEE802_15_4, LinkType::IEEE802_15_4_NOFCS] {
            assert_eq!(skip(link, &[SHORT, &[0x41], IPV6]), Ok((Some(6), 0, 10)));
            assert_eq!(skip(link, &[LONG, &[0x41], IPV6]), Ok((Some(6), 0, 24)));
        }
    }

    #[test]
    fn headers_may_come_first() {
        let frame = [&[0, 0, 0, 0, 0xa7, 20], SHORT, &[0x41], IPV6];
        assert_eq!(skip(LinkType::IEEE802_15_4_NONASK_PHY, &frame), Ok((Some(6), 0, 16)));
        let frame = [&[0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0], SHORT, &[0x41], IPV6];
        assert_eq!(skip(LinkType::IEEE802_15_4_TAP, &frame), Ok((Some(6), 0, 22)));
    }

    #[test]
    fn what_cannot_be_read_has_its_reason() {
        let read = |parts: &[&[u8]]| skip(LinkType::IEEE802_15_4, parts);
        for compressed in [0x60, 0x7a, 0xc0, 0xe0, 0x50, 0x80] {
            assert_eq!(read(&[SHORT, &[compressed], &[0; 9]]), Err(UnsupportedHeader));
        }
        assert_eq!(read(&[SHORT, &[0x08], &[0; 9]]), Err(NotIp));
        assert_eq!(read(&[&[0x00, 0x80, 7], &[0; 9]]), Err(NotIp));
        assert_eq!(read(&[&[0x49, 0x88, 7], &[0; 9]]), Err(Encrypted));
        assert_eq!(read(&[&[0x41, 0xa8, 7], &[0; 9]]), Err(UnsupportedHeader));
    }
}
