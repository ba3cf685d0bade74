//! Errors of decoding.

/// Why a frame could not be decoded. Counted by its [`reason`](Self::reason).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, thiserror::Error)]
pub enum DecodeError {
    /// An 802.11 frame whose body is encrypted.
    #[error("802.11 frame is encrypted")]
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
    /// The captured bytes end inside the link-layer headers.
    #[error("frame ends inside a link header")]
    TruncatedLink,
    /// The captured bytes end inside an IP header.
    #[error("frame ends inside a network header")]
    TruncatedNetwork,
    /// The captured bytes end before the ports.
    #[error("frame ends inside a transport header")]
    TruncatedTransport,
    /// The link type is not supported.
    #[error("link type is not supported")]
    UnsupportedLinkType,
}

impl DecodeError {
    /// Every error, in the order of its variants.
    pub const ALL: [Self; 8] = [
        Self::Encrypted,
        Self::MalformedNetwork,
        Self::MalformedTransport,
        Self::NotIp,
        Self::TruncatedLink,
        Self::TruncatedNetwork,
        Self::TruncatedTransport,
        Self::UnsupportedLinkType,
    ];

    /// Returns the index of the error in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Encrypted => 0,
            Self::MalformedNetwork => 1,
            Self::MalformedTransport => 2,
            Self::NotIp => 3,
            Self::TruncatedLink => 4,
            Self::TruncatedNetwork => 5,
            Self::TruncatedTransport => 6,
            Self::UnsupportedLinkType => 7,
        }
    }

    /// Returns the name under which frames ignored for this reason are counted.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::MalformedNetwork => "malformed_network",
            Self::MalformedTransport => "malformed_transport",
            Self::NotIp => "not_ip",
            Self::TruncatedLink => "truncated_link",
            Self::TruncatedNetwork => "truncated_network",
            Self::TruncatedTransport => "truncated_transport",
            Self::UnsupportedLinkType => "unsupported_link_type",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_index_and_a_distinct_reason() {
        for (place, error) in DecodeError::ALL.into_iter().enumerate() {
            assert_eq!(error.index(), place);
        }
        let mut reasons = DecodeError::ALL.map(DecodeError::reason).to_vec();
        reasons.dedup();
        assert_eq!(reasons.len(), DecodeError::ALL.len());
        assert!(reasons.is_sorted());
    }
}
