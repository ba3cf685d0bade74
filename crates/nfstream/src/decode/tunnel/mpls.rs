//! MPLS over UDP (RFC 7510) and over IP (RFC 4023).

use super::super::cursor::Cursor;
use super::super::error::DecodeError;
use super::super::link::{self, Network};

/// Skips the labels and the header of a pseudowire.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    link::mpls(cursor)
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{ARP, ETHERNET, V4, V6, came_in, over_ip, over_udp, stayed_out};

    const LABELS: &[u8] = &[0, 1, 0, 64, 0, 2, 1, 64];

    #[test]
    fn udp_and_ip_carry_labels() {
        assert!(came_in(&over_udp(5555, 6635, &[LABELS, V4]), Tunnel::Mpls));
        assert!(came_in(&over_ip(137, &[LABELS, V6]), Tunnel::Mpls));
        assert!(stayed_out(&over_udp(6635, 5555, &[LABELS, V4])));
    }

    #[test]
    fn pseudowires_are_opened() {
        assert!(came_in(&over_udp(5555, 6635, &[LABELS, ETHERNET, V4]), Tunnel::Mpls));
        assert!(came_in(&over_udp(5555, 6635, &[LABELS, &[0; 4], ETHERNET, V4]), Tunnel::Mpls));
        assert!(stayed_out(&over_udp(5555, 6635, &[LABELS, &[0; 4], ARP])));
    }
}
