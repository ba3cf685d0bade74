//! Teredo (RFC 4380): IPv6 over UDP through address translators.

use super::super::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::cursor::Cursor;
use super::super::link::{self, Network};

/// Skips the authentication and origin indications in front of the IPv6 header.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    if cursor.peek(0, TruncatedNetwork)? == &[0, 1] {
        let [_, _, client_len, value_len] = *cursor.peek(0, TruncatedNetwork)?;
        // A nonce of eight bytes and a confirmation byte end it.
        cursor.skip(4 + usize::from(client_len) + usize::from(value_len) + 9);
    }
    if cursor.peek(0, TruncatedNetwork)? == &[0, 0] {
        cursor.skip(8);
    }
    let header: &[u8; 40] = cursor.peek(0, TruncatedNetwork)?;
    let [_, _, _, _, _, _, _, _, ref ends @ ..] = *header;
    let (src, dst) = ends.split_at(16);
    // The port is one that anybody may use; addresses like these nobody else does.
    if header[0] >> 4 == 6 && (is_teredo(src) || is_teredo(dst)) {
        Ok(link::V6)
    } else {
        Err(NotIp)
    }
}

/// Returns whether `address` is Teredo's, or one of the link-local ones used before there is one.
fn is_teredo(address: &[u8]) -> bool {
    matches!(*address, [0x20, 0x01, 0, 0, ..] | [0xfe, 0x80..=0xbf, ..])
}
