//! Life cycle of flows in nfstream 6, for scripts that depend on it.
//!
//! The whole run has one clock. Scans for idle flows follow the order in which flows began and stop
//! at the first busy flow. The flows after it are not affected, because each packet checks its own
//! flow anyway; only the order in which flows end differs.

use std::collections::VecDeque;

use crate::flow::{EndReason, Flow, FlowTable, Note, Slot, Timeouts, Verdict};
use crate::meter::{FlowEnd, FlowState, Lifecycle};
use crate::time::{Duration, Timestamp};

/// Policy with one clock in milliseconds, where a slice is a separate flow and ids count ended
/// flows in the order in which their ends are noticed.
#[derive(Debug)]
pub struct Nfstream6 {
    timeouts: Timeouts,
    clock: Clock,
    births: Births,
    /// Flows that have ended.
    ended: u64,
}

/// Time of the run, which never goes backwards.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    now: Timestamp,
}

/// Active flows in the order of their births, and the time of the last scan.
#[derive(Debug, Default)]
struct Births {
    queue: VecDeque<Note>,
    scanned: Timestamp,
}

impl Lifecycle for Nfstream6 {
    const ENDS_BY_PACKETS: bool = true;
    const ENDS_IN_ORDER: bool = true;

    fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, clock: Clock::default(), births: Births::default(), ended: 0 }
    }

    fn begin(&mut self, slot: Slot, flows: &FlowTable<FlowState>) {
        let note = Note { slot, generation: flows.entry(slot).flow.generation };
        self.births.push(note, flows.len(), |note| is_alive(note, flows));
    }

    fn stamp(&mut self, time: Timestamp) -> Timestamp {
        self.clock.stamp(time)
    }

    fn end_after_packet(&mut self, time: Timestamp, flows: &FlowTable<FlowState>) -> Vec<FlowEnd> {
        let mut ends = Vec::new();
        if !self.births.is_scan_due(time) {
            return ends;
        }
        while ends.len() < Births::SCAN
            && let Some(Note { slot, .. }) = self.births.oldest(|note| is_alive(note, flows))
        {
            let flow = &flows.entry(slot).flow;
            if self.timeouts.judge(flow, time) != Verdict::Idle {
                break;
            }
            self.births.pop();
            let ended = self.timeouts.deadline(flow);
            ends.push(FlowEnd { slot, ended, reason: EndReason::Idle });
        }
        ends
    }

    fn end_at_tick(&mut self, _: Timestamp, _: &FlowTable<FlowState>) -> Vec<FlowEnd> {
        Vec::new()
    }

    fn end_all(&mut self, _: Timestamp, flows: &FlowTable<FlowState>) -> Vec<FlowEnd> {
        let alive = self.births.queue.drain(..).filter(|note| is_alive(*note, flows));
        let end = |note: Note| FlowEnd {
            slot: note.slot,
            ended: Timestamp::MAX,
            reason: EndReason::EndOfInput,
        };
        alive.map(end).collect()
    }

    /// Returns the oldest flow.
    fn make_room(&mut self, flows: &FlowTable<FlowState>) -> Option<Slot> {
        self.births.oldest(|note| is_alive(note, flows)).map(|note| note.slot)
    }

    fn number(&mut self, _: &Flow) -> u64 {
        let number = self.ended;
        self.ended += 1;
        number
    }
}

fn is_alive(note: Note, flows: &FlowTable<FlowState>) -> bool {
    flows.alive(note.slot, note.generation).is_some()
}

impl Clock {
    /// Returns `time` in whole milliseconds, or the latest time so far if that is later.
    fn stamp(&mut self, time: Timestamp) -> Timestamp {
        self.now = self.now.max(time.whole_millis());
        self.now
    }
}

impl Births {
    /// Shortest time between two scans.
    const PERIOD: Duration = Duration::from_nanos(10_000_000);

    /// Most flows ended by one scan.
    const SCAN: usize = 1000;

    /// Adds the youngest flow; `is_alive` returns whether another flow is still active.
    fn push(&mut self, note: Note, active: usize, is_alive: impl Fn(Note) -> bool) {
        // Flows ended by their own packets are still in the queue.
        if self.queue.len() > 2 * active + 64 {
            self.queue.retain(|note| is_alive(*note));
        }
        self.queue.push_back(note);
    }

    /// Removes the flow that [`oldest`](Self::oldest) returned.
    fn pop(&mut self) {
        self.queue.pop_front();
    }

    /// Returns the oldest flow that is still active.
    fn oldest(&mut self, is_alive: impl Fn(Note) -> bool) -> Option<Note> {
        while let Some(note) = self.queue.front() {
            if is_alive(*note) {
                return Some(*note);
            }
            self.queue.pop_front();
        }
        None
    }

    /// Returns whether a scan is due at `time`, and if so marks it as done.
    fn is_scan_due(&mut self, time: Timestamp) -> bool {
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
    use crate::flow::{FlowKey, Sender};
    use crate::packet::Packet;

    #[test]
    fn the_clock_counts_milliseconds_and_never_goes_back() {
        let mut clock = Clock::default();
        let stamped = [5_999_999, 3_000_000, 6_000_001]
            .map(|nanos| clock.stamp(Timestamp::from_nanos(nanos)).nanos());
        assert_eq!(stamped, [5_000_000, 5_000_000, 6_000_000]);
    }

    #[test]
    fn ended_flows_are_skipped() {
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
