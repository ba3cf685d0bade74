//! Cable and television networks.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, Encrypted, NotIp, TruncatedLink, UnsupportedHeader};
use super::ethernet::ethernet;
use super::network::{Network, V4};

/// Reads a DOCSIS frame, with or without an extended header.
pub(super) fn docsis(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const KIND: u8 = 0xc0;
    const ISOLATED: u8 = 0x80;
    const CONCATENATED: u8 = 0x38;
    const HAS_EXTENSION: u8 = 0x01;
    const HEADER_LEN: usize = 6;

    let [control, extension_len] = *cursor.peek(0, TruncatedLink)?;
    match control & KIND {
        // A packet, isolated from older modems or not.
        0 | ISOLATED => {}
        KIND if control & !HAS_EXTENSION & !KIND == CONCATENATED => return Err(UnsupportedHeader),
        KIND => return Err(NotIp),
        _ => return Err(UnsupportedHeader),
    }
    if control & HAS_EXTENSION == 0 {
        cursor.skip(HEADER_LEN);
        return ethernet(cursor);
    }
    if is_private(cursor, 4 + usize::from(extension_len))? {
        return Err(Encrypted);
    }
    cursor.skip(HEADER_LEN + usize::from(extension_len));
    ethernet(cursor)
}

/// Returns whether an extended header, which ends at `end`, says that the packet is encrypted.
fn is_private(header: &Cursor<'_>, end: usize) -> Result<bool, DecodeError> {
    const ENABLED: u8 = 0x80;

    let mut at = 4;
    while at < end {
        let kind_len = header.byte(at, TruncatedLink)?;
        // Upstream and downstream privacy, in the first and in later versions.
        if matches!(kind_len >> 4, 3 | 4) && header.byte(at + 2, TruncatedLink)? & ENABLED != 0 {
            return Ok(true);
        }
        at += 1 + usize::from(kind_len & 0x0f);
    }
    Ok(false)
}

/// Reads a frame of ATSC's link layer that carries a whole IPv4 packet (A/330).
pub(super) fn atsc(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const IPV4: u8 = 0;
    const COMPRESSED: u8 = 2;
    const IN_PARTS: u8 = 0x10;
    const HAS_MORE_HEADER: u8 = 0x08;
    const HAS_STREAM: u8 = 0x02;
    const HAS_EXTENSION: u8 = 0x01;

    let first = cursor.byte(0, TruncatedLink)?;
    match first >> 5 {
        IPV4 => {}
        COMPRESSED => return Err(UnsupportedHeader),
        _ => return Err(NotIp),
    }
    if first & IN_PARTS != 0 {
        return Err(UnsupportedHeader);
    }
    cursor.skip(2);
    if first & HAS_MORE_HEADER != 0 {
        let more = cursor.byte(0, TruncatedLink)?;
        cursor.skip(if more & HAS_STREAM == 0 { 1 } else { 2 });
        if more & HAS_EXTENSION != 0 {
            let len = cursor.byte(1, TruncatedLink)?;
            cursor.skip(3 + usize::from(len));
        }
    }
    Ok(V4)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADDRESSES, IPV4, skip};
    use super::*;
    use crate::packet::LinkType;

    #[test]
    fn docsis_carries_ethernet() {
        let read = |header: &[u8]| skip(LinkType::DOCSIS, &[header, ADDRESSES, &[8, 0], IPV4]);
        assert_eq!(read(&[0, 0, 0, 40, 9, 9]), Ok((Some(4), 0, 20)));
        assert_eq!(read(&[1, 3, 0, 43, 0x62, 1, 2, 9, 9]), Ok((Some(4), 0, 23)));
        assert_eq!(read(&[1, 5, 0, 45, 0x44, 0x10, 0x00, 0, 1, 9, 9]), Ok((Some(4), 0, 25)));
        assert_eq!(read(&[1, 5, 0, 45, 0x44, 0x10, 0x80, 0, 1, 9, 9]), Err(Encrypted));
        assert_eq!(read(&[0xc2, 0, 0, 40, 9, 9]), Err(NotIp));
        assert_eq!(read(&[0xf8, 2, 0, 40, 9, 9]), Err(UnsupportedHeader));
    }

    #[test]
    fn television_carries_whole_packets() {
        let read = |header: &[u8]| skip(LinkType::ATSC_ALP, &[header, IPV4]);
        assert_eq!(read(&[0x00, 40]), Ok((Some(4), 0, 2)));
        assert_eq!(read(&[0x08, 40, 0x02, 9]), Ok((Some(4), 0, 4)));
        assert_eq!(read(&[0x08, 40, 0x01, 1, 0, 9]), Ok((Some(4), 0, 6)));
        assert_eq!(read(&[0x10, 40]), Err(UnsupportedHeader));
        assert_eq!(read(&[0xe0, 0x47]), Err(NotIp));
    }
}
