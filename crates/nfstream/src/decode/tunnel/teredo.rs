//! Teredo (RFC 4380): IPv6 over UDP through address translators.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::link::{self, Network};

/// Skips the authentication and origin indications before the IPv6 header.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    if cursor.peek(0, TruncatedNetwork)? == &[0, 1] {
        let [_, _, client_len, value_len] = *cursor.peek(0, TruncatedNetwork)?;
        // A nonce of eight bytes and a confirmation byte follow.
        cursor.skip(4 + usize::from(client_len) + usize::from(value_len) + 9);
    }
    if cursor.peek(0, TruncatedNetwork)? == &[0, 0] {
        cursor.skip(8);
    }
    let header: &[u8; 40] = cursor.peek(0, TruncatedNetwork)?;
    let [_, _, _, _, _, _, _, _, ref ends @ ..] = *header;
    let (src, dst) = ends.split_at(16);
    // Any protocol may use the port; only Teredo uses these addresses.
    if header[0] >> 4 == 6 && (is_teredo(src) || is_teredo(dst)) {
        Ok(link::V6)
    } else {
        Err(NotIp)
    }
}

/// Returns whether `address` belongs to Teredo, or is a link-local address, used until one is
/// assigned.
fn is_teredo(address: &[u8]) -> bool {
    matches!(*address, [0x20, 0x01, 0, 0, ..] | [0xfe, 0x80..=0xbf, ..])
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{V6, over_udp, stayed_out};
    use crate::packet::Packet;

    /// From 2001:0:4136:e378:8000:63bf:3fff:fdd2, port 1111.
    const PACKET: &[u8] = &[
        0x60, 0x00, 0x00, 0x00, 0x00, 0x10, 0x11, 0x40, 0x20, 0x01, 0x00, 0x00, 0x41, 0x36, 0xe3,
        0x78, 0x80, 0x00, 0x63, 0xbf, 0x3f, 0xff, 0xfd, 0xd2, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x04, 0x57, 0x08, 0xae, 0x00,
        0x10, 0xcd, 0x36, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    ];
    const ORIGIN: &[u8] = &[0, 0, 0x12, 0x34, 1, 2, 3, 4];
    const AUTHENTICATION: &[u8] = &[0, 1, 1, 2, b'i', b'v', b'v', 8, 8, 8, 8, 8, 8, 8, 8, 0];

    fn is_inner(packet: &Packet) -> bool {
        (packet.tunnel_id, packet.version) == (Tunnel::Teredo.id(), 6)
            && (packet.src.port, packet.dst.port, packet.payload_len) == (1111, 2222, 8)
    }

    #[test]
    fn packets_to_and_from_the_port_are_opened() {
        assert!(is_inner(&over_udp(5555, 3544, &[PACKET])));
        assert!(is_inner(&over_udp(3544, 5555, &[PACKET])));
    }

    #[test]
    fn indications_are_skipped() {
        assert!(is_inner(&over_udp(3544, 5555, &[ORIGIN, PACKET])));
        assert!(is_inner(&over_udp(3544, 5555, &[AUTHENTICATION, PACKET])));
        assert!(is_inner(&over_udp(3544, 5555, &[AUTHENTICATION, ORIGIN, PACKET])));
    }

    #[test]
    fn other_addresses_stay() {
        assert!(stayed_out(&over_udp(5555, 3544, &[V6])));
    }
}
