//! TaZmen Sniffer Protocol, in which sensors and routers send the frames that they have seen.

use super::super::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::cursor::Cursor;
use super::super::link::{self, Network};

/// Skips the tags and reads the link header of the frame behind them.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const RECEIVED: u8 = 0;
    const TO_TRANSMIT: u8 = 1;
    const PADDING: u8 = 0;
    const END: u8 = 1;
    const ETHERNET: u16 = 1;
    const PPP: u16 = 4;
    const RAW_IP: u16 = 7;
    const IEEE802_11: u16 = 0x12;

    let [1, RECEIVED | TO_TRANSMIT, high, low] = *cursor.peek(0, TruncatedNetwork)? else {
        return Err(NotIp);
    };
    cursor.skip(4);
    loop {
        match cursor.byte(0, TruncatedNetwork)? {
            END => break,
            PADDING => cursor.skip(1),
            _ => {
                let len = cursor.byte(1, TruncatedNetwork)?;
                cursor.skip(2 + usize::from(len));
            }
        }
    }
    cursor.skip(1);
    match u16::from_be_bytes([high, low]) {
        ETHERNET => link::ethernet(cursor),
        PPP => link::ppp(cursor),
        RAW_IP => Ok(link::EITHER),
        IEEE802_11 => link::wireless(cursor, false),
        _ => Err(NotIp),
    }
}
