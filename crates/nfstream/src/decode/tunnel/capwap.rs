//! Data packets between wireless access points and their controllers (RFC 5415, RFC 5416).

use super::super::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::cursor::Cursor;
use super::super::link::{self, Network};

/// Reads the header and the Ethernet or 802.11 header behind it.
///
/// Keep-alives, fragments and what DTLS encrypts carry no packet that can be read.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const BINDING_802_11: u8 = 1;
    const NATIVE: u8 = 0x01;
    const FRAGMENT: u8 = 0x80;
    const KEEP_ALIVE: u8 = 0x08;
    const RESERVED: u8 = 0x07;
    const MIN_LEN: usize = 8;

    // The first byte, version and type, is 1 in front of DTLS.
    let [0, len_radio, radio_binding, flags] = *cursor.peek(0, TruncatedNetwork)? else {
        return Err(NotIp);
    };
    let len = usize::from(len_radio >> 3) * 4;
    if len < MIN_LEN || flags & (FRAGMENT | KEEP_ALIVE | RESERVED) != 0 {
        return Err(NotIp);
    }
    cursor.skip(len);
    if radio_binding & NATIVE == 0 {
        return link::ethernet(cursor);
    }
    if radio_binding >> 1 & 0x1f != BINDING_802_11 {
        return Err(NotIp);
    }
    // Access points of Cisco swap the bytes of the frame control field.
    let [first, second] = *cursor.peek(0, TruncatedNetwork)?;
    let mut swapped = *cursor;
    link::wireless_data(cursor, [first, second], false).or_else(|_| {
        let network = link::wireless_data(&mut swapped, [second, first], false)?;
        *cursor = swapped;
        Ok(network)
    })
}
