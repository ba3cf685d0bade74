//! Reading and decoding ahead of the meters, in separate threads.
//!
//! ```text
//! reader → decoders → dispatch, in order → every consumer
//! ```
//!
//! The reader hands out ranges of a long file, whose records the decoders find. All queues are
//! bounded, so a slow consumer slows the reader. When the consumers are dropped, each stage finds its
//! queue closed and ends.

use std::sync::{Arc, PoisonError};

use super::decoder::Decoder;
use super::decoding::Decoding;
use super::dispatch::{Dispatch, Ready};
use super::feed::Feed;
use super::intake::{Intake, Taken};
use super::outcome::Outcome;
use super::sync::{Mutex, Receiver, Sender, bounded};
use super::tally::Tally;
use super::worker::Workers;
use crate::capture::FileRange;
use crate::flow::Sharding;
use crate::packet::{Chunk, ChunkBytes};

/// Most messages waiting in a queue.
pub(super) const QUEUE: usize = 4;

/// Longest time that a step of a run waits for the source.
pub(super) const PATIENCE: std::time::Duration = std::time::Duration::from_millis(100);

struct Raw {
    number: u64,
    tally: Tally,
    content: Content,
}

enum Content {
    Chunk(Chunk),
    Range(FileRange),
    End(Outcome),
}

/// Division of the work before the meters.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrontConfig {
    /// Decoder of the packets.
    pub(super) decoder: Decoder,
    /// Threads that decode.
    pub(super) decoders: usize,
    /// Meters that share the packets.
    pub(super) shards: usize,
    /// Consumers of every chunk: meters, and the merge of their results.
    pub(super) consumers: usize,
}

/// Ends of the reader's queues.
struct ReaderQueues {
    raw: Sender<Raw>,
    /// Chunks whose memory can be reused.
    used: Receiver<Chunk>,
    /// One for each message that may be on its way to the consumers.
    permits: Receiver<()>,
}

/// Ends the front if its thread panics: the other threads would wait for the chunk that is lost.
struct Closing<'a>(&'a Mutex<Dispatch>);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).close();
        }
    }
}

/// Starts the reader and the decoders; returns the feed of each consumer.
pub(super) fn start(
    mut intake: Intake,
    config: FrontConfig,
    workers: &mut Workers,
) -> Vec<Receiver<Feed>> {
    let FrontConfig { decoder, decoders, shards, consumers } = config;
    let chunk_packets = intake.chunk_packets();
    let (raw, raw_receiver) = bounded(QUEUE);
    let (used_sender, used) = bounded(2 * QUEUE + decoders);
    let (home, spare) = bounded(2 * QUEUE + decoders);
    // Decoders ahead of a slower one wait for it.
    let ahead = QUEUE + 2 * decoders;
    let (permit, permits) = bounded(ahead);
    for _ in 0..ahead {
        let _ = permit.try_send(());
    }
    let (feeds, receivers): (Vec<_>, Vec<_>) = (0..consumers).map(|_| bounded(QUEUE)).unzip();
    let queues = ReaderQueues { raw, used, permits };
    workers.spawn_detached("nfstream-reader", move || {
        read(&mut intake, &queues, decoders > 1);
        Ok(())
    });
    let dispatch = Arc::new(Mutex::new(Dispatch::new(feeds, permit)));
    for number in 0..decoders {
        let (raw, used) = (raw_receiver.clone(), used_sender.clone());
        let dispatch = Arc::clone(&dispatch);
        let (home, spare) = (home.clone(), spare.clone());
        workers.spawn(&format!("nfstream-decoder-{number}"), move || {
            let (home, spare) = (&home, &spare);
            let sharding = Sharding::new(shards);
            let decoding = Decoding { decoder, sharding, chunk_packets, home, spare };
            decode(&raw, &used, &dispatch, decoding);
            Ok(())
        });
    }
    receivers
}

/// Reads until the source ends or no decoder is left. `divides` is whether several decoders can
/// read a long file.
fn read(intake: &mut Intake, queues: &ReaderQueues, divides: bool) {
    for number in 0.. {
        if queues.permits.recv().is_err() {
            return;
        }
        let mut chunk = queues.used.try_recv().unwrap_or_default();
        let taken = intake.read_part(&mut chunk, divides);
        let tally = intake.tally(&chunk);
        let content = match taken {
            Taken::Packets => Content::Chunk(chunk),
            Taken::Range(range) => Content::Range(range),
            Taken::End(outcome) => Content::End(outcome),
        };
        let ended = matches!(content, Content::End(_));
        if queues.raw.send(Raw { number, tally, content }).is_err() || ended {
            return;
        }
    }
}

/// Decodes chunks and ranges until none or no consumer is left.
fn decode(
    raw: &Receiver<Raw>,
    used: &Sender<Chunk>,
    dispatch: &Mutex<Dispatch>,
    mut decoding: Decoding<'_>,
) {
    let _closing = Closing(dispatch);
    let mut memory = Chunk::default();
    for Raw { number, tally, content } in raw {
        let ready = match content {
            Content::End(outcome) => Ready::End { tally: Box::new(tally), outcome },
            Content::Range(range) => {
                Ready::Range(Box::new(decoding.decode_range(range, &mut memory, tally)))
            }
            Content::Chunk(mut chunk) => {
                let decoded = decoding.decode(&chunk, tally);
                // The reader reuses the memory of the records.
                chunk.bytes = ChunkBytes::default();
                drop(used.try_send(chunk));
                Ready::Chunk(Box::new(decoded))
            }
        };
        let mut dispatch = dispatch.lock().unwrap_or_else(PoisonError::into_inner);
        if !dispatch.send(number, ready, &mut decoding) {
            drop(dispatch);
            // The queue lives as long as the reader, which may wait for the ranges in it.
            while raw.try_recv().is_ok() {}
            return;
        }
    }
}
