//! Runs over a source that sets the clock and can be stopped.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::sync::Arc;

use nfstream::capture::{CaptureError, ReadProgress, Reception, Source, Warning};
use nfstream::flow::{EndReason, Timeouts};
use nfstream::packet::{Chunk, ChunkBytes, RawRecord};
use nfstream::time::{Duration, Timestamp};
use nfstream::{Config, Run, Step};
use nfstream_testkit::strategies::Plan;

/// Source of these chunks, each with packets and the time up to which it is settled, then of empty
/// ones.
struct Scripted {
    chunks: std::vec::IntoIter<(Vec<i64>, i64)>,
    /// Packets captured before the stop.
    rest: Option<Vec<i64>>,
    seconds: i64,
    is_stopping: bool,
}

impl Scripted {
    fn boxed(chunks: Vec<(Vec<i64>, i64)>, rest: Vec<i64>) -> Box<dyn Source> {
        let chunks = chunks.into_iter();
        Box::new(Self { chunks, rest: Some(rest), seconds: 0, is_stopping: false })
    }

    fn fill(chunk: &mut Chunk, packets: &[i64]) {
        let frame = Plan::numbered(0).captured(nfstream_testkit::seconds(0));
        let mut bytes = Vec::new();
        for &second in packets {
            let offset = u32::try_from(bytes.len()).unwrap();
            let time = Timestamp::from_seconds(second, 0);
            chunk.records.push(RawRecord { time, offset, ..frame.record() });
            bytes.extend_from_slice(&frame.bytes);
        }
        chunk.bytes = ChunkBytes::Owned(Arc::new(bytes));
    }
}

impl Source for Scripted {
    fn read(&mut self, chunk: &mut Chunk, _: usize) -> Result<bool, CaptureError> {
        chunk.clear();
        if self.is_stopping {
            let rest = self.rest.take();
            Self::fill(chunk, rest.as_deref().unwrap_or_default());
            return Ok(rest.is_some());
        }
        let (packets, settled) = self.chunks.next().unwrap_or((vec![], self.seconds));
        self.seconds = settled;
        Self::fill(chunk, &packets);
        chunk.settled = Some(Timestamp::from_seconds(settled, 0));
        Ok(true)
    }

    fn stop(&mut self) -> bool {
        self.is_stopping = true;
        true
    }

    fn may_wait(&self) -> bool {
        true
    }

    fn progress(&self) -> ReadProgress {
        ReadProgress::default()
    }

    fn reception(&self) -> Option<Reception> {
        Some(Reception { received: 7, ..Reception::default() })
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}

fn run(source: Box<dyn Source>, idle: i64, meters: usize) -> Run {
    let idle = Duration::from_nanos(u64::try_from(idle).unwrap() * 1_000_000_000);
    let config = Config {
        timeouts: Timeouts { idle, active: Duration::MAX },
        dissection: None,
        meters: meters.try_into().unwrap(),
        ..Config::default()
    };
    Run::new(source, &config).unwrap()
}

/// Advances until records arrive, and returns how their flows ended.
fn next(run: &mut Run) -> Vec<(EndReason, u64)> {
    // Each step waits at most a tenth of a second.
    for _ in 0..100 {
        let step = run.advance().unwrap();
        let (Step::Records(records) | Step::Last(records)) = &step;
        if !records.is_empty() || matches!(step, Step::Last(_)) {
            return records.iter().map(|r| (r.end_reason, r.volume.total_packets())).collect();
        }
    }
    panic!("no records");
}

#[test]
fn idle_flows_end_by_the_clock_without_packets() {
    for meters in [1, 3] {
        let mut run =
            run(Scripted::boxed(vec![(vec![10, 11], 11), (vec![], 72)], vec![]), 60, meters);
        assert_eq!(next(&mut run), [(EndReason::Idle, 2)], "{meters} meters");
        assert_eq!(run.monitor().stats().active_flows, 0);
    }
}

#[test]
fn the_end_of_a_flow_is_noticed_within_a_second_for_long_timeouts_too() {
    for meters in [1, 3] {
        let mut run =
            run(Scripted::boxed(vec![(vec![10], 10), (vec![], 3611)], vec![]), 3600, meters);
        assert_eq!(next(&mut run), [(EndReason::Idle, 1)], "{meters} meters");
    }
}

#[test]
fn stopping_takes_what_was_captured_before() {
    for meters in [1, 3] {
        let mut run = run(Scripted::boxed(vec![(vec![10, 11], 11)], vec![12, 13, 14]), 60, meters);
        while run.monitor().stats().packets < 2 {
            assert!(matches!(run.advance().unwrap(), Step::Records(records) if records.is_empty()));
        }
        assert_eq!(run.monitor().stats().active_flows, 1);
        assert_eq!(run.monitor().stats().reception.map(|r| r.received), Some(7));
        let handle = run.stop_handle();
        assert!(!handle.is_stopped());
        handle.stop();
        assert_eq!(next(&mut run), [(EndReason::EndOfInput, 5)], "{meters} meters");
        assert_eq!(run.monitor().stats().packets, 5);
    }
}

#[test]
fn a_file_is_left_when_it_is_stopped() {
    let packets: Vec<_> =
        (0..100).map(|n| Plan::numbered(n).captured(nfstream_testkit::seconds(0))).collect();
    let source =
        nfstream_testkit::MemorySource::new(packets).ending(nfstream_testkit::Ending::Endless);
    let mut run = run(source.boxed(), 60, 1);
    assert!(matches!(run.advance().unwrap(), Step::Records(_)));
    run.stop_handle().stop();
    assert!(matches!(run.advance().unwrap(), Step::Last(records) if !records.is_empty()));
}
