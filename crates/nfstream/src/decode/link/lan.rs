//! Local networks: Ethernet with extra fields before, after or around its header, and older kinds.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedLink, UnsupportedHeader};
use super::ethernet::{ethernet, follow};
use super::llc;
use super::network::{self, Network, V4, V6};

/// Skips `len` bytes before an Ethernet frame.
fn ethernet_after(cursor: &mut Cursor<'_>, len: usize) -> Result<Network, DecodeError> {
    cursor.skip(len);
    ethernet(cursor)
}

/// Reads the type after `len` bytes of addresses and tags.
fn type_after(cursor: &mut Cursor<'_>, len: usize) -> Result<Network, DecodeError> {
    let next = network::type_after(cursor, len)?;
    follow(cursor, next)
}

/// Reads an 802.2 header after `len` bytes.
fn llc_after(cursor: &mut Cursor<'_>, len: usize) -> Result<Network, DecodeError> {
    cursor.skip(len);
    let next = llc::read(cursor, 0)?;
    follow(cursor, next)
}

/// Reads a frame with four bytes of a switch's tag after the addresses.
pub(super) fn switch_tag(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    type_after(cursor, 16)
}

/// Reads a frame with eight bytes of a switch's tag after the addresses.
pub(super) fn switch_tag_with_type(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    type_after(cursor, 20)
}

/// Reads a frame after four bytes of a switch's tag.
pub(super) fn switch_tag_before(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    ethernet_after(cursor, 4)
}

/// Reads a frame after the header of a netANALYZER device.
pub(super) fn netanalyzer(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    ethernet_after(cursor, 4)
}

/// Reads a frame and its preamble after the header of a netANALYZER device.
pub(super) fn netanalyzer_transparent(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    ethernet_after(cursor, 12)
}

/// Reads a frame after the last six bytes of an EPON preamble (IEEE 802.3, clause 65).
pub(super) fn epon(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    ethernet_after(cursor, 6)
}

/// Reads a frame with its preamble, or the first fragment of one (IEEE 802.3br).
pub(super) fn mpacket(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const PREAMBLE: usize = 8;

    match cursor.byte(PREAMBLE - 1, TruncatedLink)? {
        // Express frames, and the four marks of preemptable ones.
        0xd5 | 0xe6 | 0x4c | 0x7f | 0xb3 => ethernet_after(cursor, PREAMBLE),
        // Verification of the link.
        0x07 | 0x19 => Err(NotIp),
        _ => Err(UnsupportedHeader),
    }
}

/// Reads a Token Ring frame (IEEE 802.5), with or without a source route.
pub(super) fn token_ring(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const KIND: u8 = 0xc0;
    const LLC: u8 = 0x40;
    const HAS_ROUTE: u8 = 0x80;
    const ROUTE_LEN: u8 = 0x1f;

    if cursor.byte(1, TruncatedLink)? & KIND != LLC {
        return Err(NotIp);
    }
    let mut len = 14;
    if cursor.byte(8, TruncatedLink)? & HAS_ROUTE != 0 {
        len += usize::from(cursor.byte(14, TruncatedLink)? & ROUTE_LEN);
    }
    llc_after(cursor, len)
}

/// Reads an FDDI frame.
pub(super) fn fddi(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const KIND: u8 = 0x70;
    const LLC: u8 = 0x50;

    if cursor.byte(0, TruncatedLink)? & KIND != LLC {
        return Err(NotIp);
    }
    llc_after(cursor, 13)
}

/// Reads a frame of IP over Fibre Channel (RFC 2625).
pub(super) fn fibre_channel(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    llc_after(cursor, 16)
}

/// Reads a frame of IP over IEEE 1394 with the two identifiers that Apple's systems write.
pub(super) fn apple_ieee1394(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    type_after(cursor, 16)
}

/// Reads an ARCNET frame as the BSDs capture it.
pub(super) fn arcnet_bsd(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    arcnet(cursor, 2)
}

/// Reads an ARCNET frame as Linux captures it, with an offset after the addresses.
pub(super) fn arcnet_linux(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    arcnet(cursor, 4)
}

/// Reads the protocol of an ARCNET frame at `at` (RFC 1201, RFC 1051).
fn arcnet(cursor: &mut Cursor<'_>, at: usize) -> Result<Network, DecodeError> {
    const IP: u8 = 212;
    const IP_WITHOUT_FRAGMENTS: u8 = 240;
    const IPV6: u8 = 196;
    const EXCEPTION: u8 = 0xff;

    let kind = cursor.byte(at, TruncatedLink)?;
    let (network, mut len) = match kind {
        IP_WITHOUT_FRAGMENTS => {
            cursor.skip(at + 1);
            return Ok(V4);
        }
        IP => (V4, at + 4),
        IPV6 => (V6, at + 4),
        _ => return Err(NotIp),
    };
    match cursor.byte(at + 1, TruncatedLink)? {
        0 => {}
        EXCEPTION => len += 4,
        _ => return Err(UnsupportedHeader),
    }
    cursor.skip(len);
    Ok(network)
}

/// Reads an AX.25 frame after a KISS byte.
pub(super) fn ax25_kiss(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const COMMAND: u8 = 0x0f;

    if cursor.byte(0, TruncatedLink)? & COMMAND != 0 {
        return Err(NotIp);
    }
    cursor.skip(1);
    ax25(cursor)
}

/// Reads an AX.25 information frame, numbered or not.
pub(super) fn ax25(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const ADDRESS_LEN: usize = 7;
    const MAX_ADDRESSES: usize = 10;
    const LAST: u8 = 1;
    const POLL: u8 = 0x10;
    const UNNUMBERED: u8 = 0x03;

    let mut addresses = 1;
    while cursor.byte(addresses * ADDRESS_LEN - 1, TruncatedLink)? & LAST == 0 {
        addresses += 1;
        if addresses > MAX_ADDRESSES {
            return Err(UnsupportedHeader);
        }
    }
    let [control, protocol] = *cursor.peek(addresses * ADDRESS_LEN, TruncatedLink)?;
    if control & 1 != 0 && control & !POLL != UNNUMBERED {
        return Err(NotIp);
    }
    cursor.skip(addresses * ADDRESS_LEN + 2);
    match protocol {
        0xcc => Ok(V4),
        // Compressed TCP, segments, and an extension of the protocol number.
        0x06 | 0x07 | 0x08 | 0xff => Err(UnsupportedHeader),
        _ => Err(NotIp),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADDRESSES, IPV4, IPV6, skip};
    use super::*;
    use crate::packet::LinkType;

    const SNAP: &[u8] = &[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00];

    #[test]
    fn ethernet_follows_other_headers() {
        for (link, len) in [
            (LinkType::NETANALYZER, 4),
            (LinkType::NETANALYZER_TRANSPARENT, 12),
            (LinkType::EPON, 6),
            (LinkType::DSA_TAG_BRCM_PREPEND, 4),
        ] {
            let frame = [&[9; 12][..len], ADDRESSES, &[0x81, 0, 0, 7, 8, 0], IPV4];
            assert_eq!(skip(link, &frame), Ok((Some(4), 7, len + 18)), "{link}");
            assert_eq!(skip(link, &[&[9; 12][..len], ADDRESSES]), Err(TruncatedLink), "{link}");
        }
    }

    #[test]
    fn switches_put_a_tag_after_the_addresses() {
        for (link, len) in
            [(LinkType::DSA_TAG_BRCM, 4), (LinkType::DSA_TAG_DSA, 4), (LinkType::DSA_TAG_EDSA, 8)]
        {
            let frame = [ADDRESSES, &[9; 8][..len], &[0x86, 0xdd], IPV6];
            assert_eq!(skip(link, &frame), Ok((Some(6), 0, len + 14)), "{link}");
        }
    }

    #[test]
    fn preemptable_frames_are_known_by_their_mark() {
        let read = |mark| {
            let frame = [&[0x55; 7], &[mark][..], ADDRESSES, &[8, 0], IPV4];
            skip(LinkType::ETHERNET_MPACKET, &frame)
        };
        assert_eq!(read(0xd5), Ok((Some(4), 0, 22)));
        assert_eq!(read(0x4c), Ok((Some(4), 0, 22)));
        assert_eq!(read(0x07), Err(NotIp));
        assert_eq!(read(0x61), Err(UnsupportedHeader));
    }

    #[test]
    fn token_ring_may_have_a_route() {
        let frame = [&[0x10, 0x40], ADDRESSES, SNAP, IPV4];
        assert_eq!(skip(LinkType::IEEE802_5, &frame), Ok((Some(4), 0, 22)));
        let routed = [&[0x10, 0x40], &[2; 6][..], &[0x82; 6], &[0x06, 0, 1, 2, 3, 0], SNAP, IPV4];
        assert_eq!(skip(LinkType::IEEE802_5, &routed), Ok((Some(4), 0, 28)));
        assert_eq!(skip(LinkType::IEEE802_5, &[&[0x10, 0x00], &[0; 40]]), Err(NotIp));
    }

    #[test]
    fn fddi_has_frames_of_its_own() {
        for control in [0x50, 0x57, 0xd0] {
            let frame = [&[control], ADDRESSES, SNAP, IPV4];
            assert_eq!(skip(LinkType::FDDI, &frame), Ok((Some(4), 0, 21)));
        }
        assert_eq!(skip(LinkType::FDDI, &[&[0x41], &[0; 40]]), Err(NotIp));
    }

    #[test]
    fn wide_addresses_are_skipped() {
        let frame = [&[2; 16], SNAP, IPV4];
        assert_eq!(skip(LinkType::IP_OVER_FC, &frame), Ok((Some(4), 0, 24)));
        let frame = [&[2; 16], &[8, 0][..], IPV4];
        assert_eq!(skip(LinkType::APPLE_IP_OVER_IEEE1394, &frame), Ok((Some(4), 0, 18)));
    }

    #[test]
    fn arcnet_carries_ip_in_two_ways() {
        let bsd = |parts: &[&[u8]]| skip(LinkType::ARCNET_BSD, parts);
        assert_eq!(bsd(&[&[1, 2, 212, 0, 0, 9], IPV4]), Ok((Some(4), 0, 6)));
        assert_eq!(bsd(&[&[1, 2, 212, 0xff, 0, 9, 0, 0, 0, 9], IPV4]), Ok((Some(4), 0, 10)));
        assert_eq!(bsd(&[&[1, 2, 240], IPV4]), Ok((Some(4), 0, 3)));
        assert_eq!(bsd(&[&[1, 2, 212, 1, 0, 9], IPV4]), Err(UnsupportedHeader));
        assert_eq!(bsd(&[&[1, 2, 213, 0, 0, 9], IPV4]), Err(NotIp));
        let frame = [&[1, 2, 0, 0, 212, 0, 0, 9], IPV4];
        assert_eq!(skip(LinkType::ARCNET_LINUX, &frame), Ok((Some(4), 0, 8)));
    }

    #[test]
    fn ax25_may_have_relays() {
        let address = |last| [2, 2, 2, 2, 2, 2, last];
        let frame = [&address(0xe0)[..], &address(0x61), &[0x03, 0xcc], IPV4];
        assert_eq!(skip(LinkType::AX25, &frame), Ok((Some(4), 0, 16)));
        let relayed = [&address(0xe0)[..], &address(0x60), &address(0x61), &[0x00, 0xcc], IPV4];
        assert_eq!(skip(LinkType::AX25, &relayed), Ok((Some(4), 0, 23)));
        let frame = [&[0][..], &frame.concat()];
        assert_eq!(skip(LinkType::AX25_KISS, &frame), Ok((Some(4), 0, 17)));
        let beacon = [&address(0xe0)[..], &address(0x61), &[0x03, 0xf0], &[0; 9]];
        assert_eq!(skip(LinkType::AX25, &beacon), Err(NotIp));
        assert_eq!(skip(LinkType::AX25, &[&[0; 90]]), Err(UnsupportedHeader));
    }
}
