//! Ethernet, and everything between its header and IP.
//!
//! A single loop reads the headers: each returns the [`Next`] one, so nesting takes no stack.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, TruncatedLink, UnsupportedEtherType};
use super::network::{Network, Next, V4, V6};
use super::{ethertype, labels, llc, tags};
use crate::packet::Identifier;

/// Reads an Ethernet header and all tags and labels after it.
#[inline]
pub(crate) fn ethernet(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let kind = cursor.u16(12, TruncatedLink)?;
    cursor.skip(14);
    match kind {
        ethertype::IPV4 => Ok(V4),
        ethertype::IPV6 => Ok(V6),
        _ => behind_type(cursor, kind),
    }
}

/// Follows `kind`, the EtherType in a tunnel's header, or the number with which tunnels announce
/// whole Ethernet frames.
pub(crate) fn bridged(cursor: &mut Cursor<'_>, kind: u16) -> Result<Network, DecodeError> {
    // Here the field holds neither a length nor the start of an 802.2 header.
    if kind < ethertype::FIRST {
        return Err(UnsupportedEtherType { number: kind });
    }
    behind_type(cursor, kind)
}

/// Skips labels (RFC 3032) and reads their payload.
pub(crate) fn mpls(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let next = labels::skip(cursor)?;
    follow(cursor, next)
}

/// Reads a network service header (RFC 8300) and its payload.
pub(crate) fn service(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    behind_type(cursor, ethertype::SERVICE)
}

/// Follows the content of a header that has been read.
pub(super) fn follow(cursor: &mut Cursor<'_>, next: Next) -> Result<Network, DecodeError> {
    match next {
        Next::Ip(network) => Ok(network),
        Next::Type(kind) => behind_type(cursor, kind),
    }
}

/// Follows `kind`, an EtherType or 802.3 length, and all tags and labels after it.
fn behind_type(cursor: &mut Cursor<'_>, mut kind: u16) -> Result<Network, DecodeError> {
    let mut vlan_id = 0;
    loop {
        if ethertype::TAGS.contains(&kind) {
            vlan_id = cursor.u16(0, TruncatedLink)? & 0x0fff;
            kind = cursor.u16(2, TruncatedLink)?;
            cursor.skip(4);
            cursor.enter(Identifier::Vlan(vlan_id));
            continue;
        }
        let next = match kind {
            ethertype::IPV4 => Next::Ip(V4),
            ethertype::IPV6 => Next::Ip(V6),
            _ if ethertype::MPLS.contains(&kind) => labels::skip(cursor)?,
            _ if kind < ethertype::FIRST => llc::read(cursor, 0)?,
            _ => tags::skip(cursor, kind)?,
        };
        match next {
            Next::Ip(network) => return Ok(Network { vlan_id, ..network }),
            Next::Type(inner) => kind = inner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{IPV4, IPV6, skip, skip_ethernet};
    use super::*;
    use crate::decode::error::DecodeError::NotIp;
    use crate::packet::LinkType;

    #[test]
    fn ip_versions_are_known_by_ethertype() {
        assert_eq!(skip_ethernet(&[&[0x08, 0x00], IPV4]), Ok((Some(4), 0, 14)));
        assert_eq!(skip_ethernet(&[&[0x86, 0xdd], IPV6]), Ok((Some(6), 0, 14)));
    }

    #[test]
    fn arp_is_not_ip() {
        assert_eq!(skip_ethernet(&[&[0x08, 0x06], &[0; 28]]), Err(NotIp));
    }

    #[test]
    fn a_cut_header_is_truncated() {
        assert_eq!(skip_ethernet(&[&[0x08]]), Err(TruncatedLink));
        assert_eq!(skip(LinkType::ETHERNET, &[]), Err(TruncatedLink));
    }

    #[test]
    fn priority_is_not_part_of_the_identifier() {
        const TAG: &[u8] = &[0x81, 0x00, 0xf0, 0x07, 0x08, 0x00];
        assert_eq!(skip_ethernet(&[TAG, IPV4]), Ok((Some(4), 7, 18)));
    }

    #[test]
    fn the_innermost_tag_counts() {
        const QINQ: &[u8] = &[0x88, 0xa8, 0x00, 0x64, 0x81, 0x00, 0x00, 0xc8, 0x86, 0xdd];
        assert_eq!(skip_ethernet(&[QINQ, IPV6]), Ok((Some(6), 200, 22)));
    }

    #[test]
    fn older_numbers_of_stacked_tags_are_known() {
        for outer in [0x91_u8, 0x92] {
            let tags = [outer, 0x00, 0, 1, 0x81, 0x00, 0, 2, 0x08, 0x00];
            assert_eq!(skip_ethernet(&[&tags, IPV4]), Ok((Some(4), 2, 22)), "{outer:#x}00");
        }
    }

    #[test]
    fn a_cut_tag_is_truncated() {
        assert_eq!(skip_ethernet(&[&[0x81, 0x00, 0x00]]), Err(TruncatedLink));
        assert_eq!(skip_ethernet(&[&[0x81, 0x00, 0x00, 0x07, 0x08]]), Err(TruncatedLink));
    }

    #[test]
    fn tagged_arp_is_not_ip() {
        assert_eq!(skip_ethernet(&[&[0x81, 0x00, 0x00, 0x07, 0x08, 0x06]]), Err(NotIp));
    }

    /// A loop, not a recursion, reads them.
    #[test]
    fn deep_nesting_takes_no_stack() {
        let layer = [&[0x88, 0x47, 0, 1, 1, 64, 0, 0, 0, 0][..], &[2; 12]].concat();
        let frame = [&layer.repeat(100_000), &[0x08, 0x00][..], IPV4].concat();
        assert_eq!(skip_ethernet(&[&frame]), Ok((Some(4), 0, 12 + frame.len() - 1)));
    }
}
