//! PPP headers (RFC 1661, RFC 1662), down to the payload of their protocol.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, Encrypted, NotIp, TruncatedLink, UnsupportedHeader};
use super::labels;
use super::network::{Next, V4, V6, ethernet_header};

/// Reads a PPPoE header (RFC 2516). Discovery uses another EtherType and other codes.
pub(super) fn session(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    let [0x11, 0x00] = *cursor.peek(0, TruncatedLink)? else { return Err(NotIp) };
    cursor.skip(6);
    header(cursor)
}

/// Reads a PPP header down to its protocol.
pub(super) fn header(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    if cursor.peek(0, TruncatedLink) == Ok(&[0xff, 0x03]) {
        cursor.skip(2);
    }
    let first = cursor.byte(0, TruncatedLink)?;
    // The last byte of a protocol number is odd; all others are even.
    let protocol = if first & 1 == 1 {
        cursor.skip(1);
        u16::from(first)
    } else {
        let protocol = cursor.u16(0, TruncatedLink)?;
        cursor.skip(2);
        protocol
    };
    content(cursor, protocol)
}

/// Reads the payload after a protocol number.
pub(super) fn content(cursor: &mut Cursor<'_>, protocol: u16) -> Result<Next, DecodeError> {
    match protocol {
        0x0021 => Ok(Next::Ip(V4)),
        0x0057 => Ok(Next::Ip(V6)),
        0x0281 | 0x0283 => labels::skip(cursor),
        0x0031 => bridged(cursor),
        // Link encryption (RFC 1968).
        0x0053 | 0x0055 => Err(Encrypted),
        // Protocols other than IP: ISO, XNS, DECnet, AppleTalk, IPX, Vines, NetBIOS, SNA.
        0x0023 | 0x0025 | 0x0027 | 0x0029 | 0x002b | 0x0035 | 0x003f | 0x004b | 0x004d => {
            Err(NotIp)
        }
        // Negotiation of the link and its protocols.
        0x4000.. => Err(NotIp),
        // Fragments of packets, and compressed packets.
        _ => Err(UnsupportedHeader),
    }
}

/// Reads the header of a bridged Ethernet frame (RFC 3518).
fn bridged(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    const LAN_ID: u8 = 0x40;
    const ETHERNET: u8 = 1;

    let [flags, ETHERNET] = *cursor.peek(0, TruncatedLink)? else { return Err(UnsupportedHeader) };
    cursor.skip(if flags & LAN_ID == 0 { 2 } else { 6 });
    ethernet_header(cursor)
}
