//! One long file, whose packets several threads find at the same time.
//!
//! A thread that begins in the middle of a file has to find the start of a record: the first offset
//! from which plausible headers follow each other. That is a guess, and blocks before it may change
//! the meaning of those after it. Ranges are therefore settled in the order of the file: if the
//! range before did not end at the guessed start, or changed the meaning, the range is read again
//! from the right place. So the packets are those of one reader, whatever the file holds.

use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use nfstream_sys::Mapping;

use super::changes::Changes;
use super::format::Parser;
use super::outcome::{End, Failure};
use super::parsed::{MAX_CAPTURE_LEN, Stop};
use crate::packet::{Chunk, ChunkBytes};
use crate::time::Timestamp;

/// Minimum length of the rest of a file for reading in ranges, in bytes.
const LONG: usize = 32 << 20;
/// Shortest and longest range, in bytes, unless the length is given.
const LENGTHS: (usize, usize) = (256 << 10, 4 << 20);
/// Bytes over which headers must follow each other: more than a frame holds, so that records inside
/// a frame are not mistaken for those of the file.
const CHAIN: usize = MAX_CAPTURE_LEN + (1 << 10);
/// Maximum number of offsets and headers tested to find a start.
const TESTS: usize = 1 << 19;

/// Range of a long file, which any thread can read.
///
/// A range holds the packets whose records start in it. Every range must be settled, in the order
/// of the file, or dropped.
#[derive(Debug)]
pub struct FileRange {
    file: Arc<DividedFile>,
    range: Range<usize>,
    /// Whether a record certainly starts at the start of the range.
    is_first: bool,
    parser: Parser,
    /// Time of a packet near the range.
    time: Timestamp,
    is_settled: bool,
}

/// Packets found in a range, which have already been passed on.
#[derive(Debug)]
pub struct Found(Option<Walked>);

/// Result of settling a range.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settled {
    /// The packets that were found are correct.
    AsFound,
    /// The range was read again.
    ReadAgain,
    /// The range has no packets to use: it is empty, or lies after damage.
    Empty,
}

/// The rest of a file, to be read in ranges.
#[derive(Debug)]
pub(super) struct Ranges {
    file: Arc<DividedFile>,
    /// Start of the next range.
    next: usize,
    /// Bytes of a range.
    len: usize,
    /// Start of the first range.
    start: usize,
}

/// State of a file that was read in ranges.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) position: usize,
    pub(super) parser: Parser,
    pub(super) changes: Option<Changes>,
    pub(super) outcome: Result<End, Failure>,
}

/// File that is read in ranges.
#[derive(Debug)]
struct DividedFile {
    mapping: Arc<Mapping>,
    progress: Mutex<Progress>,
    /// Signals an outcome, or that there will be none.
    has_ended: Condvar,
}

/// State after the settled ranges.
#[derive(Debug)]
struct Progress {
    /// End of the last record.
    position: usize,
    parser: Parser,
    time: Timestamp,
    changes: Option<Changes>,
    outcome: Option<Result<End, Failure>>,
    /// Whether a range was dropped without being settled.
    is_abandoned: bool,
}

/// Result of reading the records of a range.
#[derive(Debug)]
struct Walked {
    start: usize,
    /// End of the last record.
    end: usize,
    parser: Parser,
    /// Time of the last packet, `None` without packets.
    time: Option<Timestamp>,
    /// End of the file, if it was reached.
    outcome: Option<Result<End, Failure>>,
}

impl FileRange {
    /// Finds the packets of the range, and passes them to `each` in chunks of at most `limit`
    /// packets. `chunk` is memory for them.
    pub fn find(&self, limit: usize, chunk: &mut Chunk, each: impl FnMut(&Chunk)) -> Found {
        let mapping = &self.file.mapping;
        let start = if self.is_first {
            Some(self.range.start)
        } else {
            find_start(&self.parser, mapping, &self.range, self.time)
        };
        let parser = self.parser.clone();
        Found(start.map(|start| walk(mapping, parser, start..self.range.end, limit, chunk, each)))
    }

    /// Compares what was found with the end of the range before. A range that has to be read again
    /// passes its packets to `each`.
    pub fn settle(
        mut self,
        found: Found,
        limit: usize,
        chunk: &mut Chunk,
        each: impl FnMut(&Chunk),
    ) -> Settled {
        let settled = self.compare(found, limit, chunk, each);
        self.is_settled = true;
        settled
    }

    fn compare(
        &self,
        found: Found,
        limit: usize,
        chunk: &mut Chunk,
        each: impl FnMut(&Chunk),
    ) -> Settled {
        let mut progress = self.file.lock();
        if progress.outcome.is_some() {
            return Settled::Empty;
        }
        let (walked, settled) = match found.0 {
            Some(walked)
                if walked.start == progress.position
                    && walked.parser.continues(&self.parser, &progress.parser) =>
            {
                (walked, Settled::AsFound)
            }
            _ if progress.position >= self.range.end => return Settled::Empty,
            _ => {
                let range = progress.position..self.range.end;
                let parser = progress.parser.clone();
                let walked = walk(&self.file.mapping, parser, range, limit, chunk, each);
                (walked, Settled::ReadAgain)
            }
        };
        let has_packets = walked.time.is_some();
        // Before the bytes are used: a change of the file may look like a packet or damage.
        if let Err(changed) = progress.check(&self.file.mapping) {
            progress.outcome = Some(Err(changed));
            self.file.has_ended.notify_all();
            return Settled::Empty;
        }
        progress.position = walked.end;
        progress.time = walked.time.unwrap_or(progress.time);
        match settled {
            Settled::ReadAgain => progress.parser = walked.parser,
            _ => progress.parser.continue_with(walked.parser, has_packets),
        }
        if let Some(outcome) = walked.outcome {
            progress.outcome = Some(outcome);
            self.file.has_ended.notify_all();
        }
        settled
    }
}

impl Drop for FileRange {
    fn drop(&mut self) {
        if !self.is_settled {
            self.file.lock().is_abandoned = true;
            self.file.has_ended.notify_all();
        }
    }
}

impl Ranges {
    /// Divides the rest of a file after `position`. Its first packets, of which `chunk` holds some,
    /// have been read with `parser`. Takes `changes`.
    ///
    /// `len` is the length of a range, `None` for a suitable one. Returns `None` if the rest is too
    /// short.
    pub(super) fn divide(
        mapping: &Arc<Mapping>,
        position: usize,
        parser: &Parser,
        chunk: &Chunk,
        len: Option<usize>,
        changes: &mut Option<Changes>,
    ) -> Option<Self> {
        let time = chunk.records.last()?.time;
        let rest = mapping.len().saturating_sub(position);
        if rest < len.map_or(LONG, |len| len.max(1)) {
            return None;
        }
        let (shortest, longest) = LENGTHS;
        let usual = chunk.bytes.as_slice().len().clamp(shortest, longest);
        let progress = Progress {
            position,
            parser: parser.clone(),
            time,
            changes: changes.take(),
            outcome: None,
            is_abandoned: false,
        };
        let file = DividedFile {
            mapping: Arc::clone(mapping),
            progress: Mutex::new(progress),
            has_ended: Condvar::new(),
        };
        let len = len.unwrap_or(usual).max(1);
        Some(Self { file: Arc::new(file), next: position, len, start: position })
    }

    /// Returns the next range, `None` after the last one and after damage.
    pub(super) fn next_range(&mut self) -> Option<FileRange> {
        let len = self.file.mapping.len();
        let progress = self.file.lock();
        if self.next >= len || progress.outcome.is_some() || progress.is_abandoned {
            return None;
        }
        let start = self.next;
        let end = len.min(start.saturating_add(self.len));
        self.next = end;
        Some(FileRange {
            file: Arc::clone(&self.file),
            range: start..end,
            is_first: start == self.start,
            parser: progress.parser.forked(),
            time: progress.time,
            is_settled: false,
        })
    }

    /// Returns the end of the settled packets.
    pub(super) fn settled(&self) -> usize {
        self.file.lock().position
    }

    /// Waits until the file is settled to its end, and returns its state; `None` if the run has
    /// ended before that.
    pub(super) fn finish(self) -> Option<Rest> {
        let mut progress = self.file.lock();
        while progress.outcome.is_none() && !progress.is_abandoned {
            let waited = self.file.has_ended.wait(progress);
            progress = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let outcome = progress.outcome.take()?;
        // Ranges after damage are still to be settled, and have no packets.
        progress.outcome = Some(Ok(End::Complete));
        Some(Rest {
            position: progress.position,
            parser: progress.parser.clone(),
            changes: progress.changes.take(),
            outcome,
        })
    }
}

impl DividedFile {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        // A run ends with the first panic, and does not use what it left.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn check(&mut self, mapping: &Mapping) -> Result<(), Failure> {
        if !mapping.is_intact() {
            return Err(Failure::Changed);
        }
        self.changes.as_mut().map_or(Ok(()), Changes::check)
    }
}

/// Reads the records that start in `range`, of which the first starts at its start.
fn walk(
    mapping: &Arc<Mapping>,
    mut parser: Parser,
    range: Range<usize>,
    limit: usize,
    chunk: &mut Chunk,
    mut each: impl FnMut(&Chunk),
) -> Walked {
    let Range { start, end } = range;
    let len = mapping.len();
    let (mut first, mut at, mut until) = (start, start, end);
    let mut time = None;
    let mut pass = |chunk: &mut Chunk, range: Range<usize>| {
        if let Some(last) = chunk.records.last() {
            time = Some(last.time);
            chunk.bytes = ChunkBytes::Mapped(Arc::clone(mapping), range);
            each(chunk);
            chunk.bytes = ChunkBytes::default();
        }
        chunk.clear();
    };
    chunk.clear();
    let outcome = loop {
        let bytes = mapping.get(first..until).unwrap_or_default();
        let parsed = parser.parse(bytes, at - first, &mut chunk.records, limit);
        let before = std::mem::replace(&mut at, first + parsed.next);
        match parsed.stop {
            // The limit, or the last offset at which a record can start.
            Stop::Full if at > before => {
                pass(chunk, first..at);
                first = at;
            }
            Stop::Corrupt { what } => {
                let offset = u64::try_from(at).unwrap_or(u64::MAX);
                break Some(Err(Failure::Corrupt { offset, what }));
            }
            Stop::Short { needed } if until < len => {
                if at >= end && parser.unfinished() == 0 {
                    break None;
                }
                // One record, or a block that is skipped, extends beyond the range.
                until = len.min(at.saturating_add(needed.max(parser.skipping())));
            }
            Stop::Full | Stop::Short { .. } if at == len && parser.unfinished() == 0 => {
                break Some(Ok(End::Complete));
            }
            Stop::Full | Stop::Short { .. } => {
                let offset = u64::try_from(at).unwrap_or(u64::MAX);
                let offset = offset.saturating_sub(parser.unfinished());
                break Some(Ok(End::Truncated { offset }));
            }
        }
    };
    pass(chunk, first..at);
    Walked { start, end: at, parser, time, outcome }
}

/// Returns the first offset in `range` from which plausible records follow each other; `None` if
/// there is none or the search takes too long.
fn find_start(
    parser: &Parser,
    bytes: &[u8],
    range: &Range<usize>,
    time: Timestamp,
) -> Option<usize> {
    let mut tests = TESTS;
    let step = parser.alignment();
    let mut at = range.start.next_multiple_of(step);
    while at < range.end && tests > 0 {
        if parser.may_start(bytes, at, time) && follow(parser, bytes, at, &mut tests) {
            return Some(at);
        }
        at += step;
        tests = tests.saturating_sub(1);
    }
    None
}

/// Returns whether plausible records follow each other from `start` on.
fn follow(parser: &Parser, bytes: &[u8], start: usize, tests: &mut usize) -> bool {
    let mut at = start;
    while *tests > 0 {
        *tests -= 1;
        match parser.plausible_end(bytes, at) {
            Some(end) if end == bytes.len() || end - start >= CHAIN => return true,
            Some(end) => at = end,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::super::samples::{
        MICROSECONDS, NANOSECONDS, Order, Outcome, Seen, block, enhanced, interface, option, parse,
        pcap_header, pcap_record, pcapng_start, section, seen,
    };
    use super::*;

    /// Numbers of ranges that were as found, read again, and empty.
    type Counts = [usize; 3];

    /// Reads a capture in ranges of `len` bytes, of which up to `batch` are read before any of them
    /// is settled; `None` if it is too short for that.
    fn in_ranges(
        bytes: &[u8],
        len: usize,
        batch: usize,
        limit: usize,
    ) -> Option<((Vec<Seen>, Outcome), Counts)> {
        let (mut parser, start) = Parser::recognize(bytes).ok()?;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let mapping = Arc::new(Mapping::new(&file).unwrap());
        let mut chunk = Chunk::default();
        let parsed = parser.parse(bytes, start, &mut chunk.records, 1);
        chunk.bytes = ChunkBytes::Owned(Arc::new(bytes.to_vec()));
        let mut packets: Vec<_> = seen(&chunk).collect();
        let mut ranges =
            Ranges::divide(&mapping, parsed.next, &parser, &chunk, Some(len), &mut None)?;
        let (mut memory, mut counts) = (Chunk::default(), [0; 3]);
        loop {
            let batch: Vec<_> = (0..batch).map_while(|_| ranges.next_range()).collect();
            if batch.is_empty() {
                break;
            }
            let find = |range: FileRange| {
                let mut packets = Vec::new();
                let found = range.find(limit, &mut memory, |chunk| {
                    assert!((1..=limit).contains(&chunk.records.len()));
                    packets.extend(seen(chunk));
                });
                (range, found, packets)
            };
            let found: Vec<_> = batch.into_iter().rev().map(find).collect();
            for (range, found, as_found) in found.into_iter().rev() {
                let mut again = Vec::new();
                let read = |chunk: &Chunk| again.extend(seen(chunk));
                let place = match range.settle(found, limit, &mut memory, read) {
                    Settled::AsFound => {
                        packets.extend(as_found);
                        0
                    }
                    Settled::ReadAgain => {
                        packets.extend(again);
                        1
                    }
                    Settled::Empty => 2,
                };
                counts[place] += 1;
            }
        }
        let rest = ranges.finish().unwrap();
        let mut parser = Parser::recognize(bytes).unwrap().0;
        parser.parse(bytes, start, &mut Vec::new(), usize::MAX);
        assert_eq!(rest.parser.unsupported(), parser.unsupported());
        let outcome = match rest.outcome {
            Ok(End::Complete) => Outcome::Complete,
            Ok(End::Truncated { offset }) => Outcome::Truncated(offset),
            Err(Failure::Corrupt { offset, what }) => Outcome::Corrupt(offset, what),
            Err(other) => panic!("{other:?}"),
        };
        Some(((packets, outcome), counts))
    }

    /// Checks that ranges of any length give what one reader gives.
    fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
        let expected = parse(bytes);
        for (len, batch, limit) in [(1, 7, 1), (17, 3, 100), (64, 1, 2), (300, 5, 3), (5000, 2, 9)]
        {
            if let Some((found, _)) = in_ranges(bytes, len, batch, limit) {
                prop_assert_eq!(&found, &expected, "ranges of {}", len);
            }
        }
        Ok(())
    }

    fn record(second: u32, frame: &[u8]) -> Vec<u8> {
        pcap_record(Order::Little, (second, 7), 0, frame)
    }

    fn header() -> Vec<u8> {
        pcap_header(Order::Little, MICROSECONDS, 65535, 1)
    }

    #[test]
    fn starts_are_found_without_reading_again() {
        let records: Vec<u8> = (0..2000)
            .flat_map(|n: u32| record(1_700_000_000 + n, &vec![n.to_le_bytes()[0]; 1 + 7 * 200]))
            .collect();
        let bytes = [header(), records].concat();
        let (found, counts) = in_ranges(&bytes, 100_000, 4, 1000).unwrap();
        assert_eq!(found, parse(&bytes));
        assert_eq!(counts, [29, 0, 0]);

        let packets = (0..2000).flat_map(|n: u64| enhanced(Order::Little, 0, n, 0, &[1; 200]));
        let names = block(Order::Little, 4, &[3; 40]);
        let bytes: Vec<u8> = pcapng_start().into_iter().chain(packets).chain(names).collect();
        let (found, counts) = in_ranges(&bytes, 10_000, 4, 1000).unwrap();
        assert_eq!(found, parse(&bytes));
        assert_eq!(counts, [47, 0, 0]);
    }

    /// A frame that holds a record which ends with the file.
    #[test]
    fn a_wrong_start_is_read_again() {
        let last = record(9, &[0; 80]);
        let inner_len = u32::try_from(30 + last.len()).unwrap();
        let inner = [5, 0, inner_len, inner_len].map(u32::to_le_bytes).concat();
        let frame = [vec![1; 60], inner, vec![1; 30]].concat();
        let bytes = [header(), record(1, &[0; 50]), record(2, &frame), last].concat();
        let (found, counts) = in_ranges(&bytes, 75, 9, 10).unwrap();
        assert_eq!(found, parse(&bytes));
        assert_eq!(counts, [1, 1, 1]);
    }

    #[test]
    fn an_interface_in_the_middle_is_known_to_later_ranges() {
        let packet = |interface, n| enhanced(Order::Little, interface, n, 0, &[7; 60]);
        let before: Vec<u8> = (0..100).flat_map(|n| packet(0, n)).collect();
        let nanoseconds = option(Order::Little, 9, &[9]);
        let middle = interface(Order::Little, 101, 0, &nanoseconds);
        let after: Vec<u8> = (0..400).flat_map(|n| packet(1, n)).collect();
        let bytes = [pcapng_start(), before, middle, after].concat();
        let (found, counts) = in_ranges(&bytes, 500, 3, 1000).unwrap();
        assert_eq!(found, parse(&bytes));
        // Those that had been handed out before.
        assert!((1..4).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn nothing_after_damage_is_used() {
        let packets: Vec<u8> = (0..200).flat_map(|n| record(n, &[1; 60])).collect();
        let damaged = record(1, &[]).into_iter().take(8).chain([0xff; 8]);
        let bytes = [header(), packets.clone(), damaged.collect(), packets].concat();
        let (found, counts) = in_ranges(&bytes, 1000, 20, 1000).unwrap();
        assert_eq!(found, parse(&bytes));
        assert!(matches!(found.1, Outcome::Corrupt(15_224, _)), "{:?}", found.1);
        assert!(counts[2] > 0, "{counts:?}");
    }

    #[test]
    fn a_range_that_is_dropped_ends_the_file() {
        let bytes = [header(), (0..50).flat_map(|n| record(n, &[1; 60])).collect()].concat();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let mapping = Arc::new(Mapping::new(&file).unwrap());
        let (mut parser, start) = Parser::recognize(&bytes).unwrap();
        let mut chunk = Chunk::default();
        let next = parser.parse(&bytes, start, &mut chunk.records, 1).next;
        let mut ranges =
            Ranges::divide(&mapping, next, &parser, &chunk, Some(100), &mut None).unwrap();
        drop(ranges.next_range().unwrap());
        assert!(ranges.next_range().is_none());
        assert!(ranges.finish().is_none());
    }

    /// Blocks of all kinds, of two interfaces and byte orders.
    fn blocks() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let frame = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..90),
            // A frame that holds blocks.
            (0_usize..30, 0_u64..9).prop_map(|(cut, n)| {
                let inner = enhanced(Order::Little, 0, n, 0, &[4; 20]);
                inner.repeat(3).split_off(cut)
            }),
        ];
        let kind = (0_u8..30, 0_u64..1 << 40, frame, any::<bool>(), 0_u32..3);
        let one = kind.prop_map(|(kind, ticks, frame, is_big, interface_number)| {
            let order = if is_big { Order::Big } else { Order::Little };
            match kind {
                0 => [section(order), interface(order, 1, 0, &[])].concat(),
                1 => interface(Order::Little, 147, 0, &option(Order::Little, 9, &[6])),
                2 => block(Order::Little, 3, &[&80_u32.to_le_bytes()[..], &frame].concat()),
                3 => block(Order::Little, 5, &frame),
                4 => block(Order::Little, 4, &[frame, vec![0; 500]].concat()),
                _ => enhanced(Order::Little, interface_number / 2, ticks, 0, &frame),
            }
        });
        prop::collection::vec(one, 1..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn ranges_of_pcapng_give_the_packets_of_one_reader(
            blocks in blocks(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..2),
            cut in 0_usize..40,
        ) {
            let more = interface(Order::Little, 1, 0, &[]);
            let mut bytes = [pcapng_start(), more, blocks.concat()].concat();
            for (place, byte) in changes {
                let place = 28 + place.index(bytes.len() - 28);
                bytes[place] = byte;
            }
            bytes.truncate(bytes.len() - cut.saturating_sub(20));
            check(&bytes)?;
        }

        #[test]
        fn ranges_of_pcap_give_the_packets_of_one_reader(
            records in prop::collection::vec(
                (0_u32..2, 0_u32..1_100_000, 0_u32..3, prop::collection::vec(any::<u8>(), 0..90), 0_u8..4),
                1..60,
            ),
            is_big in any::<bool>(),
            is_nanoseconds in any::<bool>(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..2),
            cut in 0_usize..40,
        ) {
            let order = if is_big { Order::Big } else { Order::Little };
            let magic = if is_nanoseconds { NANOSECONDS } else { MICROSECONDS };
            let mut bytes = pcap_header(order, magic, 65535, 1);
            let mut second = 1_700_000_000;
            for (seconds, fraction, wire, frame, nested) in records {
                second += seconds;
                let inner = pcap_record(order, (second, 1), 0, &frame);
                let frame = if nested == 0 { inner.repeat(4) } else { frame };
                let wire = if wire == 0 { 0 } else { 100 * wire };
                bytes.extend(pcap_record(order, (second, fraction), wire, &frame));
            }
            for (place, byte) in changes {
                let place = 24 + place.index(bytes.len() - 24);
                bytes[place] = byte;
            }
            bytes.truncate(bytes.len() - cut.saturating_sub(20));
            check(&bytes)?;
        }
    }
}
