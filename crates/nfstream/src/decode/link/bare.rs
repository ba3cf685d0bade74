//! Bare IP, without a link header.

use super::super::cursor::Cursor;
use super::super::error::DecodeError;
use super::network::{EITHER, Network, V4, V6};

/// Reads a packet of either version.
pub(super) fn either(_: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    Ok(EITHER)
}

/// Reads an IPv4 packet.
pub(super) fn ipv4(_: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    Ok(V4)
}

/// Reads an IPv6 packet.
pub(super) fn ipv6(_: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    Ok(V6)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{IPV4, IPV6, skip};
    use crate::packet::LinkType;

    #[test]
    fn the_packet_gives_its_version() {
        for link in [LinkType::RAW, LinkType::RAW_DLT, LinkType::RAW_OPENBSD] {
            assert_eq!(skip(link, &[IPV4]), Ok((None, 0, 0)));
        }
    }

    #[test]
    fn the_link_type_may_give_it_too() {
        assert_eq!(skip(LinkType::IPV4, &[IPV4]), Ok((Some(4), 0, 0)));
        assert_eq!(skip(LinkType::IPV6, &[IPV6]), Ok((Some(6), 0, 0)));
    }
}
