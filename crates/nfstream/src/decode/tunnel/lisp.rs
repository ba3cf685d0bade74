//! Locator/ID Separation Protocol (RFC 9300), and its generic protocol extension (RFC 9305).

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::link::{self, Network};
use crate::packet::Identifier;

/// Reads the header and the protocol that it announces; without the extension, that is IP.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const HAS_PROTOCOL: u8 = 0x04;
    const HAS_INSTANCE: u8 = 0x08;

    let [flags, _, _, protocol, high, middle, low, _] = *cursor.peek(0, TruncatedNetwork)?;
    cursor.skip(8);
    if flags & HAS_INSTANCE != 0 {
        let instance = u32::from_be_bytes([0, high, middle, low]);
        cursor.enter(Identifier::VirtualNetwork(instance));
    }
    if flags & HAS_PROTOCOL == 0 {
        return Ok(link::EITHER);
    }
    match protocol {
        1 => Ok(link::V4),
        2 => Ok(link::V6),
        3 => link::ethernet(cursor),
        4 => link::service(cursor),
        _ => Err(NotIp),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{ARP, ETHERNET, V4, V6, came_in, over_udp, stayed_out};

    fn opens(parts: &[&[u8]]) -> bool {
        let packet = over_udp(5555, 4341, parts);
        let opened = came_in(&packet, Tunnel::Lisp);
        assert_ne!(opened, stayed_out(&packet));
        opened
    }

    #[test]
    fn packets_follow_the_header() {
        assert!(opens(&[&[0; 8], V4]));
        assert!(opens(&[&[0xc8, 1, 2, 3, 0, 0, 1, 0], V6]));
        assert!(!opens(&[&[0; 8], ARP]));
    }

    #[test]
    fn the_generic_extension_names_the_payload() {
        assert!(opens(&[&[0x0c, 0, 0, 1, 0, 0, 1, 0], V4]));
        assert!(opens(&[&[0x0c, 0, 0, 3, 0, 0, 1, 0], ETHERNET, V4]));
        assert!(!opens(&[&[0x0c, 0, 0, 3, 0, 0, 1, 0], ARP]));
    }
}
