//! Counts of a run: every packet read is in a flow or ignored for a reason.

use serde_json::{Map, Value as Json, json};

use crate::capture::Reception;
use crate::decode::DecodeError;
use crate::packet::encoding::{Encoded, put};

/// Counts of a run so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Packets read from the source.
    pub packets: u64,
    /// Packets that belong to flows.
    pub flow_packets: u64,
    /// Packets that belong to no flow.
    pub ignored: Ignored,
    /// Exact duplicates of other packets, if they are counted or removed.
    pub duplicate_packets: u64,
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
    /// The system's counts for a live capture, `None` for files.
    pub reception: Option<Reception>,
}

/// Most packets of a count in a block.
const MOST_PACKETS: u64 = 1 << 40;

/// Packets ignored, by reason.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ignored {
    undecoded: [u64; DecodeError::REASONS.len()],
    filtered: u64,
    duplicates: u64,
    /// The first errors that carry a number, and their packets.
    numbered: [Option<(DecodeError, u64)>; NUMBERED],
}

/// Errors with different numbers that are counted separately.
const NUMBERED: usize = 8;

/// Reason for ignoring packets that do not match the filter.
const FILTERED: &str = "filtered";

/// Reason for ignoring exact duplicates.
const DUPLICATE: &str = "duplicate";

impl Stats {
    /// Adds the counts of another run, or of another shard.
    pub fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.flow_packets += other.flow_packets;
        self.ignored.merge(&other.ignored);
        self.duplicate_packets += other.duplicate_packets;
        self.late_packets += other.late_packets;
        self.flows += other.flows;
        self.evicted_flows += other.evicted_flows;
        self.active_flows += other.active_flows;
        self.damaged_files += other.damaged_files;
        self.reception = other.reception.or(self.reception);
    }

    /// Returns the account of packets as files record it: each was read, and is in a flow or
    /// ignored for a reason.
    pub fn account(&self) -> Json {
        let ignored: Map<_, _> = self
            .ignored
            .reasons()
            .map(|(reason, packets)| (reason.to_owned(), packets.into()))
            .collect();
        let reception = self.reception.unwrap_or_default();
        json!({
            "packets": self.packets,
            "flow_packets": self.flow_packets,
            "ignored": ignored,
            "late_packets": self.late_packets,
            "flows": self.flows,
            "evicted_flows": self.evicted_flows,
            "damaged_files": self.damaged_files,
            "received": reception.received,
            "dropped_by_kernel": reception.dropped_by_kernel,
            "dropped_by_interface": reception.dropped_by_interface,
        })
    }
}

impl Ignored {
    /// Counts a packet.
    pub(crate) fn add(&mut self, reason: DecodeError) {
        self.undecoded[reason.index()] += 1;
        if matches!(
            reason,
            DecodeError::UnsupportedEtherType { .. } | DecodeError::UnsupportedLinkType { .. }
        ) {
            self.add_numbered(reason, 1);
        }
    }

    /// Counts packets removed by a filter.
    pub(crate) fn add_filtered(&mut self, packets: u64) {
        self.filtered += packets;
    }

    /// Counts removed exact duplicates.
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
        for (error, packets) in other.unsupported() {
            self.add_numbered(error, packets);
        }
    }

    /// Appends the counts to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for packets in self.undecoded.into_iter().chain([self.filtered, self.duplicates]) {
            put(out, packets);
        }
        for (error, packets) in self.unsupported() {
            put(out, packets);
            put(out, u64::try_from(error.index()).unwrap_or(u64::MAX));
            put(out, error.number().unwrap_or(0).into());
        }
        put(out, 0);
    }

    /// Reads what [`write`](Self::write) has written, `None` if `encoded` holds something else.
    pub(super) fn read_from(encoded: &mut Encoded<'_>) -> Option<Self> {
        // Sums of counts stay exact.
        let mut count = || encoded.number().filter(|packets| *packets <= MOST_PACKETS);
        let mut ignored = Self::default();
        for packets in &mut ignored.undecoded {
            *packets = count()?;
        }
        (ignored.filtered, ignored.duplicates) = (count()?, count()?);
        loop {
            let packets = encoded.number().filter(|packets| *packets <= MOST_PACKETS)?;
            if packets == 0 {
                return Some(ignored);
            }
            let error = DecodeError::numbered(encoded.narrow()?, encoded.narrow()?)?;
            ignored.add_numbered(error, packets);
        }
    }

    /// Returns the number of exact duplicates among them.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    fn add_numbered(&mut self, error: DecodeError, packets: u64) {
        let place = self.numbered.iter_mut().find(|place| match place {
            Some((known, _)) => *known == error,
            None => true,
        });
        if let Some(place) = place {
            place.get_or_insert((error, 0)).1 += packets;
        }
    }

    /// Returns the packets of all reasons.
    pub fn total(&self) -> u64 {
        self.undecoded() + self.filtered + self.duplicates
    }

    /// Returns the number of packets that could not be decoded.
    pub(super) fn undecoded(&self) -> u64 {
        self.undecoded.iter().sum()
    }

    /// Returns the number of packets removed by a filter.
    pub(super) fn filtered(&self) -> u64 {
        self.filtered
    }

    /// Returns the reasons why packets could not be decoded, in words, the most frequent first.
    pub(super) fn explanation(&self) -> String {
        let mut counts: Vec<(String, u64)> = Vec::new();
        for (reason, packets) in DecodeError::REASONS.into_iter().zip(self.undecoded) {
            let of_reason = self.unsupported().filter(|(error, _)| error.reason() == reason);
            let named: Vec<_> = of_reason.collect();
            let rest = packets - named.iter().map(|(_, packets)| packets).sum::<u64>();
            counts.extend(named.into_iter().map(|(error, packets)| (error.to_string(), packets)));
            counts.push((reason.replace('_', " "), rest));
        }
        counts.retain(|(_, packets)| *packets > 0);
        counts.sort_by_key(|(_, packets)| std::cmp::Reverse(*packets));
        match counts.as_slice() {
            [(reason, _)] => reason.clone(),
            several => {
                let parts = several.iter().map(|(reason, packets)| format!("{reason} ({packets})"));
                parts.collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Returns the unsupported link types and EtherTypes, each with its number of packets; if there
    /// are many, only the first.
    pub fn unsupported(&self) -> impl Iterator<Item = (DecodeError, u64)> + '_ {
        self.numbered.iter().copied().flatten()
    }

    /// Returns each reason for which packets were ignored, and their number.
    pub fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let undecoded = DecodeError::REASONS.into_iter().zip(self.undecoded);
        let removed = [(FILTERED, self.filtered), (DUPLICATE, self.duplicates)];
        undecoded.chain(removed).filter(|(_, packets)| *packets > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::LinkType;

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
        other.add(DecodeError::UnsupportedLinkType { link: LinkType(7) });
        ignored.merge(&other);
        let reasons: Vec<_> = ignored.reasons().collect();
        assert_eq!(reasons, [("not_ip", 2), ("unsupported_link_type", 1)]);
    }

    #[test]
    fn counts_are_read_as_written() {
        let mut ignored = Ignored::default();
        ignored.add(DecodeError::NotIp);
        ignored.add(DecodeError::UnsupportedLinkType { link: LinkType(7) });
        ignored.add(DecodeError::UnsupportedEtherType { number: 9 });
        ignored.add_filtered(70_000);
        let mut written = Vec::new();
        ignored.write(&mut written);
        assert_eq!(Ignored::read_from(&mut Encoded(&written)), Some(ignored));
    }

    #[test]
    fn numbers_are_counted_separately() {
        let mut ignored = Ignored::default();
        for number in [9, 9, 8] {
            ignored.add(DecodeError::UnsupportedEtherType { number });
        }
        let mut other = ignored.clone();
        for number in 0..20 {
            other.add(DecodeError::UnsupportedLinkType { link: LinkType(number) });
        }
        ignored.merge(&other);
        let unsupported: Vec<_> = ignored.unsupported().collect();
        assert_eq!(unsupported[0], (DecodeError::UnsupportedEtherType { number: 9 }, 4));
        assert_eq!(unsupported[1], (DecodeError::UnsupportedEtherType { number: 8 }, 2));
        assert_eq!(unsupported.len(), NUMBERED);
        assert_eq!(ignored.total(), 26);
    }
}
