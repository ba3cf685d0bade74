//! IP over InfiniBand (RFC 4391).

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedLink};
use super::ethernet::follow;
use super::network::{Network, type_after};

/// Bytes of a global routing header.
const GLOBAL_LEN: usize = 40;

/// Reads the encapsulation header, which some captures precede with a global routing header.
pub(super) fn ip(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    // The encapsulation header begins with an EtherType, a global routing header with version 6.
    if cursor.byte(0, TruncatedLink)? >> 4 == 6 {
        cursor.skip(GLOBAL_LEN);
    }
    encapsulation(cursor)
}

/// Reads a frame from its local routing header on, if it is a datagram or a single-packet message.
pub(super) fn raw(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const LOCAL_LEN: usize = 8;
    const TRANSPORT_LEN: usize = 12;
    const DATAGRAM_LEN: usize = 8;
    const CONNECTED_SEND: u8 = 0x04;
    const DATAGRAM_SEND: u8 = 0x64;

    let next = cursor.byte(1, TruncatedLink)? & 3;
    cursor.skip(LOCAL_LEN);
    match next {
        2 => {}
        3 => cursor.skip(GLOBAL_LEN),
        _ => return Err(NotIp),
    }
    let operation = cursor.byte(0, TruncatedLink)?;
    cursor.skip(TRANSPORT_LEN);
    match operation {
        DATAGRAM_SEND => cursor.skip(DATAGRAM_LEN),
        CONNECTED_SEND => {}
        _ => return Err(NotIp),
    }
    encapsulation(cursor)
}

/// Reads an EtherType and two reserved bytes.
fn encapsulation(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    if cursor.u16(2, TruncatedLink)? != 0 {
        return Err(NotIp);
    }
    let next = type_after(cursor, 0)?;
    cursor.skip(2);
    follow(cursor, next)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{IPV4, IPV6, skip};
    use super::*;
    use crate::packet::LinkType;

    const GLOBAL: &[u8] = &[
        0x60, 0, 0, 7, 0, 44, 27, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4,
        4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    ];

    #[test]
    fn four_bytes_precede_ip() {
        assert_eq!(skip(LinkType::IPOIB, &[&[8, 0, 0, 0], IPV4]), Ok((Some(4), 0, 4)));
        assert_eq!(skip(LinkType::IPOIB, &[&[0x86, 0xdd, 0, 0], IPV6]), Ok((Some(6), 0, 4)));
        assert_eq!(skip(LinkType::IPOIB, &[&[8, 6, 0, 0], &[0; 56]]), Err(NotIp));
    }

    #[test]
    fn a_global_header_may_come_first() {
        assert_eq!(skip(LinkType::IPOIB, &[GLOBAL, &[8, 0, 0, 0], IPV4]), Ok((Some(4), 0, 44)));
    }

    #[test]
    fn frames_are_read_from_their_start() {
        let datagram = [&[0, 2, 0, 1, 0, 9, 0, 2][..], &[0x64], &[0; 19], &[8, 0, 0, 0], IPV4];
        assert_eq!(skip(LinkType::INFINIBAND, &datagram), Ok((Some(4), 0, 32)));
        let send = [&[0, 3, 0, 1, 0, 9, 0, 2][..], GLOBAL, &[4], &[0; 11], &[8, 0, 0, 0], IPV4];
        assert_eq!(skip(LinkType::INFINIBAND, &send), Ok((Some(4), 0, 64)));
        assert_eq!(skip(LinkType::INFINIBAND, &[&[0; 60]]), Err(NotIp));
    }
}
