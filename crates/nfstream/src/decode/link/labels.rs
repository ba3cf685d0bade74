//! MPLS labels (RFC 3032), and the Ethernet frames of pseudowires after them (RFC 4448).

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedLink, UnsupportedHeader};
use super::ethertype;
use super::network::{Next, V4, V6, ethernet_header};
use crate::packet::Identifier;

/// Skips labels down to the bottom of the stack, and the header of a pseudowire.
///
/// Labels do not identify their payload. An IP packet begins with its version, a control word with
/// zeros. Either may also be the first byte of an Ethernet address, as the control word is
/// optional.
pub(super) fn skip(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    const CONTROL_WORD: usize = 4;
    const FRAGMENT: u8 = 0xc0;

    loop {
        let [high, middle, bottom, _] = *cursor.peek(0, TruncatedLink)?;
        cursor.skip(4);
        let label = u32::from_be_bytes([0, high, middle, bottom]) >> 4;
        cursor.enter(Identifier::MplsLabel(label));
        if bottom & 1 == 1 {
            break;
        }
    }
    let version = cursor.byte(0, TruncatedLink)? >> 4;
    if holds_ip(cursor, 0) && !(version == 4 && has_checksum(cursor)) {
        return ethernet_header(cursor);
    }
    match version {
        4 => Ok(Next::Ip(V4)),
        6 => Ok(Next::Ip(V6)),
        0 if holds_ip(cursor, CONTROL_WORD)
            || cursor.byte(1, TruncatedLink)? & FRAGMENT == 0
                && is_ethernet(cursor, CONTROL_WORD) =>
        {
            cursor.skip(CONTROL_WORD);
            ethernet_header(cursor)
        }
        _ if is_ethernet(cursor, 0) => ethernet_header(cursor),
        1 => channel(cursor),
        _ => Err(UnsupportedHeader),
    }
}

/// Reads the header of an associated channel (RFC 4385, RFC 5085).
fn channel(cursor: &mut Cursor<'_>) -> Result<Next, DecodeError> {
    let kind = cursor.u16(2, TruncatedLink)?;
    cursor.skip(4);
    match kind {
        0x0021 => Ok(Next::Ip(V4)),
        0x0057 => Ok(Next::Ip(V6)),
        _ => Err(NotIp),
    }
}

/// Returns whether an Ethernet header `at` bytes after the cursor leads to an IP header.
fn holds_ip(cursor: &Cursor<'_>, at: usize) -> bool {
    let first = |at| cursor.byte(at, TruncatedLink);
    for kind in [12, 16, 20].map(|place| at + place) {
        match cursor.u16(kind, TruncatedLink) {
            Ok(ethertype::IPV4) => return matches!(first(kind + 2), Ok(0x45..=0x4f)),
            Ok(ethertype::IPV6) => return matches!(first(kind + 2), Ok(0x60..=0x6f)),
            Ok(tag) if ethertype::TAGS.contains(&tag) => {}
            _ => return false,
        }
    }
    false
}

/// Returns whether the bytes at `at` after the cursor may be an Ethernet header.
fn is_ethernet(cursor: &Cursor<'_>, at: usize) -> bool {
    match cursor.u16(at + 12, TruncatedLink) {
        Ok(kind) if kind >= ethertype::FIRST => ethertype::is_known(kind),
        // A length, and common service access points.
        Ok(_) => matches!(
            cursor.peek(at + 14, TruncatedLink),
            Ok([0xaa, 0xaa, 0x03] | [0x42, 0x42, 0x03] | [0xfe, 0xfe, 0x03] | [0x06, 0x06, 0x03])
        ),
        Err(_) => false,
    }
}

/// Returns whether the cursor is at an IPv4 header with a valid checksum (RFC 791).
fn has_checksum(cursor: &Cursor<'_>) -> bool {
    let Some((&first, _)) = cursor.rest().split_first() else { return false };
    let Some(header) = cursor.rest().get(..usize::from(first & 0x0f) * 4) else { return false };
    let (words, _) = header.as_chunks();
    let sum: u32 = words.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    words.len() >= 10 && (sum & 0xffff) + (sum >> 16) == 0xffff
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADDRESSES, IPV4, IPV6, skip_ethernet};
    use super::*;
    use crate::packet::LinkType;

    const TOP: &[u8] = &[0x00, 0x01, 0x00, 0x40];
    const BOTTOM: &[u8] = &[0x00, 0x01, 0x01, 0x40];
    const CONTROL: &[u8] = &[0, 0, 0, 9];
    const TYPE: &[u8] = &[0x08, 0x00];

    fn behind(parts: &[&[u8]]) -> Result<(Option<u8>, u16, usize), DecodeError> {
        skip_ethernet(&[&[&[0x88, 0x47], BOTTOM], parts].concat())
    }

    #[test]
    fn the_bottom_of_the_stack_is_found() {
        let frame = [&[0x88, 0x47], TOP, TOP, BOTTOM, IPV4];
        assert_eq!(skip_ethernet(&frame), Ok((Some(4), 0, 26)));
    }

    #[test]
    fn the_version_identifies_the_payload() {
        assert_eq!(skip_ethernet(&[&[0x88, 0x48], BOTTOM, IPV6]), Ok((Some(6), 0, 18)));
        assert_eq!(behind(&[&[0x00]]), Err(TruncatedLink));
        assert_eq!(behind(&[&[0x90; 40]]), Err(UnsupportedHeader));
    }

    #[test]
    fn labels_in_a_vlan_keep_it() {
        let frame = [&[0x81, 0x00, 0x00, 0x07, 0x88, 0x47], BOTTOM, IPV4];
        assert_eq!(skip_ethernet(&frame), Ok((Some(4), 7, 22)));
    }

    #[test]
    fn labels_may_begin_the_frame() {
        let frame = [TOP, BOTTOM, IPV6];
        let outcome = super::super::tests::skip(LinkType::MPLS, &frame);
        assert_eq!(outcome, Ok((Some(6), 0, 8)));
    }

    #[test]
    fn a_stack_without_bottom_is_truncated() {
        assert_eq!(skip_ethernet(&[&[0x88, 0x47], TOP, TOP]), Err(TruncatedLink));
    }

    #[test]
    fn a_pseudowire_has_a_control_word_or_none() {
        for first in [0x00, 0x02, 0x0a, 0x10, 0x1c, 0x44, 0x45, 0x60, 0x6e, 0x98, 0xff] {
            let mut addresses = ADDRESSES.to_vec();
            addresses[0] = first;
            let frame = [&addresses[..], TYPE, IPV4];
            assert_eq!(behind(&frame), Ok((Some(4), 0, 32)), "{first:02x}");
            let tagged = [&addresses[..], &[0x81, 0, 0, 7, 0x86, 0xdd], IPV6];
            assert_eq!(behind(&tagged), Ok((Some(6), 7, 36)), "{first:02x}");
            let frame = [CONTROL, &addresses, TYPE, IPV4];
            assert_eq!(behind(&frame), Ok((Some(4), 0, 36)), "{first:02x}");
        }
    }

    #[test]
    fn a_pseudowire_may_carry_other_frames() {
        let arp: &[&[u8]] = &[ADDRESSES, &[0x08, 0x06], &[0; 28]];
        assert_eq!(behind(arp), Err(NotIp));
        assert_eq!(behind(&[&[CONTROL], arp].concat()), Err(NotIp));
        let bpdu = [ADDRESSES, &[0, 38, 0x42, 0x42, 3], &[0; 35]];
        assert_eq!(behind(&bpdu), Err(NotIp));
        // A pseudowire in a pseudowire.
        let inner: &[&[u8]] = &[CONTROL, ADDRESSES, &[0x88, 0x47], BOTTOM, ADDRESSES, TYPE, IPV4];
        assert_eq!(behind(inner), Ok((Some(4), 0, 18 + 18 + 4 + 14)));
    }

    #[test]
    fn a_packet_that_looks_like_a_frame_is_one_if_its_checksum_is_valid() {
        // From 8.0.69.0: EtherType and version seem to follow addresses.
        let mut packet = [
            0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 8, 0, 69, 0, 198, 51, 100, 2, 0, 7, 0, 9, 0,
            8, 0, 0,
        ];
        assert_eq!(behind(&[&packet]), Ok((Some(4), 0, 32)));
        [packet[10], packet[11]] = [0x03, 0x9b];
        assert_eq!(behind(&[&packet]), Ok((Some(4), 0, 18)));
    }

    #[test]
    fn an_associated_channel_may_carry_ip() {
        assert_eq!(behind(&[&[0x10, 0, 0, 0x21], IPV4]), Ok((Some(4), 0, 22)));
        assert_eq!(behind(&[&[0x10, 0, 0, 0x07], &[0; 20]]), Err(NotIp));
    }
}
