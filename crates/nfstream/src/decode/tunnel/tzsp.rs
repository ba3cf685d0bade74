//! TaZmen Sniffer Protocol, which sensors and routers use to forward copies of frames.

use super::super::cursor::Cursor;
use super::super::error::DecodeError;
use super::super::link::{self, Network};
use crate::packet::LinkType;

/// Skips the tags and reads the link header of the frame after them.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    match link::tzsp(cursor)? {
        LinkType::IEEE802_11 => link::wireless(cursor),
        link => link::skip_to_network(link, cursor),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{ARP, ETHERNET, V4, came_in, over_udp, stayed_out};

    fn opens(parts: &[&[u8]]) -> bool {
        let packet = over_udp(5555, 37008, parts);
        let opened = came_in(&packet, Tunnel::Tzsp);
        assert_ne!(opened, stayed_out(&packet));
        opened
    }

    #[test]
    fn tags_are_skipped() {
        assert!(opens(&[&[1, 0, 0, 1, 1], ETHERNET, V4]));
        assert!(opens(&[&[1, 0, 0, 1, 0, 0, 10, 1, 0xc0, 0x12, 1, 6, 1], ETHERNET, V4]));
        assert!(!opens(&[&[1, 0, 0, 1, 10, 255, 1], ETHERNET, V4]));
    }

    #[test]
    fn every_link_it_knows_is_read() {
        const DATA: &[u8] = &[0x08, 0x01];
        const SNAP: &[u8] = &[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];
        assert!(opens(&[&[1, 0, 0, 0x12, 1], DATA, &[0; 22], SNAP, V4]));
        assert!(opens(&[&[1, 0, 0, 4, 1], &[0x00, 0x21], V4]));
        assert!(opens(&[&[1, 0, 0, 7, 1], V4]));
        assert!(!opens(&[&[1, 0, 0, 0x78, 1], V4]));
    }

    /// Sensors may forward only the start of a frame.
    #[test]
    fn a_copy_may_lack_its_end() {
        let packet = over_udp(5555, 37008, &[&[1, 0, 0, 1, 1], ETHERNET, &V4[..28]]);
        assert!(came_in(&packet, Tunnel::Tzsp));
    }

    #[test]
    fn keep_alives_and_other_versions_stay() {
        assert!(!opens(&[&[1, 4, 0, 0, 1]]));
        assert!(!opens(&[&[2, 0, 0, 1, 1], ETHERNET, V4]));
        assert!(!opens(&[&[1, 0, 0, 1, 1], ARP]));
    }
}
