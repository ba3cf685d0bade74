//! Timeouts of flows, and the wheel of idle flows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::table::{Flow, Slot};
use crate::time::{Duration, Timestamp};

/// The two timeouts of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// A packet that arrives this long after the flow's last one belongs to a new flow.
    pub idle: Duration,
    /// A packet that arrives this long after the flow's first one belongs to its next slice.
    pub active: Duration,
}

/// Why a flow ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndReason {
    /// The flow reached the active timeout; its next slice follows.
    Active,
    /// The input ended.
    EndOfInput,
    /// The flow had been silent the longest when another one needed its place.
    Evicted,
    /// No packet arrived for the idle timeout.
    Idle,
    /// A plugin ended it.
    Plugin,
    /// Its TCP connection was finished in both directions.
    TcpFin,
    /// Another TCP connection began between the same ports; the end of this one was not captured.
    TcpReopened,
    /// Its TCP connection was reset.
    TcpRst,
}

/// Effect of a packet on the flow of its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It belongs to the flow.
    Belongs,
    /// The flow's connection has closed, and it begins the next one.
    Closed,
    /// The flow ended idle before the packet.
    Idle,
    /// The flow reached the active timeout: the packet begins its next slice.
    Active,
    /// Another connection began; the end of the flow's own connection was not captured.
    Reopened,
}

impl EndReason {
    /// Returns whether another slice of the conversation follows.
    pub const fn is_slice(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Every reason; see [`code`](Self::code).
    const ALL: [Self; 8] = [
        Self::Active,
        Self::EndOfInput,
        Self::Idle,
        Self::Plugin,
        Self::TcpFin,
        Self::TcpRst,
        Self::Evicted,
        Self::TcpReopened,
    ];

    /// Returns a small number that identifies the reason.
    pub const fn code(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::EndOfInput => 1,
            Self::Idle => 2,
            Self::Plugin => 3,
            Self::TcpFin => 4,
            Self::TcpRst => 5,
            Self::Evicted => 6,
            Self::TcpReopened => 7,
        }
    }

    /// Returns the name of the reason in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::EndOfInput => "end_of_input",
            Self::Evicted => "evicted",
            Self::Idle => "idle",
            Self::Plugin => "plugin",
            Self::TcpFin => "tcp_fin",
            Self::TcpReopened => "tcp_reopened",
            Self::TcpRst => "tcp_rst",
        }
    }

    /// Returns the name of the reason with `code`, empty if there is none.
    pub fn name_of(code: u32) -> &'static str {
        let reason = Self::ALL.into_iter().find(|reason| u32::from(reason.code()) == code);
        reason.map_or("", Self::name)
    }
}

impl Timeouts {
    /// Returns the effect on `flow` of a packet at `time`, not before the flow's last packet;
    /// considers only time.
    ///
    /// If both timeouts have passed, the flow ends idle.
    #[inline]
    pub fn judge(&self, flow: &Flow, time: Timestamp) -> Verdict {
        if time.since(flow.last_seen) >= self.idle {
            Verdict::Idle
        } else if time.since(flow.first_seen) >= self.active {
            Verdict::Active
        } else {
            Verdict::Belongs
        }
    }

    /// Returns the time at which `flow` ends if no further packet arrives.
    #[inline]
    pub fn deadline(&self, flow: &Flow) -> Timestamp {
        flow.last_seen.plus(self.idle)
    }
}

/// Finds idle flows, and the flow that has been silent the longest, without visiting busy flows.
///
/// A flow is entered once, when it begins, under the time at which it would end. At that time it is
/// checked: either it ends, or it is entered again. Packets never touch the wheel.
#[derive(Debug)]
pub struct Wheel {
    /// Notes by the number of the period at whose start they are due.
    buckets: BTreeMap<i64, Bucket>,
    /// Nanoseconds of a period.
    period: i64,
    idle: Duration,
}

/// A flow to be checked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Note {
    /// Slot of the flow.
    pub slot: Slot,
    /// Generation of the flow in that slot.
    pub generation: u32,
}

/// The notes of one period.
#[derive(Debug)]
enum Bucket {
    /// In order of arrival.
    Noted(Vec<Note>),
    /// By how long their flows had been silent when they were ranked, longest first: a bucket from
    /// which flows were taken early.
    Ranked(BinaryHeap<Reverse<Rank>>),
}

/// Rank of a flow: time of its last packet, then of its first; the lowest comes first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Rank {
    last_seen: Timestamp,
    birth: u64,
    note: Note,
}

impl Wheel {
    const SHORTEST_PERIOD: i64 = 1_000_000;
    /// Longest delay before the end of a flow is noticed, for any timeout.
    const LONGEST_PERIOD: i64 = 250_000_000;

    /// Returns a wheel for flows that end after `idle`.
    pub fn new(idle: Duration) -> Self {
        Self { buckets: BTreeMap::new(), period: Self::period(idle), idle }
    }

    /// Returns the latest time up to which a wheel for `idle` has reported all ends, once
    /// [`due`](Self::due) was called with `time`.
    pub fn settled(idle: Duration, time: Timestamp) -> Timestamp {
        let period = Self::period(idle);
        let begun = time.nanos().div_euclid(period).saturating_mul(period);
        Timestamp::from_nanos(begun.saturating_sub(1))
    }

    fn period(idle: Duration) -> i64 {
        let period = i64::try_from(idle.nanos() / 256).unwrap_or(i64::MAX);
        period.clamp(Self::SHORTEST_PERIOD, Self::LONGEST_PERIOD)
    }

    /// Notes `flow`, which lives in `slot`, under the time at which it would end.
    pub fn note(&mut self, slot: Slot, flow: &Flow) {
        let note = Note { slot, generation: flow.generation };
        match self.buckets.entry(self.bucket(flow)).or_insert(Bucket::Noted(Vec::new())) {
            Bucket::Noted(notes) => notes.push(note),
            Bucket::Ranked(ranks) => ranks.push(Reverse(Rank::of(note, flow))),
        }
    }

    /// Takes the flows that may have ended by `time`, in whole periods.
    pub fn due(&mut self, time: Timestamp) -> Option<Vec<Note>> {
        let first = self.buckets.first_entry()?;
        (*first.key() <= time.nanos().div_euclid(self.period)).then(|| match first.remove() {
            Bucket::Noted(notes) => notes,
            Bucket::Ranked(ranks) => ranks.into_iter().map(|Reverse(rank)| rank.note).collect(),
        })
    }

    /// Takes the flow that has been silent for longest, among equals the oldest; `alive` returns
    /// the flow of a note if it has not ended.
    ///
    /// A note is never later than its flow's place in the wheel, so the flow is in the first bucket
    /// that holds one in its right place. Others are moved forward, each at most once per packet.
    pub fn take_most_silent<'a>(
        &mut self,
        alive: impl Fn(Note) -> Option<&'a Flow>,
    ) -> Option<Slot> {
        loop {
            let mut first = self.buckets.first_entry()?;
            let number = *first.key();
            let Some(Reverse(rank)) = first.get_mut().ranked(&alive).pop() else {
                first.remove();
                continue;
            };
            let Some(flow) = alive(rank.note) else { continue };
            if rank == Rank::of(rank.note, flow) && number == self.bucket(flow) {
                return Some(rank.note.slot);
            }
            self.note(rank.note.slot, flow);
        }
    }

    /// Returns the number of the bucket in which a note of `flow` belongs.
    fn bucket(&self, flow: &Flow) -> i64 {
        // Rounded up: the deadline has passed at the start of that period.
        flow.last_seen.plus(self.idle).nanos().div_euclid(self.period).saturating_add(1)
    }
}

impl Bucket {
    /// Ranks the notes, once; returns the ranks.
    fn ranked<'a>(
        &mut self,
        alive: impl Fn(Note) -> Option<&'a Flow>,
    ) -> &mut BinaryHeap<Reverse<Rank>> {
        if let Self::Noted(notes) = self {
            let ranks =
                notes.iter().filter_map(|&note| Some(Reverse(Rank::of(note, alive(note)?))));
            *self = Self::Ranked(ranks.collect());
        }
        match self {
            Self::Ranked(ranks) => ranks,
            Self::Noted(_) => unreachable!("ranked above"),
        }
    }
}

impl Rank {
    fn of(note: Note, flow: &Flow) -> Self {
        Self { last_seen: flow.last_seen, birth: flow.birth, note }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds, 0)
    }

    #[test]
    fn the_wheel_returns_a_flow_only_after_its_deadline() {
        let mut wheel = Wheel::new(Duration::from_nanos(30_000_000_000));
        let mut table = crate::flow::table::FlowTable::new();
        let key = crate::flow::FlowKey::default();
        let slot = table.insert(0, key, crate::flow::Sender::Low, seconds(0), ());
        wheel.note(slot, &table.entry(slot).flow);
        assert!(wheel.due(seconds(30)).is_none());
        assert!(wheel.due(seconds(31)).is_some());
        assert!(wheel.due(seconds(31)).is_none());
    }
}
