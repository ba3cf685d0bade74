//! Model of the threads of a run: in every round a scheduler chooses which one continues at each
//! lock, queue and flag, at random, or in a way that tries rare orders early. A deadlock or a
//! thread that never ends fails the round.
//!
//! Everything but the channels is the real pipeline: `make model`.

pub(in crate::pipeline) mod channel;

use std::panic::resume_unwind;
use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config as Model, Runner, thread};

use super::config::MeterParts;
use super::decoder::{Decoder, Headers};
use super::feed::Feed;
use super::front::{self, FrontConfig};
use super::intake::Intake;
use super::run::Engine;
use super::threads::Threads;
use super::worker::Workers;
use super::{Config, Run, RunError, Step, sync};
use crate::capture::{CaptureError, ReadProgress, Source, Warning};
use crate::decode;
use crate::dissect::{Dissector, Inspection};
use crate::features::{Application, Nameless, Names, Record};
use crate::flow::Slot;
use crate::packet::{Chunk, ChunkBytes, LinkType, Packet, RawRecord};
use crate::time::{Duration, Timestamp};

/// Rounds of each test with each scheduler.
const ROUNDS: usize = 5_000;

/// Chunks of a source.
const CHUNKS: u8 = 6;

fn explore(round: fn()) {
    fn run(scheduler: impl Scheduler + 'static, round: fn()) {
        let mut model = Model::new();
        model.stack_size = 1 << 18;
        Runner::new(scheduler, model).run(round);
    }
    run(RandomScheduler::new(ROUNDS), round);
    run(PctScheduler::new(3, ROUNDS), round);
}

/// A source whose `n`th chunk has `n` packets, each of a conversation of its own.
struct Script {
    chunk: u8,
    ending: Ending,
}

#[derive(Clone, Copy)]
enum Ending {
    Complete,
    Failure,
    Panic,
}

impl Script {
    fn boxed(ending: Ending) -> Box<dyn Source> {
        Box::new(Self { chunk: 0, ending })
    }
}

impl Source for Script {
    fn read(&mut self, chunk: &mut Chunk, _: usize) -> Result<bool, CaptureError> {
        chunk.clear();
        self.chunk += 1;
        if self.chunk > CHUNKS {
            return match self.ending {
                Ending::Complete => Ok(false),
                Ending::Failure => Err(CaptureError::Changed { path: "script".into() }),
                // Without printing the panic.
                Ending::Panic => resume_unwind(Box::new("the source panicked")),
            };
        }
        let mut bytes = Vec::new();
        for packet in 0..self.chunk {
            let offset = u32::try_from(bytes.len()).unwrap();
            bytes.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, self.chunk, packet]);
            bytes.extend([10, 1, 0, 0, 0, 7, 0, 7, 0, 8, 0, 0]);
            let time = Timestamp::from_seconds(self.chunk.into(), 0);
            let link = LinkType(101);
            let (capture_len, wire_len) = (28, 28);
            chunk.records.push(RawRecord { time, offset, capture_len, wire_len, link });
        }
        chunk.bytes = ChunkBytes::Owned(Arc::new(bytes));
        Ok(true)
    }

    fn may_wait(&self) -> bool {
        false
    }

    fn progress(&self) -> ReadProgress {
        ReadProgress::default()
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}

fn config(meters: usize) -> Config {
    Config {
        dissection: None,
        meters: meters.try_into().unwrap(),
        max_active_flows: None,
        ..Config::default()
    }
}

fn run(ending: Ending, meters: usize) -> Run {
    Run::new(Script::boxed(ending), &config(meters)).unwrap()
}

/// Compared part of a record.
type Row = (u64, Timestamp, u64);

/// Advances to the end; returns rows, and the error if there was one.
fn exhaust(run: &mut Run) -> (Vec<Row>, Option<RunError>) {
    let mut rows = Vec::new();
    let row = |record: &Record| (record.id, record.flow.first_seen, record.volume.total_packets());
    loop {
        match run.advance() {
            Ok(Step::Records(records)) => rows.extend(records.iter().map(row)),
            Ok(Step::Last(records)) => {
                rows.extend(records.iter().map(row));
                return (rows, None);
            }
            Err(error) => return (rows, Some(error)),
        }
    }
}

#[test]
fn every_consumer_gets_every_chunk_in_order() {
    explore(|| {
        let mut workers = Workers::default();
        let headers = Headers::Standard(decode::Options::default());
        let decoder = Decoder { headers, reads_clues: false };
        let front = FrontConfig { decoder, decoders: 3, shards: 2, consumers: 2 };
        let intake = Intake::new(Script::boxed(Ending::Complete), 10, None, None, Arc::default());
        let feeds = front::start(intake, front, &mut workers);
        let consume = |feed: sync::Receiver<Feed>| {
            thread::spawn(move || {
                for expected in 1..=CHUNKS {
                    let Ok(Feed::Chunk(chunk)) = feed.recv() else { panic!("a chunk is missing") };
                    let packets = &chunk.content.decoded.packets;
                    assert_eq!(chunk.tally.packets, u64::from(expected));
                    assert_eq!(packets.len(), usize::from(expected), "memory that was used before");
                    let shares = chunk.content.shares.iter().map(Vec::len).sum::<usize>();
                    assert_eq!(shares, packets.len());
                }
                assert!(matches!(feed.recv(), Ok(Feed::End(_))));
                assert!(feed.recv().is_err());
            })
        };
        let consumers: Vec<_> = feeds.into_iter().map(consume).collect();
        for consumer in consumers {
            consumer.join().unwrap();
        }
        workers.join();
    });
}

#[test]
fn rows_are_those_of_one_meter() {
    explore(|| {
        let one = exhaust(&mut run(Ending::Complete, 1)).0;
        assert_eq!(one.len(), 21);
        // With two and four decoders.
        for meters in [2, 5] {
            let mut run = run(Ending::Complete, meters);
            let (rows, error) = exhaust(&mut run);
            assert!(error.is_none());
            assert_eq!(rows, one);
            assert_eq!(run.monitor().stats().packets, 21);
        }
    });
}

#[test]
fn a_run_dropped_halfway_leaves_no_thread() {
    explore(|| {
        for meters in [2, 5] {
            let mut run = run(Ending::Complete, meters);
            run.advance().unwrap();
            run.advance().unwrap();
        }
        let source = Script::boxed(Ending::Complete);
        let mut run = Run::with_hooks(source, &config(1)).unwrap();
        run.advance().unwrap();
    });
}

#[test]
fn a_run_that_another_thread_stops_has_all_packets_in_flows() {
    explore(|| {
        let mut run = run(Ending::Complete, 2);
        let (stop, monitor) = (run.stop_handle(), run.monitor());
        let other = thread::spawn(move || {
            let before = monitor.stats().packets;
            stop.stop();
            assert!(before <= monitor.stats().packets);
        });
        let (rows, error) = exhaust(&mut run);
        assert!(error.is_none());
        assert_eq!(rows.iter().map(|row| row.2).sum::<u64>(), run.monitor().stats().packets);
        other.join().unwrap();
    });
}

#[test]
fn an_error_of_the_source_comes_after_all_rows() {
    explore(|| {
        let (rows, error) = exhaust(&mut run(Ending::Failure, 2));
        assert_eq!(rows.len(), 21);
        assert!(matches!(error, Some(RunError::Capture(CaptureError::Changed { .. }))));
    });
}

#[test]
fn a_panic_of_the_source_is_reported() {
    explore(|| {
        let (_, error) = exhaust(&mut run(Ending::Panic, 2));
        assert_eq!(panicked(error), ("nfstream-reader".into(), "the source panicked".into()));
        let source = Script::boxed(Ending::Panic);
        let (_, error) = exhaust(&mut Run::with_hooks(source, &config(1)).unwrap());
        assert_eq!(panicked(error), ("nfstream-reader".into(), "the source panicked".into()));
    });
}

fn panicked(error: Option<RunError>) -> (String, String) {
    let Some(RunError::Panicked { thread, message }) = error else { panic!("{error:?}") };
    (thread, message)
}

/// Panics with its third packet.
struct Faulty(u32);

impl Dissector for Faulty {
    fn inspect(&mut self, _: Slot, _: &Packet, _: &[u8]) -> Inspection {
        self.0 += 1;
        if self.0 == 3 {
            resume_unwind(Box::new("the dissector panicked"));
        }
        Inspection::Open
    }

    fn peek(&mut self, _: Slot) -> Application {
        Application::default()
    }

    fn end_slice(&mut self, _: Slot) -> (Application, Inspection) {
        (Application::default(), Inspection::Open)
    }

    fn end(&mut self, _: Slot) -> Application {
        Application::default()
    }

    fn names(&self) -> Arc<dyn Names> {
        Arc::new(Nameless)
    }
}

#[test]
fn a_panic_of_a_meter_is_reported() {
    explore(|| {
        let config = config(2);
        let mut run = Run::start(Script::boxed(Ending::Complete), &config, |intake, _, shared| {
            let dissector: Box<dyn Dissector> = Box::new(Faulty(0));
            let parts = MeterParts { dissector: Some(dissector), ..MeterParts::default() };
            Engine::Threads(Box::new(Threads::start(intake, parts, &config, shared)))
        });
        let (_, error) = exhaust(run.as_mut().unwrap());
        // The meter that panics may have received fewer packets than that.
        if error.is_some() {
            let told = panicked(error);
            assert_eq!(told, ("nfstream-meter-0".into(), "the dissector panicked".into()));
        }
    });
}
