//! Replay: packets of a file at the pace at which they were captured, or a multiple of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use super::{CaptureError, ReadProgress, Reception, Source, StopFlag, Warning};
use crate::host::{monotonic, sleep};
use crate::packet::Chunk;
use crate::time::Timestamp;

/// Longest wait in one read.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(50);

/// Speed of a replay, and its position. Any thread may read and change it.
#[derive(Clone, Debug)]
pub struct Pace(Arc<Control>);

#[derive(Debug)]
struct Control {
    /// Thousandths of the original speed.
    speed: AtomicU64,
    /// Time of the replay in nanoseconds, `i64::MIN` before its first packet.
    time: AtomicI64,
}

/// Source that holds packets back until they are due.
pub struct Paced {
    source: Box<dyn Source>,
    pace: Pace,
    /// Packets that were read, from the next one that is not due yet.
    ahead: Chunk,
    next: usize,
    /// Bytes of the source before these packets.
    before: u64,
    /// Whether the source has ended.
    has_ended: bool,
    /// Last time at which the replay moved.
    moved: Option<Instant>,
    stop: Option<StopFlag>,
}

impl Pace {
    /// Speed that holds nothing back.
    pub const UNLIMITED: f64 = f64::INFINITY;

    /// Returns the pace `speed` times the original. 0 halts the replay.
    pub fn new(speed: f64) -> Self {
        let pace =
            Self(Arc::new(Control { speed: AtomicU64::new(0), time: AtomicI64::new(i64::MIN) }));
        pace.set_speed(speed);
        pace
    }

    /// Changes the speed.
    pub fn set_speed(&self, speed: f64) {
        let thousandths = std::time::Duration::try_from_secs_f64(speed);
        let thousandths = thousandths.map(|speed| speed.as_millis());
        let thousandths = thousandths.ok().and_then(|speed| u64::try_from(speed).ok());
        self.0.speed.store(thousandths.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns the time of the replay in the capture, `None` before its first packet.
    pub fn time(&self) -> Option<Timestamp> {
        let nanos = self.0.time.load(Ordering::Relaxed);
        (nanos != i64::MIN).then(|| Timestamp::from_nanos(nanos))
    }

    fn is_unlimited(&self) -> bool {
        self.0.speed.load(Ordering::Relaxed) == u64::MAX
    }

    fn set_time(&self, time: Timestamp) {
        self.0.time.store(time.nanos(), Ordering::Relaxed);
    }

    /// Returns the nanoseconds of the capture that pass in `elapsed`.
    fn passed(&self, elapsed: std::time::Duration) -> i64 {
        let speed = u128::from(self.0.speed.load(Ordering::Relaxed));
        let nanos = elapsed.as_nanos().saturating_mul(speed) / 1000;
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }

    /// Returns the time until `nanos` nanoseconds of the capture have passed.
    fn wait(&self, nanos: i64) -> std::time::Duration {
        let speed = self.0.speed.load(Ordering::Relaxed).max(1);
        let nanos = u64::try_from(nanos).unwrap_or(0).saturating_mul(1000) / speed;
        std::time::Duration::from_nanos(nanos).min(PATIENCE)
    }
}

impl Paced {
    /// Returns the packets of `source` at `pace`.
    pub fn new(source: Box<dyn Source>, pace: Pace) -> Self {
        Self {
            source,
            pace,
            ahead: Chunk::default(),
            next: 0,
            before: 0,
            has_ended: false,
            moved: None,
            stop: None,
        }
    }

    /// Moves the time of the replay, and returns it; `None` before the first packet.
    fn advance(&mut self) -> Option<Timestamp> {
        let now = monotonic();
        let elapsed = self.moved.map(|moved| now.duration_since(moved)).unwrap_or_default();
        self.moved = Some(now);
        let first = self.ahead.records.get(self.next).map(|record| record.time);
        let time = match self.pace.time() {
            Some(time) => time.nanos().saturating_add(self.pace.passed(elapsed)),
            None => first?.nanos(),
        };
        let time = Timestamp::from_nanos(time);
        self.pace.set_time(time);
        Some(time)
    }

    /// Moves the packets that are due to `chunk`.
    fn release(&mut self, chunk: &mut Chunk, due: Timestamp) {
        let waiting = self.ahead.records.get(self.next..).unwrap_or_default();
        // A packet from the future does not hold back those after it.
        let last = waiting.iter().rposition(|record| record.time <= due);
        let ready = last.map_or(0, |last| last + 1);
        let (ready, rest) = waiting.split_at(ready);
        chunk.records.extend_from_slice(ready);
        if !ready.is_empty() {
            chunk.bytes = self.ahead.bytes.clone();
        }
        // Earlier packets than `due` may follow those that were read.
        chunk.settled = rest.first().map(|next| due.min(next.time));
        self.next += ready.len();
    }

    fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(StopFlag::is_set)
    }
}

impl Source for Paced {
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        chunk.clear();
        if self.next == self.ahead.records.len() {
            if self.has_ended {
                return Ok(false);
            }
            self.next = 0;
            self.before = self.source.progress().bytes;
            if self.pace.is_unlimited() {
                self.ahead.clear();
                self.has_ended = !self.source.read(chunk, limit)?;
                if let Some(time) = chunk.end_time() {
                    self.pace.set_time(time);
                }
                self.moved = Some(monotonic());
                return Ok(!self.has_ended);
            }
            self.has_ended = !self.source.read(&mut self.ahead, limit)?;
            if self.has_ended {
                return Ok(false);
            }
        }
        chunk.filtered += std::mem::take(&mut self.ahead.filtered);
        let due = if self.pace.is_unlimited() {
            let last = self.ahead.records.iter().map(|record| record.time).max();
            last.inspect(|last| self.pace.set_time(*last))
        } else {
            self.advance()
        };
        if let Some(due) = due {
            self.release(chunk, due);
        }
        if chunk.records.is_empty()
            && let Some(next) = self.ahead.records.get(self.next)
            && let Some(due) = due
            && !self.is_stopped()
        {
            sleep(self.pace.wait(next.time.nanos().saturating_sub(due.nanos())));
        }
        Ok(true)
    }

    fn stop_with(&mut self, stop: &StopFlag) {
        self.source.stop_with(stop);
        self.stop = Some(stop.clone());
    }

    fn stop(&mut self) -> bool {
        self.source.stop()
    }

    fn may_wait(&self) -> bool {
        true
    }

    /// Returns the position of the packets that were released.
    fn progress(&self) -> ReadProgress {
        let progress = self.source.progress();
        let count = |packets: usize| u128::try_from(packets).unwrap_or(u128::MAX);
        let (done, all) = (count(self.next), count(self.ahead.records.len()));
        let ahead = u128::from(progress.bytes.saturating_sub(self.before));
        // Without packets that wait, everything was released.
        let released = (ahead * done).checked_div(all).unwrap_or(ahead);
        let bytes = self.before + u64::try_from(released).unwrap_or(0);
        ReadProgress { bytes, ..progress }
    }

    fn reception(&self) -> Option<Reception> {
        self.source.reception()
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        self.source.take_warnings()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::packet::{ChunkBytes, LinkType, RawRecord};

    /// A packet a second, from second 1,000 on.
    struct Seconds(std::ops::Range<i64>);

    impl Source for Seconds {
        fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
            chunk.clear();
            chunk.bytes = ChunkBytes::Owned(Arc::new(vec![7; 4]));
            chunk.records.extend(self.0.by_ref().take(limit).map(|second| RawRecord {
                time: Timestamp::from_seconds(second, 0),
                offset: 0,
                capture_len: 4,
                wire_len: 4,
                link: LinkType::ETHERNET,
            }));
            Ok(!chunk.records.is_empty())
        }

        fn may_wait(&self) -> bool {
            false
        }

        fn progress(&self) -> ReadProgress {
            // 100 bytes a packet.
            let bytes = u64::try_from(self.0.start - 1000).unwrap() * 100;
            ReadProgress { bytes, total_bytes: None }
        }

        fn take_warnings(&mut self) -> Vec<Warning> {
            Vec::new()
        }
    }

    /// Reads to the end; returns the seconds of the packets and of the times that are settled.
    fn exhaust(paced: &mut Paced) -> (Vec<i64>, Vec<(usize, i64)>) {
        let second = |time: Timestamp| time.nanos() / 1_000_000_000;
        let (mut packets, mut settled) = (Vec::new(), Vec::new());
        let mut chunk = Chunk::default();
        while paced.read(&mut chunk, 7).unwrap() {
            assert!(chunk.records.iter().all(|record| chunk.frame(record) == [7; 4]));
            packets.extend(chunk.records.iter().map(|record| second(record.time)));
            settled.extend(chunk.settled.map(|time| (packets.len(), second(time))));
        }
        (packets, settled)
    }

    #[test]
    fn packets_keep_their_order_at_any_speed() {
        for speed in [20_000.0, 500_000.0, Pace::UNLIMITED] {
            let pace = Pace::new(speed);
            assert_eq!(pace.time(), None);
            let mut paced = Paced::new(Box::new(Seconds(1000..1500)), pace.clone());
            let (packets, settled) = exhaust(&mut paced);
            assert!(packets.iter().copied().eq(1000..1500), "{speed}");
            // Nothing arrives from before a time that is settled.
            for (before, time) in settled {
                assert!(packets[before..].iter().all(|later| *later >= time), "{speed}");
            }
            assert!(pace.time() >= Some(Timestamp::from_seconds(1499, 0)));
        }
    }

    #[test]
    fn a_packet_from_the_future_holds_none_back() {
        let mut paced = Paced::new(Box::new(Seconds(1000..1000)), Pace::new(1.0));
        paced.ahead.records = [1000, 9_000_000, 1001, 1002]
            .map(|second| RawRecord {
                time: Timestamp::from_seconds(second, 0),
                offset: 0,
                capture_len: 4,
                wire_len: 4,
                link: LinkType::ETHERNET,
            })
            .to_vec();
        let mut chunk = Chunk::default();
        paced.release(&mut chunk, Timestamp::from_seconds(1001, 0));
        assert_eq!(chunk.records.len(), 3);
        assert_eq!(chunk.settled, Some(Timestamp::from_seconds(1001, 0)));
    }

    #[test]
    fn a_halted_replay_gives_nothing_until_it_continues() {
        let pace = Pace::new(0.0);
        let mut paced = Paced::new(Box::new(Seconds(1000..1010)), pace.clone());
        let mut chunk = Chunk::default();
        let mut packets = 0;
        for _ in 0..3 {
            assert!(paced.read(&mut chunk, 100).unwrap());
            packets += chunk.records.len();
        }
        assert_eq!(paced.progress().bytes, 100, "the others were read but not released");
        // The first packet sets the clock.
        assert_eq!((packets, pace.time()), (1, Some(Timestamp::from_seconds(1000, 0))));
        pace.set_speed(Pace::UNLIMITED);
        assert!(exhaust(&mut paced).0.into_iter().eq(1001..1010));
        assert_eq!(paced.progress().bytes, 1000);
    }
}
