//! Captures from Juniper routers: a header that gives its own length, then the usual frame.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, TruncatedLink, UnsupportedHeader};
use super::network::{EITHER, Network};
use super::{ethernet as plain_ethernet, frame_relay as plain_frame_relay, serial};

/// Function that reads a frame.
type Reader = fn(&mut Cursor<'_>) -> Result<Network, DecodeError>;

/// Reads a frame of an Ethernet interface.
pub(super) fn ethernet(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    after_header(cursor, plain_ethernet::ethernet)
}

/// Reads a frame of a PPP interface.
pub(super) fn ppp(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    after_header(cursor, serial::plain)
}

/// Reads a frame of a Frame Relay interface.
pub(super) fn frame_relay(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    after_header(cursor, plain_frame_relay::plain)
}

/// Reads a frame of a Cisco HDLC interface.
pub(super) fn cisco_hdlc(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    after_header(cursor, serial::cisco_hdlc)
}

fn after_header(cursor: &mut Cursor<'_>, read: Reader) -> Result<Network, DecodeError> {
    const WITHOUT_LINK_HEADER: u8 = 0x02;
    const HAS_EXTENSIONS: u8 = 0x80;

    let [b'M', b'G', b'C', flags] = *cursor.peek(0, TruncatedLink)? else {
        return Err(UnsupportedHeader);
    };
    let extensions = match flags & HAS_EXTENSIONS {
        0 => 0,
        _ => 2 + usize::from(cursor.u16(4, TruncatedLink)?),
    };
    cursor.skip(4 + extensions);
    if flags & WITHOUT_LINK_HEADER == 0 {
        return read(cursor);
    }
    cursor.skip(4);
    Ok(EITHER)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADDRESSES, IPV4, skip};
    use super::*;
    use crate::packet::LinkType;

    const PLAIN: &[u8] = b"MGC\x00";
    const EXTENDED: &[u8] = b"MGC\x81\0\x06\x01\x01\x01\x05\x01\x02";

    #[test]
    fn the_usual_header_follows() {
        for (link, header) in [
            (LinkType::JUNIPER_ETHER, &[ADDRESSES, &[8, 0]].concat()[..]),
            (LinkType::JUNIPER_PPPOE, &[ADDRESSES, &[8, 0]].concat()),
            (LinkType::JUNIPER_PPP, &[0x00, 0x21]),
            (LinkType::JUNIPER_FRELAY, &[0x18, 0x41, 3, 0xcc]),
            (LinkType::JUNIPER_CHDLC, &[0x0f, 0, 8, 0]),
        ] {
            for start in [PLAIN, EXTENDED] {
                let len = start.len() + header.len();
                assert_eq!(skip(link, &[start, header, IPV4]), Ok((Some(4), 0, len)), "{link}");
            }
        }
    }

    #[test]
    fn a_packet_may_lack_the_header() {
        let frame = [b"MGC\x02", &[0, 0, 0, 2][..], IPV4];
        assert_eq!(skip(LinkType::JUNIPER_ETHER, &frame), Ok((None, 0, 8)));
        assert_eq!(skip(LinkType::JUNIPER_ETHER, &[&[0; 40]]), Err(UnsupportedHeader));
    }
}
