//! Counts of a run: every packet read is in a flow or ignored for a reason.

use crate::capture::Reception;
use crate::decode::DecodeError;
use crate::packet::LinkType;

/// Counts of a run so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Packets read from the source.
    pub packets: u64,
    /// Packets that belong to flows.
    pub flow_packets: u64,
    /// Packets that belong to no flow.
    pub ignored: Ignored,
    /// Packets older than the last one of their flow.
    pub late_packets: u64,
    /// Flows that have ended.
    pub flows: u64,
    /// Flows that were evicted.
    pub evicted_flows: u64,
    /// Active flows.
    pub active_flows: u64,
    /// Files that could not be read to their end.
    pub damaged_files: u64,
    /// Counts that the system keeps of a live capture, `None` for files.
    pub reception: Option<Reception>,
}

/// Packets ignored, by reason.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ignored {
    undecoded: [u64; DecodeError::ALL.len()],
    filtered: u64,
    /// The first link type that is not supported.
    link: Option<LinkType>,
}

/// Reason for ignoring the packets that a filter does not match.
const FILTERED: &str = "filtered";

impl Ignored {
    /// Counts a packet with this link type.
    pub(crate) fn add(&mut self, reason: DecodeError, link: LinkType) {
        self.undecoded[reason.index()] += 1;
        if reason == DecodeError::UnsupportedLinkType {
            self.link.get_or_insert(link);
        }
    }

    /// Counts packets that a filter has removed.
    pub(crate) fn add_filtered(&mut self, packets: u64) {
        self.filtered += packets;
    }

    /// Adds the counts of `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.undecoded.iter_mut().zip(other.undecoded) {
            *mine += theirs;
        }
        self.filtered += other.filtered;
        self.link = self.link.or(other.link);
    }

    /// Returns the packets of all reasons.
    pub fn total(&self) -> u64 {
        self.undecoded() + self.filtered
    }

    /// Returns the packets that could not be decoded.
    pub(super) fn undecoded(&self) -> u64 {
        self.undecoded.iter().sum()
    }

    /// Returns the packets that a filter has removed.
    pub(super) fn filtered(&self) -> u64 {
        self.filtered
    }

    /// Returns why packets could not be decoded, in words, the most frequent reason first.
    pub(super) fn explanation(&self) -> String {
        let mut counts: Vec<_> = DecodeError::ALL.into_iter().zip(self.undecoded).collect();
        counts.retain(|(_, packets)| *packets > 0);
        counts.sort_by_key(|(_, packets)| std::cmp::Reverse(*packets));
        let words = |reason: DecodeError| match (reason, self.link) {
            (DecodeError::UnsupportedLinkType, Some(link)) => {
                format!("link type {link} is not supported")
            }
            (reason, _) => reason.to_string(),
        };
        match counts.as_slice() {
            [(reason, _)] => words(*reason),
            several => {
                let parts = several
                    .iter()
                    .map(|(reason, packets)| format!("{} ({packets})", words(*reason)));
                parts.collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Returns each reason for which packets were ignored, and their number.
    pub fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let undecoded = DecodeError::ALL.map(DecodeError::reason).into_iter().zip(self.undecoded);
        let filtered = std::iter::once((FILTERED, self.filtered));
        undecoded.chain(filtered).filter(|(_, packets)| *packets > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_without_packets_are_left_out() {
        let mut ignored = Ignored::default();
        ignored.add(DecodeError::NotIp, LinkType::ETHERNET);
        ignored.add(DecodeError::Encrypted, LinkType::ETHERNET);
        ignored.add(DecodeError::NotIp, LinkType::ETHERNET);
        let reasons: Vec<_> = ignored.reasons().collect();
        assert_eq!(reasons, [("encrypted", 1), ("not_ip", 2)]);
        assert_eq!(ignored.total(), 3);
    }

    #[test]
    fn merge_adds_reason_by_reason() {
        let mut ignored = Ignored::default();
        ignored.add(DecodeError::NotIp, LinkType::ETHERNET);
        let mut other = ignored.clone();
        other.add(DecodeError::UnsupportedLinkType, LinkType(258));
        ignored.merge(&other);
        let reasons: Vec<_> = ignored.reasons().collect();
        assert_eq!(reasons, [("not_ip", 2), ("unsupported_link_type", 1)]);
    }
}
