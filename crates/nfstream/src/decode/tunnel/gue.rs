//! Generic UDP Encapsulation (draft-ietf-intarea-gue).

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::link::{self, Network};
use super::{etherip, gre};
use crate::packet::{Tunnel, protocol};

/// Reads the header and the one it announces, or an IP packet without a header.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<(Tunnel, Network), DecodeError> {
    const VARIANT: u8 = 0xc0;
    const WITHOUT_HEADER: u8 = 0x40;
    const CONTROL: u8 = 0x20;
    const UNITS: u8 = 0x1f;

    let [flags, next, _, _] = *cursor.peek(0, TruncatedNetwork)?;
    match flags & VARIANT {
        // These are the first two bits of IPv4 and of IPv6.
        WITHOUT_HEADER => return Ok((Tunnel::Gue, link::EITHER)),
        0 if flags & CONTROL == 0 => {}
        _ => return Err(NotIp),
    }
    cursor.skip(4 + usize::from(flags & UNITS) * 4);
    let network = match next {
        protocol::IPV4 => link::V4,
        protocol::IPV6 => link::V6,
        protocol::GRE => return gre::enter(cursor),
        protocol::ETHERIP => etherip::enter(cursor)?,
        protocol::MPLS => link::mpls(cursor)?,
        protocol::ETHERNET => link::ethernet(cursor)?,
        _ => return Err(NotIp),
    };
    Ok((Tunnel::Gue, network))
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{ETHERNET, V4, V6, came_in, over_udp, stayed_out};

    fn opens(tunnel: Tunnel, parts: &[&[u8]]) -> bool {
        let packet = over_udp(5555, 6080, parts);
        let opened = came_in(&packet, tunnel);
        assert_ne!(opened, stayed_out(&packet));
        opened
    }

    #[test]
    fn the_protocol_names_the_payload() {
        assert!(opens(Tunnel::Gue, &[&[0, 4, 0, 0], V4]));
        assert!(opens(Tunnel::Gue, &[&[0, 41, 0, 0], V6]));
        assert!(opens(Tunnel::Gue, &[&[0, 137, 0, 0], &[0, 1, 1, 64], V4]));
        assert!(opens(Tunnel::Gue, &[&[0, 97, 0, 0], &[0x30, 0], ETHERNET, V4]));
        assert!(opens(Tunnel::Gre, &[&[0, 47, 0, 0], &[0, 0, 8, 0], V4]));
        assert!(!opens(Tunnel::Gue, &[&[0, 6, 0, 0], V4]));
    }

    #[test]
    fn options_are_skipped() {
        assert!(opens(Tunnel::Gue, &[&[2, 4, 0x80, 0, 1, 2, 3, 4, 5, 6, 7, 8], V4]));
    }

    #[test]
    fn ip_may_lack_the_header() {
        assert!(opens(Tunnel::Gue, &[V4]));
        assert!(opens(Tunnel::Gue, &[V6]));
    }

    #[test]
    fn control_messages_and_other_variants_are_not_opened() {
        assert!(!opens(Tunnel::Gue, &[&[0x20, 4, 0, 0], V4]));
        assert!(!opens(Tunnel::Gue, &[&[0x80, 4, 0, 0], V4]));
    }
}
