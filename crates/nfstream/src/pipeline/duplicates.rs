//! Exact duplicates of packets, as mirror ports produce them.
//!
//! A packet is a duplicate of an earlier one if both have the same captured bytes from the
//! innermost IP header on, and the same tunnel carried them. Link headers and VLAN tags may differ:
//! a mirror port copies a packet where it enters a switch and where it leaves. Fields that a router
//! changes may not differ.
//!
//! Works on chunks in the order of the source, before packets are divided among meters, so the
//! result is the same for any number of meters.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;

use crate::decode;
use crate::packet::{Chunk, RawRecord};
use crate::time::{Duration, Timestamp};

/// Treatment of exact duplicates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Duplicates {
    /// Longest time between a packet and its duplicate.
    pub window: Duration,
    /// Whether duplicates are removed; otherwise they are only counted.
    pub are_removed: bool,
}

impl Duplicates {
    /// Counts the duplicates of mirror ports, which arrive within milliseconds.
    pub const COUNTED: Self = Self { window: Duration::from_nanos(10_000_000), are_removed: false };
}

/// Finds duplicates in a stream of packets.
#[derive(Debug)]
pub(super) struct DuplicateFinder {
    duplicates: Duplicates,
    options: decode::Options,
    hasher: foldhash::quality::RandomState,
    /// Times of packets by fingerprint.
    seen: HashMap<u64, Timestamp, foldhash::fast::RandomState>,
    /// The same in order of arrival.
    order: VecDeque<(u64, Timestamp)>,
}

impl DuplicateFinder {
    /// Most packets remembered; the oldest are forgotten. More than a 10 Gbit/s link carries within
    /// `COUNTED`.
    const CAPACITY: usize = 1 << 18;

    pub(super) fn new(duplicates: Duplicates, options: decode::Options) -> Self {
        Self {
            duplicates,
            options,
            hasher: foldhash::quality::RandomState::default(),
            seen: HashMap::default(),
            order: VecDeque::new(),
        }
    }

    /// Counts the duplicates in `chunk`, and removes them if they are to be removed.
    pub(super) fn find(&mut self, chunk: &mut Chunk) {
        let Chunk { bytes, records, .. } = chunk;
        let frames = bytes.as_slice();
        let mut found = 0;
        records.retain(|record| {
            let is_duplicate = self
                .fingerprint(record, frames)
                .is_some_and(|fingerprint| self.is_known(fingerprint, record.time));
            found += u64::from(is_duplicate);
            !(is_duplicate && self.duplicates.are_removed)
        });
        chunk.duplicates += found;
        if self.duplicates.are_removed {
            chunk.removed_duplicates += found;
        }
    }

    /// Returns whether a packet with `fingerprint` arrived within the window before `time`;
    /// remembers the packet if not.
    fn is_known(&mut self, fingerprint: u64, time: Timestamp) -> bool {
        let window = self.duplicates.window;
        while let Some(&(oldest, seen)) = self.order.front()
            && (time.since(seen) > window || self.order.len() >= Self::CAPACITY)
        {
            self.order.pop_front();
            // Unless the same bytes arrived again after the window.
            if self.seen.get(&oldest) == Some(&seen) {
                self.seen.remove(&oldest);
            }
        }
        if let Some(&seen) = self.seen.get(&fingerprint)
            // Packets of several queues may arrive out of order.
            && time.since(seen).max(seen.since(time)) <= window
        {
            return true;
        }
        self.seen.insert(fingerprint, time);
        self.order.push_back((fingerprint, time));
        false
    }

    /// Returns a number that is the same for duplicates and different for other packets; `None` for
    /// a frame that cannot be decoded.
    fn fingerprint(&self, record: &RawRecord, frames: &[u8]) -> Option<u64> {
        let frame = record.frame(frames);
        let packet = decode::decode(record, frame, self.options, &mut Vec::new()).ok()?;
        // Equal packets of two customers lie in different tunnels.
        let tunnel = (packet.tunnel_id != 0).then(|| {
            let around = decode::identifiers(&packet, frame);
            (packet.tunnel_id, around.virtual_network, around.gre_key, around.teid)
        });
        Some(self.hasher.hash_one((packet.ip_bytes(frames), packet.ip_len, tunnel)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nfstream_testkit::Frame;

    use super::*;
    use crate::packet::{ChunkBytes, LinkType, narrow};

    fn chunk(packets: &[(u64, Frame)]) -> Chunk {
        let mut bytes = Vec::new();
        let mut records = Vec::new();
        for (millis, frame) in packets {
            let frame = frame.build();
            records.push(RawRecord {
                time: Timestamp::default().plus(Duration::from_nanos(millis * 1_000_000)),
                offset: narrow(bytes.len()),
                capture_len: narrow(frame.len()),
                wire_len: narrow(frame.len()),
                link: LinkType::ETHERNET,
            });
            bytes.extend(frame);
        }
        Chunk { bytes: ChunkBytes::Owned(Arc::new(bytes)), records, ..Chunk::default() }
    }

    fn query(frame: Frame, id: u8) -> Frame {
        frame.ipv4([192, 0, 2, 1], [192, 0, 2, 2]).udp(1000, 53).payload(&[id; 9])
    }

    /// Returns the packets that remain of `packets` with a window of 10 ms.
    fn left(packets: &[(u64, Frame)], are_removed: bool) -> (Vec<usize>, u64) {
        let mut chunk = chunk(packets);
        let all = chunk.records.clone();
        let duplicates = Duplicates { are_removed, ..Duplicates::COUNTED };
        let options = decode::Options { tunnels: true, ..decode::Options::default() };
        DuplicateFinder::new(duplicates, options).find(&mut chunk);
        let place = |one: &RawRecord| all.iter().position(|other| other == one).unwrap();
        (chunk.records.iter().map(place).collect(), chunk.duplicates)
    }

    #[test]
    fn copies_within_the_window_are_removed() {
        let plain = || query(Frame::ethernet(), 1);
        let packets = [
            (0, plain()),
            (10, plain()),
            (11, plain()),
            (12, query(Frame::ethernet(), 2)),
            (13, query(Frame::ethernet().vlan(7), 2)),
            (
                13,
                Frame::ethernet()
                    .ipv4([192, 0, 2, 9], [192, 0, 2, 2])
                    .udp(1000, 53)
                    .payload(&[2; 9]),
            ),
        ];
        assert_eq!(left(&packets, true), (vec![0, 2, 3, 5], 2));
        assert_eq!(left(&packets, false), ((0..6).collect(), 2));
    }

    #[test]
    fn equal_packets_in_different_tunnels_are_no_duplicates() {
        let inner = query(Frame::ethernet(), 1).build();
        let vxlan = |vni: u8, vlan: u16| {
            let payload = [&[8, 0, 0, 0, 0, 0, vni, 0], &*inner].concat();
            let outer = Frame::ethernet().vlan(vlan).ipv4([10, 0, 0, 1], [10, 0, 0, 2]);
            outer.udp(5555, 4789).payload(&payload)
        };
        let packets = [(0, vxlan(1, 5)), (0, vxlan(2, 5)), (1, vxlan(1, 6))];
        assert_eq!(left(&packets, true), (vec![0, 1], 1));
    }

    #[test]
    fn memory_is_bounded() {
        let mut finder = DuplicateFinder::new(Duplicates::COUNTED, decode::Options::default());
        for number in 0..2 * u64::try_from(DuplicateFinder::CAPACITY).unwrap() {
            assert!(!finder.is_known(number, Timestamp::default()));
        }
        assert_eq!(finder.seen.len(), DuplicateFinder::CAPACITY);
        assert_eq!(finder.order.len(), DuplicateFinder::CAPACITY);
    }
}
