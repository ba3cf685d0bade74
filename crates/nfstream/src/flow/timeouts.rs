//! When flows end for lack of packets or for their age, and what time it is in the stream.

use std::collections::BTreeMap;

use super::table::{Flow, Slot};
use crate::capture::Chunk;
use crate::time::{Duration, Timestamp};

/// The two timeouts of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// A packet that comes this long after the flow's last one belongs to a new flow.
    pub idle: Duration,
    /// A packet that comes this long after the flow's first one belongs to its next slice.
    pub active: Duration,
}

/// Why a flow ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndReason {
    /// It had become too old; its next slice follows.
    Active,
    /// The input ended.
    EndOfInput,
    /// No packet came for too long.
    Idle,
    /// A plugin ended it.
    Plugin,
    /// Its TCP connection was finished in both directions.
    TcpFin,
    /// Its TCP connection was reset.
    TcpRst,
}

/// What a packet of a flow's key means to the flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It belongs to the flow.
    Belongs,
    /// The flow's connection has closed, and it begins the next one.
    Closed,
    /// The flow ended idle before it.
    Idle,
    /// The flow has become too old: the packet begins its next slice.
    Active,
}

impl EndReason {
    /// Returns whether another slice of the conversation follows.
    pub const fn is_slice(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Every reason; see [`code`](Self::code).
    const ALL: [Self; 6] =
        [Self::Active, Self::EndOfInput, Self::Idle, Self::Plugin, Self::TcpFin, Self::TcpRst];

    /// Returns a small number for the reason.
    pub const fn code(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::EndOfInput => 1,
            Self::Idle => 2,
            Self::Plugin => 3,
            Self::TcpFin => 4,
            Self::TcpRst => 5,
        }
    }

    /// Returns the name under which tables tell the reason.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::EndOfInput => "end_of_input",
            Self::Idle => "idle",
            Self::Plugin => "plugin",
            Self::TcpFin => "tcp_fin",
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
    /// Returns what a packet at `time`, not before the flow's last, means to `flow` by time alone.
    ///
    /// Where both timeouts have passed, the silence came first.
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

    /// Returns when `flow` ends if no further packet comes.
    #[inline]
    pub fn deadline(&self, flow: &Flow) -> Timestamp {
        flow.last_seen.plus(self.idle)
    }
}

/// A moment in the stream at which idle flows are looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tick {
    /// Packets of the chunk before it.
    pub index: usize,
    /// No packet is expected from before this time.
    pub time: Timestamp,
}

/// Tells the time of a stream by its packets.
///
/// Captures of several queues or files hold packets out of order, and broken ones single packets
/// from far in the future. A clock that jumped with those would end flows whose packets are still
/// to come. So the time is the earliest of the last one to two thousand packets, looked at every
/// [`StreamClock::PERIOD`] packets: counted over the whole stream, hence the same for any
/// chunk size.
#[derive(Clone, Debug)]
pub struct StreamClock {
    seen: usize,
    earliest: Timestamp,
    earliest_before: Timestamp,
}

impl StreamClock {
    /// Packets between two ticks.
    pub const PERIOD: usize = 1024;

    const NEVER: Timestamp = Timestamp::from_nanos(i64::MAX);

    /// Returns a clock at the start of a stream.
    pub fn new() -> Self {
        Self { seen: 0, earliest: Self::NEVER, earliest_before: Timestamp::MIN }
    }

    /// Takes the next chunk; adds the ticks in it and behind it to `ticks`.
    pub fn follow(&mut self, chunk: &Chunk, ticks: &mut Vec<Tick>) {
        self.advance(chunk.records.iter().map(|record| record.time), ticks);
        if let Some(time) = chunk.settled {
            self.settle(time, chunk.records.len(), ticks);
        }
    }

    /// Takes that no packet from before `time` comes after the chunk at hand, of `packets`; adds
    /// a tick behind them. A live source knows, and says so also when no packet comes.
    pub fn settle(&mut self, time: Timestamp, packets: usize, ticks: &mut Vec<Tick>) {
        if ticks.last().is_none_or(|last| last.index < packets || last.time < time) {
            ticks.push(Tick { index: packets, time });
        }
    }

    /// Takes the times of the next packets; adds the ticks among them to `ticks`.
    pub fn advance(&mut self, times: impl Iterator<Item = Timestamp>, ticks: &mut Vec<Tick>) {
        for (index, time) in times.enumerate() {
            self.earliest = self.earliest.min(time);
            self.seen += 1;
            if self.seen == Self::PERIOD {
                let time = self.earliest.min(self.earliest_before);
                ticks.push(Tick { index: index + 1, time });
                self.earliest_before = self.earliest;
                self.earliest = Self::NEVER;
                self.seen = 0;
            }
        }
    }
}

impl Default for StreamClock {
    fn default() -> Self {
        Self::new()
    }
}

/// Finds idle flows without a look at the busy ones.
///
/// A flow is noted once, at its birth, under the time at which it would end. When that time comes
/// the flow is asked again: it ends, or is noted anew. Packets never touch the wheel.
#[derive(Debug)]
pub struct Wheel {
    /// Notes by the number of the first period at whose start they are due.
    buckets: BTreeMap<i64, Vec<Note>>,
    /// Nanoseconds a period lasts.
    period: i64,
}

/// A flow to be asked.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// Where the flow lives.
    pub slot: Slot,
    /// Which of the flows that live there one after the other.
    pub generation: u32,
}

impl Wheel {
    const SHORTEST_PERIOD: i64 = 1_000_000;
    /// However long the timeout, the end of a flow is noticed soon after it.
    const LONGEST_PERIOD: i64 = 250_000_000;

    /// Returns a wheel fit for flows that end after `idle`.
    pub fn new(idle: Duration) -> Self {
        Self { buckets: BTreeMap::new(), period: Self::period(idle) }
    }

    /// Returns the last time all of whose ends a wheel for `idle` has told once it has been asked
    /// for those by `time`.
    pub fn settled(idle: Duration, time: Timestamp) -> Timestamp {
        let period = Self::period(idle);
        let begun = time.nanos().div_euclid(period).saturating_mul(period);
        Timestamp::from_nanos(begun.saturating_sub(1))
    }

    fn period(idle: Duration) -> i64 {
        let period = i64::try_from(idle.nanos() / 256).unwrap_or(i64::MAX);
        period.clamp(Self::SHORTEST_PERIOD, Self::LONGEST_PERIOD)
    }

    /// Notes a flow that would end at `deadline`.
    pub fn note(&mut self, note: Note, deadline: Timestamp) {
        // Rounded up: at the start of that period the deadline has passed.
        let bucket = deadline.nanos().div_euclid(self.period).saturating_add(1);
        self.buckets.entry(bucket).or_default().push(note);
    }

    /// Takes the flows that may have ended by `time`, as far as whole periods have passed.
    pub fn due(&mut self, time: Timestamp) -> Option<Vec<Note>> {
        let first = self.buckets.first_entry()?;
        (*first.key() <= time.nanos().div_euclid(self.period)).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds, 0)
    }

    #[test]
    fn clock_follows_ordered_packets_at_a_distance() {
        let mut clock = StreamClock::new();
        let mut ticks = Vec::new();
        clock.advance((0..3000).map(seconds), &mut ticks);
        assert_eq!(
            ticks,
            [Tick { index: 1024, time: Timestamp::MIN }, Tick { index: 2048, time: seconds(0) }]
        );
    }

    #[test]
    fn clock_ticks_at_the_same_packets_for_any_chunk_size() {
        let mut whole = Vec::new();
        StreamClock::new().advance((0..10_000).map(seconds), &mut whole);
        let mut clock = StreamClock::new();
        let mut parts = Vec::new();
        for start in (0..10_000).step_by(100) {
            let mut ticks = Vec::new();
            clock.advance((start..start + 100).map(seconds), &mut ticks);
            let start = usize::try_from(start).unwrap();
            parts.extend(ticks.iter().map(|t| Tick { index: start + t.index, time: t.time }));
        }
        assert_eq!(whole, parts);
    }

    #[test]
    fn one_packet_from_the_future_does_not_move_the_clock() {
        let mut clock = StreamClock::new();
        let mut ticks = Vec::new();
        let times = (0..4096).map(|i| if i == 2000 { seconds(1 << 30) } else { seconds(5) });
        clock.advance(times, &mut ticks);
        assert!(ticks.iter().all(|tick| tick.time <= seconds(5)));
    }

    #[test]
    fn wheel_gives_a_flow_only_after_its_deadline() {
        let mut wheel = Wheel::new(Duration::from_nanos(30_000_000_000));
        let mut table = crate::flow::table::FlowTable::new();
        let key = crate::flow::FlowKey::default();
        let slot = table.insert(0, key, crate::flow::Sender::Low, seconds(0), ());
        wheel.note(Note { slot, generation: 0 }, seconds(30));
        assert!(wheel.due(seconds(30)).is_none());
        assert!(wheel.due(seconds(31)).is_some());
        assert!(wheel.due(seconds(31)).is_none());
    }
}
