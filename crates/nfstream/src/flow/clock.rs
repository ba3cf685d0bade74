//! Clock of a stream, set by its packets.

use crate::packet::{Chunk, RawRecord};
use crate::time::Timestamp;

/// Moment in the stream at which idle flows are ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tick {
    /// Number of packets of the chunk before it.
    pub index: usize,
    /// No packet is expected from before this time.
    pub time: Timestamp,
}

/// End of a window of the clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mark {
    /// Number of packets before it.
    pub index: usize,
    /// Earliest time of the packets since the previous mark, or else since the start.
    pub earliest: Timestamp,
}

/// Finds the marks in a stretch of a stream.
///
/// A packet ends a window if a hash of its time, length and bytes is below a limit, as for one in
/// [`Marks::WINDOW`]. So the marks of a stream are those of its pieces, wherever it is cut.
#[derive(Clone, Debug)]
pub struct Marks {
    /// Earliest time since the last mark.
    open: Timestamp,
}

/// Clock of a stream, set by its packets.
///
/// Captures of several queues or files contain packets out of order, and damaged captures single
/// packets from the far future. A clock that followed those would end flows whose packets are still
/// to come. The time is therefore the earliest of the last windows, about three thousand packets, and
/// it is updated after each window. The windows depend on the packets alone, so the clock is the
/// same for any size of chunks, and for a stream whose pieces are read in different processes.
#[derive(Clone, Debug)]
pub struct StreamClock {
    marks: Marks,
    /// Marks of the current chunk.
    found: Vec<Mark>,
    /// Earliest time of the window that is not complete, from earlier chunks or pieces.
    open: Timestamp,
    /// Earliest times of the last complete windows.
    windows: [Timestamp; Self::WINDOWS],
    next: usize,
}

const NEVER: Timestamp = Timestamp::MAX;

impl Marks {
    /// Packets of a window, on average.
    pub const WINDOW: u64 = 1024;

    /// Returns the state at the start of a stretch.
    pub fn new() -> Self {
        Self { open: NEVER }
    }

    /// Adds the marks among the next packets, in a chunk with the bytes `frames`, to `found`.
    #[inline]
    pub fn find(&mut self, records: &[RawRecord], frames: &[u8], found: &mut Vec<Mark>) {
        let mut open = self.open;
        for (index, record) in records.iter().enumerate() {
            open = open.min(record.time);
            if ends_window(record, frames) {
                found.push(Mark { index: index + 1, earliest: open });
                open = NEVER;
            }
        }
        self.open = open;
    }

    /// Takes the earliest time since the last mark.
    pub fn take_open(&mut self) -> Timestamp {
        std::mem::replace(&mut self.open, NEVER)
    }
}

impl Default for Marks {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns whether a window ends with this packet, in a chunk with the bytes `frames`.
#[inline]
fn ends_window(record: &RawRecord, frames: &[u8]) -> bool {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    // One packet in two is hashed with its bytes, which follow the record just read.
    const READ: u64 = 2;
    // A multiplication alone repeats for regular times, but not once the seconds are added.
    let time = record.time.nanos().cast_unsigned();
    let both = time ^ time >> 32 ^ u64::from(record.wire_len).wrapping_mul(ODD);
    let hash = both.wrapping_mul(ODD);
    // The bytes distinguish packets of one time and length, as captures with whole seconds have.
    hash < u64::MAX / READ && {
        let frame = record.frame(frames);
        let word = |at| frame.get(at..).and_then(|rest| rest.first_chunk()).copied();
        // Usual places of an IP header's identification, and of ports.
        let [low, high] = [16, 34].map(|at| u64::from_le_bytes(word(at).unwrap_or_default()));
        let content = low.wrapping_mul(ODD) ^ high;
        (hash ^ content).wrapping_mul(ODD) < u64::MAX / Marks::WINDOW * READ
    }
}

impl StreamClock {
    /// Complete windows that the time depends on.
    const WINDOWS: usize = 3;

    /// Returns a clock at the start of a stream.
    pub fn new() -> Self {
        Self {
            marks: Marks::new(),
            found: Vec::new(),
            open: NEVER,
            windows: [Timestamp::MIN; Self::WINDOWS],
            next: 0,
        }
    }

    /// Advances over the next chunk; adds the ticks in it and after it to `ticks`.
    pub fn follow(&mut self, chunk: &Chunk, ticks: &mut Vec<Tick>) {
        self.advance(&chunk.records, chunk.bytes.as_slice(), ticks);
        if let Some(time) = chunk.settled {
            self.settle(time, chunk.records.len(), ticks);
        }
    }

    /// Records that no packet from before `time` follows the current chunk of `packets`, and adds a
    /// tick after them. A live source calls this even when no packet arrives. Its packets may come
    /// from several rings, so the ticks among them are no later than `time`.
    pub fn settle(&mut self, time: Timestamp, packets: usize, ticks: &mut Vec<Tick>) {
        for tick in ticks.iter_mut() {
            tick.time = tick.time.min(time);
        }
        if ticks.last().is_none_or(|last| last.index < packets || last.time < time) {
            ticks.push(Tick { index: packets, time });
        }
    }

    /// Advances by the next packets; adds the ticks among them to `ticks`.
    pub fn advance(&mut self, records: &[RawRecord], frames: &[u8], ticks: &mut Vec<Tick>) {
        let mut found = std::mem::take(&mut self.found);
        self.marks.find(records, frames, &mut found);
        for mark in found.drain(..) {
            let tick = self.complete(mark);
            ticks.push(tick);
        }
        self.found = found;
    }

    /// Completes a window, and returns the tick at its end.
    pub fn complete(&mut self, mark: Mark) -> Tick {
        let earliest = mark.earliest.min(std::mem::replace(&mut self.open, NEVER));
        if let Some(window) = self.windows.get_mut(self.next) {
            *window = earliest;
        }
        self.next = (self.next + 1) % Self::WINDOWS;
        let time = self.windows.into_iter().min().unwrap_or(Timestamp::MIN);
        Tick { index: mark.index, time }
    }

    /// Continues the current window by packets of which the earliest is from this time.
    pub fn extend(&mut self, earliest: Timestamp) {
        self.open = self.open.min(earliest);
    }
}

impl Default for StreamClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::LinkType;

    fn record(time: Timestamp) -> RawRecord {
        RawRecord { time, offset: 0, capture_len: 60, wire_len: 60, link: LinkType::RAW }
    }

    /// Returns a packet a second, from the epoch on.
    fn packets(count: i64) -> Vec<RawRecord> {
        (0..count).map(|second| record(Timestamp::from_seconds(second, 0))).collect()
    }

    fn ticks(records: &[RawRecord]) -> Vec<Tick> {
        let mut ticks = Vec::new();
        StreamClock::new().advance(records, &[], &mut ticks);
        ticks
    }

    #[test]
    fn the_clock_follows_ordered_packets_at_a_distance() {
        let ticks = ticks(&packets(100_000));
        assert!((70..130).contains(&ticks.len()), "{}", ticks.len());
        for (number, tick) in ticks.iter().enumerate() {
            let expected = match number {
                ..2 => Timestamp::MIN,
                2 => Timestamp::from_seconds(0, 0),
                _ => Timestamp::from_seconds(i64::try_from(ticks[number - 3].index).unwrap(), 0),
            };
            assert_eq!(tick.time, expected, "{number}");
        }
    }

    #[test]
    fn packets_of_one_time_and_length_are_distinguished_by_their_bytes() {
        let frame = |number: u32| [[0; 34].as_slice(), &number.to_be_bytes(), &[0; 22]].concat();
        let frames: Vec<u8> = (0..1000).flat_map(frame).collect();
        let mut records = Vec::new();
        for second in 0..500 {
            for number in 0..1000 {
                let packet = record(Timestamp::from_seconds(second, 0));
                records.push(RawRecord { offset: number * 60, ..packet });
            }
        }
        let mut ticks = Vec::new();
        StreamClock::new().advance(&records, &frames, &mut ticks);
        assert!((300..700).contains(&ticks.len()), "{}", ticks.len());
        let seconds: std::collections::BTreeSet<_> =
            ticks.iter().map(|tick| records[tick.index - 1].time).collect();
        assert!(seconds.len() > 30, "{}", seconds.len());
    }

    #[test]
    fn whole_seconds_do_not_hold_the_clock() {
        let packet =
            |second, wire_len| RawRecord { wire_len, ..record(Timestamp::from_seconds(second, 0)) };
        let records: Vec<_> =
            (0..500).flat_map(|second| (60..360).map(move |len| packet(second, len))).collect();
        let ticks = ticks(&records);
        assert!((100..200).contains(&ticks.len()), "{}", ticks.len());
        for tick in &ticks[3..] {
            let time = records[tick.index - 1].time;
            assert!(time.since(tick.time).nanos() < 60_000_000_000, "{tick:?}");
        }
    }

    #[test]
    fn clock_ticks_at_the_same_packets_for_any_chunk_size() {
        let records = packets(10_000);
        let mut clock = StreamClock::new();
        let mut parts = Vec::new();
        for (number, chunk) in records.chunks(100).enumerate() {
            let mut ticks = Vec::new();
            clock.advance(chunk, &[], &mut ticks);
            parts.extend(ticks.iter().map(|t| Tick { index: number * 100 + t.index, ..*t }));
        }
        assert_eq!(ticks(&records), parts);
    }

    #[test]
    fn marks_of_pieces_give_the_clock_of_the_stream() {
        let records = packets(20_000);
        for len in [1, 7, 1000, 9999] {
            let (mut clock, mut joined) = (StreamClock::new(), Vec::new());
            for (number, piece) in records.chunks(len).enumerate() {
                let (mut marks, mut found) = (Marks::new(), Vec::new());
                marks.find(piece, &[], &mut found);
                let start = number * len;
                for mark in found {
                    joined.push(clock.complete(Mark { index: start + mark.index, ..mark }));
                }
                clock.extend(marks.take_open());
            }
            assert_eq!(joined, ticks(&records), "pieces of {len}");
        }
    }

    #[test]
    fn one_packet_from_the_future_does_not_move_the_clock() {
        let mut records = packets(5000);
        records[2500].time = Timestamp::from_seconds(1 << 30, 0);
        let ticks = ticks(&records);
        assert!(ticks.iter().all(|tick| tick.time <= Timestamp::from_seconds(5000, 0)));
    }
}
