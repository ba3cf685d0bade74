//! The rules by which version 6 of nfstream ends flows, for those whose scripts rest on them.
//!
//! There is one clock for the whole run. Idle flows are looked for in the order of their births
//! only, so a busy flow keeps those behind it waiting: what a flow holds is not touched by that,
//! as each packet asks its own flow anyway, but the order in which flows end is.

use std::collections::VecDeque;

use crate::flow::Note;
use crate::packet::Packet;
use crate::time::{Duration, Timestamp};

/// By which rules flows are timed, ended, numbered and put in order.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Rules {
    /// Those of this program.
    #[default]
    Standard,
    /// Those of nfstream 6: one clock of milliseconds, a slice is a flow of its own, ids count
    /// ended flows in the order in which their ends are noticed. Always with one meter.
    Nfstream6,
}

/// The one clock of a run, which never goes backwards.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunClock {
    now: Timestamp,
}

impl RunClock {
    /// Gives packets, in their order, the clock's time: their own in whole milliseconds, or the
    /// latest so far.
    pub fn stamp(&mut self, packets: &mut [Packet]) {
        for packet in packets {
            self.now = self.now.max(packet.time.whole_millis());
            packet.time = self.now;
        }
    }
}

/// Active flows in the order of their births, and when they were last looked at.
#[derive(Debug, Default)]
pub struct Births {
    queue: VecDeque<Note>,
    scanned: Timestamp,
}

impl Births {
    /// Time between two scans, at least.
    const PERIOD: Duration = Duration::from_nanos(10_000_000);

    /// Flows that one scan ends, at most.
    pub const SCAN: usize = 1000;

    /// Adds the youngest flow; `is_alive` tells which of the others are still active.
    pub fn push(&mut self, note: Note, active: usize, is_alive: impl Fn(Note) -> bool) {
        // Flows that their own packets have ended are still in the queue.
        if self.queue.len() > 2 * active + 64 {
            self.queue.retain(|note| is_alive(*note));
        }
        self.queue.push_back(note);
    }

    /// Returns the oldest flow that is still active.
    pub fn oldest(&mut self, is_alive: impl Fn(Note) -> bool) -> Option<Note> {
        while let Some(note) = self.queue.front() {
            if is_alive(*note) {
                return Some(*note);
            }
            self.queue.pop_front();
        }
        None
    }

    /// Returns whether a scan is due at `time`, and takes note that it is done.
    pub fn is_scan_due(&mut self, time: Timestamp) -> bool {
        let due = time.since(self.scanned) >= Self::PERIOD;
        if due {
            self.scanned = time;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{FlowKey, FlowTable, Sender};

    fn at(nanos: i64) -> Packet {
        Packet { time: Timestamp::from_nanos(nanos), ..Packet::default() }
    }

    #[test]
    fn the_clock_counts_milliseconds_and_never_goes_back() {
        let mut packets = [at(5_999_999), at(3_000_000), at(6_000_001)];
        RunClock::default().stamp(&mut packets);
        assert_eq!(packets.map(|p| p.time.nanos()), [5_000_000, 5_000_000, 6_000_000]);
    }

    #[test]
    fn ended_flows_are_passed_over() {
        let mut table = FlowTable::new();
        let mut births = Births::default();
        let key = |port| FlowKey::of(&Packet { protocol: port, ..Packet::default() }).0;
        for (hash, port) in (0..).zip(1..4) {
            let slot = table.insert(hash, key(port), Sender::Low, Timestamp::default(), ());
            let generation = table.entry(slot).flow.generation;
            births.push(Note { slot, generation }, table.len(), |_| true);
        }
        let first = births.oldest(|_| true).unwrap();
        table.remove(0, first.slot);
        let second = births.oldest(|n| table.alive(n.slot, n.generation).is_some()).unwrap();
        assert_eq!(table.entry(second.slot).flow.key, key(2));
    }

    #[test]
    fn scans_keep_their_distance() {
        let mut births = Births::default();
        let due =
            [9, 10, 19, 20].map(|ms| births.is_scan_due(Timestamp::from_nanos(ms * 1_000_000)));
        assert_eq!(due, [false, true, false, true]);
    }
}
