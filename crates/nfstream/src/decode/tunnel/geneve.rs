//! Geneve (RFC 8926).

use super::super::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::cursor::Cursor;
use super::super::link::{self, Network};

/// Skips the header and its options and reads what it announces.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const VERSION: u8 = 0xc0;
    const OPTIONS_LEN: u8 = 0x3f;
    const CONTROL: u8 = 0x80;

    let [version_len, flags, high, low] = *cursor.peek(0, TruncatedNetwork)?;
    if version_len & VERSION != 0 || flags & CONTROL != 0 {
        return Err(NotIp);
    }
    cursor.skip(8 + usize::from(version_len & OPTIONS_LEN) * 4);
    link::bridged(cursor, u16::from_be_bytes([high, low]))
}
