//! What a run counts: every packet read is in a flow or ignored for a reason.

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
    /// Packets of flows that came after a later packet of their flow.
    pub late_packets: u64,
    /// Flows that have ended.
    pub flows: u64,
}

/// Packets ignored, by reason.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ignored([u64; DecodeError::ALL.len()]);

impl Ignored {
    /// Counts a packet.
    pub(crate) fn add(&mut self, reason: DecodeError) {
        self.0[reason.index()] += 1;
    }

    /// Adds the counts of `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// Returns the packets of all reasons.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns each reason for which packets were ignored, and how many.
    pub fn reasons(&self) -> impl Iterator<Item = (DecodeError, u64)> + '_ {
        DecodeError::ALL.into_iter().zip(self.0).filter(|(_, packets)| *packets > 0)
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
        assert_eq!(reasons, [(DecodeError::Encrypted, 1), (DecodeError::NotIp, 2)]);
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
        assert_eq!(reasons, [(DecodeError::NotIp, 2), (DecodeError::UnsupportedLinkType, 1)]);
    }
}
