//! GTP-U, which carries the packets of mobile subscribers (3GPP TS 29.281).

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::link::{self, Network};
use crate::packet::Identifier;

/// Reads the header of a user packet and its extension headers.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const VERSION_1: u8 = 0x30;
    const VERSION_MASK: u8 = 0xf8;
    const EXTENSION: u8 = 0x04;
    const OPTIONAL_FIELDS: u8 = 0x07;
    const USER_PACKET: u8 = 255;

    let [flags, kind, _, _, teid @ ..] = *cursor.peek::<8>(0, TruncatedNetwork)?;
    if flags & VERSION_MASK != VERSION_1 || kind != USER_PACKET {
        return Err(NotIp);
    }
    cursor.enter(Identifier::Teid(u32::from_be_bytes(teid)));
    cursor.skip(8);
    if flags & OPTIONAL_FIELDS == 0 {
        return Ok(link::EITHER);
    }
    // Sequence number, N-PDU number and next extension are present together if any of them is.
    let mut next = cursor.byte(3, TruncatedNetwork)?;
    cursor.skip(4);
    if flags & EXTENSION == 0 {
        return Ok(link::EITHER);
    }
    while next != 0 {
        let len = usize::from(cursor.byte(0, TruncatedNetwork)?) * 4;
        let Some(last) = len.checked_sub(1) else { return Err(NotIp) };
        next = cursor.byte(last, TruncatedNetwork)?;
        cursor.skip(len);
    }
    Ok(link::EITHER)
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{V4, V6, came_in, over_udp, stayed_out};

    fn in_gtp(header: &[u8], inner: &[u8]) -> bool {
        came_in(&over_udp(5555, 2152, &[header, inner]), Tunnel::GtpU)
    }

    #[test]
    fn user_packets_are_opened_whatever_their_version() {
        assert!(in_gtp(&[0x30, 0xff, 0, 36, 0, 0, 0, 9], V4));
        assert!(in_gtp(&[0x30, 0xff, 0, 56, 0, 0, 0, 9], V6));
    }

    #[test]
    fn either_port_announces_it() {
        let header: &[u8] = &[0x30, 0xff, 0, 36, 0, 0, 0, 9];
        assert!(came_in(&over_udp(2152, 5555, &[header, V4]), Tunnel::GtpU));
    }

    #[test]
    fn optional_fields_come_together() {
        assert!(in_gtp(&[0x32, 0xff, 0, 40, 0, 0, 0, 9, 0, 1, 0, 0], V4));
        assert!(in_gtp(&[0x31, 0xff, 0, 40, 0, 0, 0, 9, 0, 0, 1, 0], V4));
        // The next extension counts only if its own flag is set.
        assert!(in_gtp(&[0x32, 0xff, 0, 40, 0, 0, 0, 9, 0, 1, 0, 0x85], V4));
        assert!(in_gtp(&[0x34, 0xff, 0, 40, 0, 0, 0, 9, 0, 0, 0, 0], V4));
    }

    #[test]
    fn extension_headers_are_skipped() {
        const ONE: &[u8] = &[0x34, 0xff, 0, 44, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 1, 0];
        const TWO: &[u8] =
            &[0x34, 0xff, 0, 52, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 1, 0xc0, 2, 0, 0, 0, 0, 0, 0, 0];
        assert!(in_gtp(ONE, V4));
        assert!(in_gtp(TWO, V4));
    }

    #[test]
    fn an_empty_extension_is_malformed() {
        const EMPTY: &[u8] = &[0x34, 0xff, 0, 44, 0, 0, 0, 9, 0, 0, 0, 0x85, 0, 0, 0, 0];
        assert!(stayed_out(&over_udp(5555, 2152, &[EMPTY, V4])));
    }

    #[test]
    fn other_messages_are_not_opened() {
        const ECHO: &[u8] = &[0x32, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0];
        const ERROR_INDICATION: &[u8] = &[0x30, 26, 0, 36, 0, 0, 0, 9];
        const CHARGING: &[u8] = &[0x20, 0xff, 0, 36, 0, 0, 0, 9];
        const VERSION_2: &[u8] = &[0x50, 0xff, 0, 36, 0, 0, 0, 9];
        assert!(stayed_out(&over_udp(2152, 2152, &[ECHO])));
        for header in [ERROR_INDICATION, CHARGING, VERSION_2] {
            assert!(stayed_out(&over_udp(2152, 2152, &[header, V4])), "{header:02x?}");
        }
    }
}
