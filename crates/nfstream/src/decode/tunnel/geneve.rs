//! Geneve (RFC 8926).

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::link::{self, Network};
use crate::packet::Identifier;

/// Skips the header and its options, and reads the protocol that it announces.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const VERSION: u8 = 0xc0;
    const OPTIONS_LEN: u8 = 0x3f;
    const CONTROL: u8 = 0x80;

    let [version_len, flags, high, low, v0, v1, v2, _] = *cursor.peek(0, TruncatedNetwork)?;
    if version_len & VERSION != 0 || flags & CONTROL != 0 {
        return Err(NotIp);
    }
    cursor.skip(8 + usize::from(version_len & OPTIONS_LEN) * 4);
    cursor.enter(Identifier::VirtualNetwork(u32::from_be_bytes([0, v0, v1, v2])));
    link::bridged(cursor, u16::from_be_bytes([high, low]))
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{ARP, ETHERNET, V4, V6, came_in, over_udp, stayed_out};

    fn opens(parts: &[&[u8]]) -> bool {
        let packet = over_udp(5555, 6081, parts);
        let opened = came_in(&packet, Tunnel::Geneve);
        assert_ne!(opened, stayed_out(&packet));
        opened
    }

    #[test]
    fn the_protocol_type_says_what_follows() {
        assert!(opens(&[&[0, 0, 0x65, 0x58, 0, 0, 5, 0], ETHERNET, V4]));
        assert!(opens(&[&[0, 0, 0x08, 0x00, 0, 0, 5, 0], V4]));
        assert!(opens(&[&[0, 0, 0x86, 0xdd, 0, 0, 5, 0], V6]));
        assert!(!opens(&[&[0, 0, 0x65, 0x58, 0, 0, 5, 0], ARP]));
    }

    #[test]
    fn options_are_skipped() {
        const OPTIONS: &[u8] = &[2, 0x40, 0x65, 0x58, 0, 0, 5, 0, 1, 2, 0x80, 1, 9, 9, 9, 9];
        assert!(opens(&[OPTIONS, ETHERNET, V4]));
    }

    #[test]
    fn control_packets_and_other_versions_stay() {
        assert!(!opens(&[&[0, 0x80, 0x65, 0x58, 0, 0, 5, 0], ETHERNET, V4]));
        assert!(!opens(&[&[0x40, 0, 0x65, 0x58, 0, 0, 5, 0], ETHERNET, V4]));
    }
}
