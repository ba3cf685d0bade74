//! Link-layer headers: from the start of a frame to its IP header.
//!
//! [`link_types`] names the function for each link type. [`ethernet`] reads what they have in
//! common: the tags, labels and headers between an EtherType and IP.

mod atm;
mod bare;
mod cable;
mod ethernet;
mod ethertype;
mod frame_relay;
mod host;
mod infiniband;
mod juniper;
mod labels;
mod lan;
mod llc;
mod low_rate;
mod network;
mod ppp;
mod serial;
mod tags;
mod wireless;
mod wrapped;

use super::cursor::Cursor;
use super::error::DecodeError;
use super::error::DecodeError::{UnsupportedHeader, UnsupportedLinkType};
use crate::packet::{LinkType, link_types};

pub(super) use ethernet::{bridged, ethernet, mpls, service};
pub(super) use network::{EITHER, Network, V4, V6};
pub(super) use serial::plain as ppp;
pub use wireless::Subframes;
pub(super) use wireless::{data as wireless_data, frame as wireless, subframes};
pub(super) use wrapped::tzsp;

/// Content of a frame.
enum Inside {
    /// A frame of another link type.
    Frame(LinkType),
    /// An IP packet.
    Packet(Network),
}

impl From<LinkType> for Inside {
    fn from(link: LinkType) -> Self {
        Self::Frame(link)
    }
}

impl From<Network> for Inside {
    fn from(network: Network) -> Self {
        Self::Packet(network)
    }
}

/// Moves the cursor to the IP header.
///
/// # Errors
///
/// [`DecodeError`] if the frame carries no IP packet, or ends before it.
#[inline]
pub(super) fn skip_to_network(
    link: LinkType,
    cursor: &mut Cursor<'_>,
) -> Result<Network, DecodeError> {
    if link == LinkType::ETHERNET {
        return ethernet(cursor);
    }
    other_links(link, cursor)
}

fn other_links(link: LinkType, cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let link = match read(link, cursor)? {
        Inside::Packet(network) => return Ok(network),
        Inside::Frame(link) => link,
    };
    match read(link, cursor)? {
        Inside::Packet(network) => Ok(network),
        // At most one header may name another link type.
        Inside::Frame(_) => Err(UnsupportedHeader),
    }
}

macro_rules! readers {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal, $reader:path;)*) => {
        /// Reads the first header of a frame.
        fn read(link: LinkType, cursor: &mut Cursor<'_>) -> Result<Inside, DecodeError> {
            match link {
                $(LinkType::$constant => $reader(cursor).map(Inside::from),)*
                _ => Err(UnsupportedLinkType { link }),
            }
        }
    };
}
link_types!(readers);

#[cfg(test)]
mod tests {
    use super::*;

    /// First byte of an IPv4 or IPv6 header, the only one that the link layer reads.
    pub(super) const IPV4: &[u8] = &[0x45];
    pub(super) const IPV6: &[u8] = &[0x60];
    pub(super) const ADDRESSES: &[u8] = &[2; 12];

    /// Reads the concatenated `parts`; returns version, VLAN and offset of the IP header.
    pub(super) fn skip(
        link: LinkType,
        parts: &[&[u8]],
    ) -> Result<(Option<u8>, u16, usize), DecodeError> {
        let frame = parts.concat();
        let mut cursor = Cursor::new(&frame);
        let network = skip_to_network(link, &mut cursor)?;
        Ok((network.version, network.vlan_id, cursor.offset()))
    }

    pub(super) fn skip_ethernet(parts: &[&[u8]]) -> Result<(Option<u8>, u16, usize), DecodeError> {
        skip(LinkType::ETHERNET, &[&[ADDRESSES], parts].concat())
    }

    #[test]
    fn an_unknown_link_type_is_not_supported() {
        let link = LinkType(147);
        assert_eq!(skip(link, &[IPV4]), Err(UnsupportedLinkType { link }));
    }

    #[test]
    fn every_supported_link_type_is_decoded() {
        for number in 0..=u16::MAX {
            let link = LinkType(number);
            let known = skip(link, &[&[0; 64]]) != Err(UnsupportedLinkType { link });
            assert_eq!(known, link.is_supported(), "{link}");
        }
    }
}
