//! Errors of decoding.

use crate::packet::LinkType;

/// Why a frame could not be decoded. Errors are counted by [`reason`](Self::reason).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, thiserror::Error)]
pub enum DecodeError {
    /// An 802.11 frame that holds several packets; [`split`](super::split) returns them.
    #[error("frame aggregates several packets")]
    Aggregated,
    /// A frame whose content is encrypted: 802.11, MACsec and the like.
    #[error("frame is encrypted")]
    Encrypted,
    /// A network header contradicts itself: a wrong version, lengths that do not fit.
    #[error("network header is malformed")]
    MalformedNetwork,
    /// An IP packet too short for the ports of its protocol.
    #[error("transport header is malformed")]
    MalformedTransport,
    /// The frame carries no IP packet: ARP, spanning tree, 802.11 management and the like.
    #[error("frame carries no IP packet")]
    NotIp,
    /// Tunnels are nested more deeply than the decoder follows.
    #[error("tunnels are nested too deeply")]
    TooDeep,
    /// The captured bytes end inside the link-layer headers.
    #[error("frame ends inside a link header")]
    TruncatedLink,
    /// The captured bytes end inside an IP header.
    #[error("frame ends inside a network header")]
    TruncatedNetwork,
    /// The captured bytes end before the ports.
    #[error("frame ends inside a transport header")]
    TruncatedTransport,
    /// The EtherType is unknown: its payload may lead to IP.
    #[error("EtherType {number:#06x} is not supported")]
    UnsupportedEtherType {
        /// The EtherType.
        number: u16,
    },
    /// A header before IP is unknown, or holds a compressed packet or a fragment.
    #[error("a header before IP is not supported")]
    UnsupportedHeader,
    /// The link type is not supported.
    #[error("link type {link} is not supported")]
    UnsupportedLinkType {
        /// The link type.
        link: LinkType,
    },
}

impl DecodeError {
    /// The reason of each error, in the order of the variants.
    pub const REASONS: [&str; 12] = [
        "aggregated",
        "encrypted",
        "malformed_network",
        "malformed_transport",
        "not_ip",
        "too_deep",
        "truncated_link",
        "truncated_network",
        "truncated_transport",
        "unsupported_ethertype",
        "unsupported_header",
        "unsupported_link_type",
    ];

    /// Returns the index of the error's reason in [`REASONS`](Self::REASONS).
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Aggregated => 0,
            Self::Encrypted => 1,
            Self::MalformedNetwork => 2,
            Self::MalformedTransport => 3,
            Self::NotIp => 4,
            Self::TooDeep => 5,
            Self::TruncatedLink => 6,
            Self::TruncatedNetwork => 7,
            Self::TruncatedTransport => 8,
            Self::UnsupportedEtherType { .. } => 9,
            Self::UnsupportedHeader => 10,
            Self::UnsupportedLinkType { .. } => 11,
        }
    }

    /// Returns the error with a number that [`number`](Self::number) gives, `None` for no such error.
    pub(crate) fn numbered(index: usize, number: u16) -> Option<Self> {
        let errors = [
            Self::UnsupportedEtherType { number },
            Self::UnsupportedLinkType { link: LinkType(number) },
        ];
        errors.into_iter().find(|error| error.index() == index)
    }

    /// Returns the number that the error carries.
    pub(crate) const fn number(self) -> Option<u16> {
        match self {
            Self::UnsupportedEtherType { number } => Some(number),
            Self::UnsupportedLinkType { link } => Some(link.0),
            _ => None,
        }
    }

    /// Returns the name under which frames ignored for this reason are counted.
    pub const fn reason(self) -> &'static str {
        Self::REASONS[self.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_distinct_and_in_order() {
        assert!(DecodeError::REASONS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn errors_have_the_reason_of_their_name() {
        for error in [
            DecodeError::Aggregated,
            DecodeError::Encrypted,
            DecodeError::MalformedNetwork,
            DecodeError::MalformedTransport,
            DecodeError::NotIp,
            DecodeError::TooDeep,
            DecodeError::TruncatedLink,
            DecodeError::TruncatedNetwork,
            DecodeError::TruncatedTransport,
            DecodeError::UnsupportedEtherType { number: 7 },
            DecodeError::UnsupportedHeader,
            DecodeError::UnsupportedLinkType { link: LinkType(7) },
        ] {
            let name = format!("{error:?}").to_lowercase();
            assert!(name.starts_with(&error.reason().replace('_', "")), "{name}");
        }
    }
}
