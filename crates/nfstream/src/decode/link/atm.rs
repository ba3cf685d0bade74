//! ATM adaptation layer 5: with LLC (RFC 2684), as an emulated LAN, and as Sun's devices capture
//! it.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedLink, UnsupportedHeader};
use super::ethernet::{ethernet, follow};
use super::llc;
use super::network::{EITHER, Network};

/// Padding before a bridged Ethernet frame.
const PADDING: usize = 2;

/// Reads a packet that begins with an 802.2 header.
pub(super) fn with_llc(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let next = llc::read(cursor, PADDING)?;
    follow(cursor, next)
}

/// Reads a packet of Classical IP, which may lack its 802.2 header.
pub(super) fn classical_ip(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    match cursor.peek(0, TruncatedLink)? {
        [0xaa, 0xaa, 0x03] => with_llc(cursor),
        _ => Ok(EITHER),
    }
}

/// Reads a frame of an emulated LAN.
pub(super) fn lan_emulation(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const CONTROL: u16 = 0xff00;

    if cursor.u16(0, TruncatedLink)? == CONTROL {
        return Err(NotIp);
    }
    cursor.skip(2);
    ethernet(cursor)
}

/// Reads a packet that follows a type byte and its virtual path and channel.
pub(super) fn sun(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let kind = cursor.byte(0, TruncatedLink)? & 0x0f;
    cursor.skip(4);
    match kind {
        1 => lan_emulation(cursor),
        2 => with_llc(cursor),
        // Address resolution, management and signalling.
        3 | 5 | 6 => Err(NotIp),
        _ => Err(UnsupportedHeader),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADDRESSES, IPV4, IPV6, skip};
    use super::*;
    use crate::packet::LinkType;

    const SNAP: &[u8] = &[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00];

    #[test]
    fn an_802_2_header_comes_first() {
        for link in [LinkType::ATM_RFC1483, LinkType::ATM_RFC1483_DLT, LinkType::ATM_CLIP] {
            assert_eq!(skip(link, &[SNAP, IPV4]), Ok((Some(4), 0, 8)));
        }
        assert_eq!(skip(LinkType::ATM_CLIP, &[IPV6, &[0; 4]]), Ok((None, 0, 0)));
        let frame = [&[0xfe, 0xfe, 3, 0xcc], IPV4];
        assert_eq!(skip(LinkType::ATM_RFC1483, &frame), Ok((Some(4), 0, 4)));
    }

    #[test]
    fn bridged_frames_are_padded() {
        let frame = [&[0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7, 0, 0], ADDRESSES, &[8, 0], IPV4];
        assert_eq!(skip(LinkType::ATM_RFC1483, &frame), Ok((Some(4), 0, 24)));
    }

    #[test]
    fn lans_are_emulated() {
        let frame = [&[0, 9], ADDRESSES, &[8, 0], IPV4];
        assert_eq!(skip(LinkType::LANE8023, &frame), Ok((Some(4), 0, 16)));
        assert_eq!(skip(LinkType::LANE8023, &[&[0xff, 0], &[0; 20]]), Err(NotIp));
    }

    #[test]
    fn devices_of_sun_give_the_kind() {
        let frame = [&[0x81, 0, 0, 40, 0, 9], ADDRESSES, &[8, 0], IPV4];
        assert_eq!(skip(LinkType::SUNATM, &frame), Ok((Some(4), 0, 20)));
        assert_eq!(skip(LinkType::SUNATM, &[&[2, 0, 0, 40], SNAP, IPV4]), Ok((Some(4), 0, 12)));
        assert_eq!(skip(LinkType::SUNATM, &[&[6, 0, 0, 5], &[0; 9]]), Err(NotIp));
    }
}
