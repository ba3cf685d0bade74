//! L2TP: version 2 (RFC 2661) carries PPP, version 3 (RFC 3931) also Ethernet.

use super::super::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::cursor::Cursor;
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
            // Tunnel and session stand between the optional fields.
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
/// Only the control messages tell whether a cookie of 4 or 8 bytes follows, a sublayer of 4, and
/// what is carried. All of them are tried, and an Ethernet or PPP header in front of an IP header
/// is taken for the answer.
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
