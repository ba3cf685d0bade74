//! Recognition of capture formats, and the parser of each.

use super::foreign::Foreign;
use super::parsed::Parsed;
use super::pcap::{HEADER_LEN, Header, Pcap};
use super::pcapng::{self, Pcapng};
use crate::packet::{LinkType, RawRecord};
use crate::time::Timestamp;

/// Bytes at the start of a capture that identify its format.
pub(super) const HEAD_LEN: usize = HEADER_LEN;

/// The first bytes of a pcapng file: the type of a section header, the same in any byte order.
const SECTION: [u8; 4] = 0x0a0d_0d0a_u32.to_le_bytes();

/// Parser of the packets of one capture.
#[derive(Clone, Debug)]
pub(super) enum Parser {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Why the first bytes of a file are not the start of a capture.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Unrecognized {
    Empty,
    /// A capture or archive in an unsupported format.
    Foreign(&'static Foreign),
    HeaderCut,
    NotACapture,
    UnsupportedLinkType(LinkType),
    UnsupportedVersion(u16, u16),
}

impl Parser {
    /// Returns the parser for a capture that begins with `head`, of [`HEAD_LEN`] bytes or more
    /// unless the capture is shorter, and the offset at which parsing begins.
    pub(super) fn recognize(head: &[u8]) -> Result<(Self, usize), Unrecognized> {
        if head.is_empty() {
            return Err(Unrecognized::Empty);
        }
        if head.starts_with(&SECTION) {
            return match head.get(8..12) {
                None => Err(Unrecognized::HeaderCut),
                Some([0x1a, 0x2b, 0x3c, 0x4d] | [0x4d, 0x3c, 0x2b, 0x1a]) => {
                    Ok((Self::Pcapng(Pcapng::default()), 0))
                }
                Some(_) => Err(Unrecognized::NotACapture),
            };
        }
        let pcap = match Pcap::read(head) {
            Header::Known(pcap) => pcap,
            Header::Cut => return Err(Unrecognized::HeaderCut),
            Header::UnknownVersion(major, minor) => {
                return Err(Unrecognized::UnsupportedVersion(major, minor));
            }
            Header::Other => {
                return Err(match Foreign::recognize(head) {
                    Some(format) => Unrecognized::Foreign(format),
                    None => Unrecognized::NotACapture,
                });
            }
        };
        if !pcap.link().is_supported() {
            return Err(Unrecognized::UnsupportedLinkType(pcap.link()));
        }
        Ok((Self::Pcap(pcap), HEADER_LEN))
    }

    /// Reads at most `limit` records from `bytes[from..]`. Their offsets count from the start of
    /// `bytes`.
    pub(super) fn parse(
        &mut self,
        bytes: &[u8],
        from: usize,
        records: &mut Vec<RawRecord>,
        limit: usize,
    ) -> Parsed {
        match self {
            Self::Pcap(pcap) => pcap.parse(bytes, from, records, limit),
            Self::Pcapng(pcapng) => pcapng.parse(bytes, from, records, limit),
        }
    }

    /// Returns the bytes of an unfinished block that were consumed, 0 between blocks.
    pub(super) fn unfinished(&self) -> u64 {
        match self {
            Self::Pcap(_) => 0,
            Self::Pcapng(pcapng) => pcapng.unfinished(),
        }
    }

    /// Returns the bytes that complete the block that is being skipped, 0 between blocks.
    pub(super) fn skipping(&self) -> usize {
        match self {
            Self::Pcap(_) => 0,
            Self::Pcapng(pcapng) => pcapng.skipping(),
        }
    }

    /// Returns a parser for later records of the same capture. It has the state of this parser, and
    /// none from the records in between.
    pub(super) fn forked(&self) -> Self {
        match self {
            Self::Pcap(pcap) => Self::Pcap(pcap.clone()),
            Self::Pcapng(pcapng) => Self::Pcapng(pcapng.forked()),
        }
    }

    /// Returns whether this parser, which began as `fork`, has read the records after those of
    /// `earlier` as `earlier` would have.
    pub(super) fn continues(&self, fork: &Self, earlier: &Self) -> bool {
        match (self, fork, earlier) {
            (Self::Pcap(_), ..) => true,
            (Self::Pcapng(this), Self::Pcapng(fork), Self::Pcapng(earlier)) => {
                this.continues(fork, earlier)
            }
            _ => false,
        }
    }

    /// Adds what `later` has read, a fork that [`continues`](Self::continues) this parser.
    /// `has_packets` is whether there were packets.
    pub(super) fn continue_with(&mut self, later: Self, has_packets: bool) {
        if let (Self::Pcapng(earlier), Self::Pcapng(later)) = (self, later) {
            earlier.continue_with(later, has_packets);
        }
    }

    /// Returns the divisor of the offsets at which records start.
    pub(super) fn alignment(&self) -> usize {
        match self {
            Self::Pcap(_) => 1,
            Self::Pcapng(_) => pcapng::ALIGNMENT,
        }
    }

    /// Returns whether a packet with a time near `time` may start at `at`: a quick test that is often
    /// wrong.
    #[inline]
    pub(super) fn may_start(&self, bytes: &[u8], at: usize, time: Timestamp) -> bool {
        match self {
            Self::Pcap(pcap) => pcap.may_start(bytes, at, time),
            Self::Pcapng(pcapng) => pcapng.may_start(bytes, at),
        }
    }

    /// Returns the end of the record at `at` if it is plausible.
    #[inline]
    pub(super) fn plausible_end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        match self {
            Self::Pcap(pcap) => pcap.plausible_end(bytes, at),
            Self::Pcapng(pcapng) => pcapng.plausible_end(bytes, at),
        }
    }

    /// Returns a link type of the packets so far if none of them is supported.
    pub(super) fn unsupported(&self) -> Option<LinkType> {
        match self {
            Self::Pcap(_) => None,
            Self::Pcapng(pcapng) => pcapng.unsupported(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{MICROSECONDS, Order, pcap, pcap_header, section};
    use super::*;

    fn refused(head: &[u8]) -> Unrecognized {
        Parser::recognize(head).expect_err("not a capture")
    }

    #[test]
    fn captures_are_known_by_their_first_bytes() {
        assert!(matches!(Parser::recognize(&pcap(&[])), Ok((Parser::Pcap(_), 24))));
        for order in [Order::Big, Order::Little] {
            assert!(matches!(Parser::recognize(&section(order)), Ok((Parser::Pcapng(_), 0))));
        }
    }

    #[test]
    fn other_files_are_not_captures() {
        assert_eq!(refused(b""), Unrecognized::Empty);
        for head in ["a", "abc", "Dear diary, today I read", "\n\r\r\n and more than that"] {
            assert_eq!(refused(head.as_bytes()), Unrecognized::NotACapture);
        }
    }

    #[test]
    fn a_cut_header_is_not_taken_for_another_file() {
        assert_eq!(refused(&pcap(&[])[..23]), Unrecognized::HeaderCut);
        assert_eq!(refused(&section(Order::Big)[..11]), Unrecognized::HeaderCut);
    }

    #[test]
    fn unknown_versions_and_link_types_are_refused() {
        let mut header = pcap(&[]);
        header[6] = 5;
        assert_eq!(refused(&header), Unrecognized::UnsupportedVersion(2, 5));
        let header = pcap_header(Order::Big, MICROSECONDS, 65535, 147);
        assert_eq!(refused(&header), Unrecognized::UnsupportedLinkType(LinkType(147)));
    }
}
