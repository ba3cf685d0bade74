//! Reading and decoding ahead of the meters, in separate threads.
//!
//! ```text
//! reader → decoders → dispatch, in order → every consumer
//! ```
//!
//! All queues are bounded, so a slow consumer slows the reader. When the consumers are dropped,
//! each stage finds its queue closed and ends.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::decoder::{Decoded, Decoder};
use super::intake::Intake;
use super::outcome::Outcome;
use super::sync::{Mutex, Receiver, Sender, bounded};
use super::tally::Tally;
use super::ticks::stretches;
use super::worker::Workers;
use crate::flow::{FragmentTable, Tick, shard};
use crate::packet::{Chunk, ChunkBytes, Fragment, Packet};
use crate::time::Timestamp;

/// Most messages waiting in a queue.
pub(super) const QUEUE: usize = 4;

/// Longest time that a step of a run waits for the source.
pub(super) const PATIENCE: std::time::Duration = std::time::Duration::from_millis(100);

/// A chunk whose packets have been decoded.
#[derive(Debug)]
pub(super) struct FedChunk {
    pub(super) bytes: ChunkBytes,
    pub(super) content: Packets,
    /// Ticks of the clock, at indices of decoded packets.
    pub(super) ticks: Vec<Tick>,
    pub(super) tally: Tally,
    /// Returns the memory of the packets to the decoders.
    home: Sender<Packets>,
}

/// The packets of a chunk.
#[derive(Debug, Default)]
pub(super) struct Packets {
    pub(super) decoded: Decoded,
    /// Indices of each meter's packets in ascending order; empty if there is one meter.
    pub(super) shares: Vec<Vec<u32>>,
}

impl Packets {
    fn clear(&mut self) {
        self.decoded.clear();
        self.shares.iter_mut().for_each(Vec::clear);
    }

    /// Divides the packets among `shards` meters.
    fn share(&mut self, shards: usize) {
        if shards == 1 {
            return;
        }
        self.shares.resize_with(shards, Vec::new);
        self.shares.iter_mut().for_each(Vec::clear);
        for (place, packet) in (0..).zip(&self.decoded.packets) {
            self.shares[shard(packet, shards)].push(place);
        }
    }
}

impl Drop for FedChunk {
    fn drop(&mut self) {
        // Dropped if the queue is full or no decoder is left.
        drop(self.home.try_send(std::mem::take(&mut self.content)));
    }
}

/// Messages to every consumer, in the order of the source.
#[derive(Clone, Debug)]
pub(super) enum Feed {
    Chunk(Arc<FedChunk>),
    End(Arc<End>),
}

/// The end of the source.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Time of the last packet.
    pub(super) time: Timestamp,
    pub(super) tally: Tally,
    outcome: Mutex<Outcome>,
}

impl End {
    /// Takes the outcome of the source, for the one consumer that reports it.
    pub(super) fn take_outcome(&self) -> Outcome {
        std::mem::take(&mut self.outcome.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Raw {
    number: u64,
    content: Content,
}

enum Content {
    Chunk { chunk: Chunk, ticks: Vec<Tick>, tally: Tally },
    End(End),
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

/// Starts the reader and the decoders; returns the feed of each consumer.
pub(super) fn start(
    mut intake: Intake,
    config: FrontConfig,
    workers: &mut Workers,
) -> Vec<Receiver<Feed>> {
    let FrontConfig { decoder, decoders, shards, consumers } = config;
    let (raw_sender, raw_receiver) = bounded(QUEUE);
    let (used_sender, used_receiver) = bounded(2 * QUEUE + decoders);
    let (home, spare) = bounded(2 * QUEUE + decoders);
    let (feeds, receivers): (Vec<_>, Vec<_>) = (0..consumers).map(|_| bounded(QUEUE)).unzip();
    workers.spawn_detached("nfstream-reader", move || {
        read(&mut intake, &raw_sender, &used_receiver);
        Ok(())
    });
    let dispatch = Arc::new(Mutex::new(Dispatch::new(feeds, shards)));
    for number in 0..decoders {
        let (raw, used) = (raw_receiver.clone(), used_sender.clone());
        let dispatch = Arc::clone(&dispatch);
        let (home, spare) = (home.clone(), spare.clone());
        workers.spawn(&format!("nfstream-decoder-{number}"), move || {
            let decoding = Decoding { decoder, shards, home: &home, spare: &spare };
            decode(&raw, &used, &dispatch, &decoding);
            Ok(())
        });
    }
    receivers
}

/// Reads until the source ends or no decoder is left. Used chunks return through `used`.
fn read(intake: &mut Intake, raw: &Sender<Raw>, used: &Receiver<Chunk>) {
    for number in 0.. {
        let mut chunk = used.try_recv().unwrap_or_default();
        let mut ticks = Vec::new();
        let outcome = intake.read(&mut chunk, &mut ticks);
        let tally = intake.tally(&chunk);
        let content = match outcome {
            None => Content::Chunk { chunk, ticks, tally },
            Some(outcome) => {
                Content::End(End { time: intake.time(), tally, outcome: Mutex::new(outcome) })
            }
        };
        let ended = matches!(content, Content::End(_));
        if raw.send(Raw { number, content }).is_err() || ended {
            return;
        }
    }
}

/// Decodes chunks until none or no consumer is left.
fn decode(
    raw: &Receiver<Raw>,
    used: &Sender<Chunk>,
    dispatch: &Mutex<Dispatch>,
    decoding: &Decoding<'_>,
) {
    for Raw { number, content } in raw {
        let ready = match content {
            Content::End(end) => Ready::End(Arc::new(end)),
            Content::Chunk { mut chunk, ticks, tally } => {
                let decoded = decoding.decode(&chunk, &ticks, tally);
                // The reader reuses the memory of the records.
                chunk.bytes = ChunkBytes::default();
                drop(used.try_send(chunk));
                Ready::Chunk(Box::new(decoded))
            }
        };
        let mut dispatch = dispatch.lock().unwrap_or_else(PoisonError::into_inner);
        if !dispatch.send(number, ready) {
            return;
        }
    }
}

/// Decoding in one thread.
struct Decoding<'a> {
    decoder: Decoder,
    shards: usize,
    home: &'a Sender<Packets>,
    spare: &'a Receiver<Packets>,
}

impl Decoding<'_> {
    fn decode(&self, chunk: &Chunk, ticks: &[Tick], mut tally: Tally) -> FedChunk {
        let frames = chunk.bytes.as_slice();
        let mut content = self.spare.try_recv().unwrap_or_default();
        content.clear();
        content.decoded.packets.reserve(chunk.records.len());
        let mut decoded_ticks = Vec::with_capacity(ticks.len());
        for stretch in stretches(ticks, chunk.records.len(), usize::MAX) {
            let records = chunk.records.get(stretch.range).unwrap_or_default();
            self.decoder.decode(records, frames, &mut content.decoded, &mut tally);
            if let Some(time) = stretch.tick {
                decoded_ticks.push(Tick { index: content.decoded.packets.len(), time });
            }
        }
        content.share(self.shards);
        let (bytes, home) = (chunk.bytes.clone(), self.home.clone());
        FedChunk { bytes, content, ticks: decoded_ticks, tally, home }
    }
}

enum Ready {
    Chunk(Box<FedChunk>),
    End(Arc<End>),
}

/// Restores the order of chunks, and does the work that depends on it.
struct Dispatch {
    next: u64,
    early: BTreeMap<u64, Ready>,
    fragments: FragmentTable,
    feeds: Vec<Sender<Feed>>,
    shards: usize,
}

impl Dispatch {
    fn new(feeds: Vec<Sender<Feed>>, shards: usize) -> Self {
        Self { next: 0, early: BTreeMap::new(), fragments: FragmentTable::default(), feeds, shards }
    }

    /// Sends the chunks that are ready, in order; returns whether all consumers are left.
    fn send(&mut self, number: u64, ready: Ready) -> bool {
        self.early.insert(number, ready);
        while let Some(ready) = self.early.remove(&self.next) {
            self.next += 1;
            let feed = match ready {
                Ready::Chunk(mut decoded) => {
                    self.resolve_fragments(&mut decoded);
                    Feed::Chunk(Arc::new(*decoded))
                }
                Ready::End(end) => Feed::End(end),
            };
            if self.feeds.iter().any(|consumer| consumer.send(feed.clone()).is_err()) {
                return false;
            }
        }
        true
    }

    fn resolve_fragments(&mut self, chunk: &mut FedChunk) {
        let Decoded { packets, fragments, .. } = &mut chunk.content.decoded;
        self.fragments.resolve(packets, fragments);
        // In a tunnel, the addresses of the first fragment differ from those of the later ones.
        let is_later = |packet: &Packet| packet.fragment == Fragment::Later;
        if !fragments.is_empty() && packets.iter().any(is_later) {
            chunk.content.share(self.shards);
        }
    }
}
