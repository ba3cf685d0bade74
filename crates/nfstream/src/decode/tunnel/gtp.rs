//! GTP-U, which carries the packets of mobile subscribers (3GPP TS 29.281).

use super::super::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::cursor::Cursor;
use super::super::link::{self, Network};

/// Reads the header of a user packet and its extension headers.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const VERSION_1: u8 = 0x30;
    const VERSION_MASK: u8 = 0xf8;
    const EXTENSION: u8 = 0x04;
    const OPTIONAL_FIELDS: u8 = 0x07;
    const USER_PACKET: u8 = 255;

    let [flags, kind] = *cursor.peek(0, TruncatedNetwork)?;
    if flags & VERSION_MASK != VERSION_1 || kind != USER_PACKET {
        return Err(NotIp);
    }
    cursor.skip(8);
    if flags & OPTIONAL_FIELDS == 0 {
        return Ok(link::EITHER);
    }
    // Sequence number, N-PDU number and next extension come together, whichever is meant.
    let mut next = cursor.byte(3, TruncatedNetwork)?;
    cursor.skip(4);
    if flags & EXTENSION == 0 {
        return Ok(link::EITHER);
    }
    while next != 0 {
        let len = usize::from(cursor.byte(0, TruncatedNetwork)?) * 4;
        let Some(last) = len.checked_sub(1) else { return Err(NotIp) };
        next = cursor.byte(last, TruncatedNetwork)?;
        cursor.skip(len);
    }
    Ok(link::EITHER)
}
