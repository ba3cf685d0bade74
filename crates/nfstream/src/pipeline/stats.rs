//! Counts of a run: every packet read is in a flow or ignored for a reason.

use crate::capture::Reception;
use crate::decode::DecodeError;

/// Counts of a run so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Packets read from the source.
    pub packets: u64,
    /// Packets that belong to flows.
    pub flow_packets: u64,
    /// Packets that belong to no flow.
    pub ignored: Ignored,
    /// Packets found to be exact duplicates of others, where these are counted or removed.
    pub duplicate_packets: u64,
    /// Packets older than the last one of their flow.
    pub late_packets: u64,
    /// Flows that have ended.
    pub flows: u64,
    /// Flows that were evicted.
    pub evicted_flows: u64,
    /// Active flows.
    pub active_flows: u64,
    /// Counts that the system keeps of a live capture, `None` for files.
    pub reception: Option<Reception>,
}

/// Packets ignored, by reason.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ignored {
    undecoded: [u64; DecodeError::ALL.len()],
    filtered: u64,
    duplicates: u64,
}

/// Reason for ignoring the packets that a filter does not match.
const FILTERED: &str = "filtered";

/// Reason for ignoring exact duplicates.
const DUPLICATE: &str = "duplicate";

impl Ignored {
    /// Counts a packet.
    pub(crate) fn add(&mut self, reason: DecodeError) {
        self.undecoded[reason.index()] += 1;
    }

    /// Counts packets that a filter has removed.
    pub(crate) fn add_filtered(&mut self, packets: u64) {
        self.filtered += packets;
    }

    /// Counts exact duplicates that were removed.
    pub(crate) fn add_duplicates(&mut self, packets: u64) {
        self.duplicates += packets;
    }

    /// Adds the counts of `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.undecoded.iter_mut().zip(other.undecoded) {
            *mine += theirs;
        }
        self.filtered += other.filtered;
        self.duplicates += other.duplicates;
    }

    /// Returns the exact duplicates among them.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Returns the packets of all reasons.
    pub fn total(&self) -> u64 {
        self.undecoded.iter().sum::<u64>() + self.filtered + self.duplicates
    }

    /// Returns each reason for which packets were ignored, and their number.
    pub fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let undecoded = DecodeError::ALL.map(DecodeError::reason).into_iter().zip(self.undecoded);
        let removed = [(FILTERED, self.filtered), (DUPLICATE, self.duplicates)];
        undecoded.chain(removed).filter(|(_, packets)| *packets > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_without_packets_are_left_out() {
        let mut ignored = Ignored::default();
        ignored.add(DecodeError::NotIp);
        ignored.add(DecodeError::Encrypted);
        ignored.add(DecodeError::NotIp);
        let reasons: Vec<_> = ignored.reasons().collect();
        assert_eq!(reasons, [("encrypted", 1), ("not_ip", 2)]);
        assert_eq!(ignored.total(), 3);
    }

    #[test]
    fn merge_adds_reason_by_reason() {
        let mut ignored = Ignored::default();
        ignored.add(DecodeError::NotIp);
        let mut other = ignored.clone();
        other.add(DecodeError::UnsupportedLinkType);
        ignored.merge(&other);
        let reasons: Vec<_> = ignored.reasons().collect();
        assert_eq!(reasons, [("not_ip", 2), ("unsupported_link_type", 1)]);
    }
}
