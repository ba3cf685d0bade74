//! Ethernet in IP: with a header (EtherIP, RFC 3378), and without (RFC 8986).

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::link::{self, Network};

/// Reads the header, which holds only a version, and the Ethernet header after it.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let [0x30, 0] = *cursor.peek(0, TruncatedNetwork)? else { return Err(NotIp) };
    cursor.skip(2);
    link::ethernet(cursor)
}

/// Reads the Ethernet header.
pub(super) fn enter_bare(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    link::ethernet(cursor)
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{ARP, ETHERNET, V4, came_in, over_ip, stayed_out};

    #[test]
    fn frames_are_opened() {
        assert!(came_in(&over_ip(97, &[&[0x30, 0], ETHERNET, V4]), Tunnel::EtherIp));
        assert!(came_in(&over_ip(143, &[ETHERNET, V4]), Tunnel::EtherIp));
    }

    #[test]
    fn other_versions_and_contents_are_not_opened() {
        assert!(stayed_out(&over_ip(97, &[&[0x40, 0], ETHERNET, V4])));
        assert!(stayed_out(&over_ip(97, &[&[0x30, 0], ARP])));
    }
}
