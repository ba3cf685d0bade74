//! L2TP: version 2 (RFC 2661) carries PPP, version 3 (RFC 3931) also Ethernet.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::link::{self, Network};

const VERSION: u16 = 0x000f;
const CONTROL: u16 = 0x8000;

/// Reads a data message of either version.
pub(super) fn enter_over_udp(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const RESERVED: u16 = 0x34f0;
    const RESERVED_V3: u16 = 0x7ff0;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;

    let flags = cursor.u16(0, TruncatedNetwork)?;
    match flags & VERSION {
        2 if flags & (CONTROL | RESERVED) == 0 => {
            // Tunnel and session lie between the optional fields.
            cursor.skip(6);
            if flags & LENGTH != 0 {
                cursor.skip(2);
            }
            if flags & SEQUENCE != 0 {
                cursor.skip(4);
            }
            if flags & OFFSET != 0 {
                let padding = cursor.u16(0, TruncatedNetwork)?;
                cursor.skip(2 + usize::from(padding));
            }
            link::ppp(cursor)
        }
        3 if flags & (CONTROL | RESERVED_V3) == 0 => {
            cursor.skip(4);
            enter_over_ip(cursor)
        }
        _ => Err(NotIp),
    }
}

/// Reads a data message of version 3 from its session on.
///
/// Only the control messages announce a cookie of 4 or 8 bytes, a sublayer of 4 bytes, and the kind
/// of payload. All combinations are tried, and the first with an Ethernet or PPP header before an
/// IP header is accepted.
pub(super) fn enter_over_ip(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    // Control messages have no session.
    if cursor.peek(0, TruncatedNetwork)? == &[0; 4] {
        return Err(NotIp);
    }
    for skipped in [4, 8, 12, 16] {
        let mut inner = *cursor;
        inner.skip(skipped);
        let is_ppp = inner.peek(0, TruncatedNetwork)? == &[0xff, 0x03];
        let network = if is_ppp { link::ppp(&mut inner) } else { link::ethernet(&mut inner) };
        if let Ok(network) = network
            && begins_ip(&inner, network)
        {
            *cursor = inner;
            return Ok(network);
        }
    }
    Err(NotIp)
}

fn begins_ip(cursor: &Cursor<'_>, network: Network) -> bool {
    match cursor.byte(0, TruncatedNetwork) {
        Ok(first @ 0x45..=0x4f) => network.version == Some(first >> 4),
        Ok(first) => first >> 4 == 6 && network.version == Some(6),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{ARP, ETHERNET, V4, V6, came_in, over_ip, over_udp, stayed_out};

    fn opens(parts: &[&[u8]]) -> bool {
        let packet = over_udp(1701, 1701, parts);
        let opened = came_in(&packet, Tunnel::L2tp);
        assert_ne!(opened, stayed_out(&packet));
        opened
    }

    #[test]
    fn version_2_carries_ppp() {
        assert!(opens(&[&[0, 2, 0, 1, 0, 2], &[0xff, 0x03, 0x00, 0x21], V4]));
        assert!(opens(&[&[0, 2, 0, 1, 0, 2], &[0x00, 0x57], V6]));
        assert!(!opens(&[&[0, 2, 0, 1, 0, 2], &[0xc0, 0x21, 1, 1, 0, 4]]));
    }

    #[test]
    fn answers_come_from_the_port() {
        let packet = over_udp(1701, 5555, &[&[0, 2, 0, 1, 0, 2], &[0x00, 0x21], V4]);
        assert!(came_in(&packet, Tunnel::L2tp));
    }

    #[test]
    fn optional_fields_are_skipped() {
        const ALL: &[u8] = &[0x4a, 2, 0, 57, 0, 1, 0, 2, 0, 1, 0, 1, 0, 3, 9, 9, 9];
        assert!(opens(&[ALL, &[0xff, 0x03, 0x00, 0x21], V4]));
    }

    #[test]
    fn control_messages_and_other_versions_stay() {
        assert!(!opens(&[&[0xc8, 2, 0, 12, 0, 1, 0, 0, 0, 0, 0, 0]]));
        assert!(!opens(&[&[0, 1, 0, 1, 0, 2], &[0x00, 0x21], V4]));
        assert!(!opens(&[&[0x10, 2, 0, 1, 0, 2], &[0x00, 0x21], V4]));
        assert!(!opens(&[&[0x80, 3, 0, 0, 0, 0, 0, 5], ETHERNET, V4]));
    }

    #[test]
    fn version_3_is_read_after_any_cookie_and_sublayer() {
        for skipped in [0, 4, 8, 12] {
            let cookie = &[0x77; 12][..skipped];
            assert!(opens(&[&[0, 3, 0, 0, 0, 0, 0, 5], cookie, ETHERNET, V4]), "{skipped}");
            let packet = over_ip(115, &[&[0, 0, 0, 5], cookie, ETHERNET, V4]);
            assert!(came_in(&packet, Tunnel::L2tp), "{skipped}");
            let packet = over_ip(115, &[&[0, 0, 0, 5], cookie, &[0xff, 0x03, 0x00, 0x21], V4]);
            assert!(came_in(&packet, Tunnel::L2tp), "{skipped}");
        }
    }

    #[test]
    fn version_3_without_an_ip_packet_stays() {
        assert!(stayed_out(&over_ip(115, &[&[0, 0, 0, 5], ARP])));
        assert!(stayed_out(&over_ip(115, &[&[0, 0, 0, 0], ETHERNET, V4])));
    }
}
