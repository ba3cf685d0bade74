//! Reading and decoding in threads of their own, ahead of the meters.
//!
//! ```text
//! reader → decoders → dispatch, in order → every consumer
//! ```
//!
//! All queues are bounded, so a slow consumer slows the reader. When the consumers are dropped,
//! each stage finds nobody to send to and ends.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::decoder::decode_all;
use super::sync::{Mutex, Receiver, Sender, bounded};
use super::worker::Workers;
use super::{Ignored, RunError, Shared};
use crate::capture::{ReadProgress, Reception, Source, Warning};
use crate::decode;
use crate::flow::{FragmentTable, StreamClock, Tick, hash_of_addresses};
use crate::nfstream6::{Rules, RunClock};
use crate::packet::{Chunk, ChunkBytes, Fragment, Packet, RawRecord};
use crate::time::Timestamp;

/// Messages that wait in a queue at most.
pub(super) const QUEUE: usize = 4;

/// How long a step of a run waits for the source, at most.
pub(super) const PATIENCE: std::time::Duration = std::time::Duration::from_millis(100);

/// A chunk whose packets have been decoded.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) bytes: ChunkBytes,
    pub(super) content: Packets,
    /// Where the clock ticks; the places count decoded packets.
    pub(super) ticks: Vec<Tick>,
    pub(super) tally: Tally,
    /// Who uses the memory of the packets again.
    home: Sender<Packets>,
}

/// The packets of a chunk.
#[derive(Debug, Default)]
pub(super) struct Packets {
    pub(super) all: Vec<Packet>,
    /// For each meter, the places of its packets in ascending order; none if there is but one.
    pub(super) shares: Vec<Vec<u32>>,
}

impl Packets {
    fn clear(&mut self) {
        self.all.clear();
        self.shares.iter_mut().for_each(Vec::clear);
    }

    /// Shares the packets among `shards` meters.
    fn share(&mut self, shards: usize) {
        if shards == 1 {
            return;
        }
        self.shares.resize_with(shards, Vec::new);
        self.shares.iter_mut().for_each(Vec::clear);
        for (place, packet) in (0..).zip(&self.all) {
            self.shares[shard(packet, shards)].push(place);
        }
    }
}

impl Drop for Decoded {
    fn drop(&mut self) {
        // Where there is enough memory already, or nobody who decodes, it is given back.
        drop(self.home.try_send(std::mem::take(&mut self.content)));
    }
}

/// What is to be counted of a chunk.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) packets: u64,
    pub(super) ignored: Ignored,
    pub(super) progress: ReadProgress,
    pub(super) reception: Option<Reception>,
    pub(super) warnings: Vec<Warning>,
}

impl Tally {
    /// Returns what is to be counted after a read of `source`.
    pub(super) fn of(source: &mut dyn Source, chunk: &Chunk) -> Self {
        let mut ignored = Ignored::default();
        ignored.add_filtered(chunk.filtered);
        Self {
            packets: u64::try_from(chunk.records.len()).unwrap_or(u64::MAX) + chunk.filtered,
            ignored,
            progress: source.progress(),
            reception: source.reception(),
            warnings: source.take_warnings(),
        }
    }
}

/// What every consumer gets, in the order of the source.
#[derive(Clone, Debug)]
pub(super) enum Feed {
    Chunk(Arc<Decoded>),
    End(Arc<End>),
}

/// How the source has ended.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Time of the last packet.
    pub(super) time: Timestamp,
    pub(super) tally: Tally,
    failure: Mutex<Option<RunError>>,
}

impl End {
    /// Takes why the source could not be read to its end, if that is so.
    pub(super) fn take_failure(&self) -> Option<RunError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
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

/// How the work in front of the meters is config.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrontConfig {
    /// Packets of a chunk, at most.
    pub(super) limit: usize,
    /// What of each packet is decoded.
    pub(super) decode: decode::Options,
    /// By which rules packets are timed.
    pub(super) rules: Rules,
    /// Threads that decode.
    pub(super) decoders: usize,
    /// Meters among which packets are shared.
    pub(super) shards: usize,
    /// Who gets every chunk: meters, and whoever merges what they find.
    pub(super) consumers: usize,
}

/// Starts the reader and the decoders; returns what each of the consumers gets.
pub(super) fn start(
    mut source: Box<dyn Source>,
    config: FrontConfig,
    shared: &Arc<Shared>,
    workers: &mut Workers,
) -> Vec<Receiver<Feed>> {
    let FrontConfig { limit, rules, decoders, shards, consumers, .. } = config;
    let (raw_sender, raw_receiver) = bounded(QUEUE);
    let (used_sender, used_receiver) = bounded(2 * QUEUE + decoders);
    let (home, spare) = bounded(2 * QUEUE + decoders);
    let (feeds, receivers): (Vec<_>, Vec<_>) = (0..consumers).map(|_| bounded(QUEUE)).unzip();
    let shared = Arc::clone(shared);
    workers.spawn_detached("nfstream-reader", move || {
        read(source.as_mut(), limit, &shared, &raw_sender, &used_receiver);
        Ok(())
    });
    let dispatch = Arc::new(Mutex::new(Dispatch::new(feeds, shards, rules)));
    for number in 0..decoders {
        let (raw, used) = (raw_receiver.clone(), used_sender.clone());
        let dispatch = Arc::clone(&dispatch);
        let (home, spare) = (home.clone(), spare.clone());
        workers.spawn(&format!("nfstream-decoder-{number}"), move || {
            let decoder = Decoder { config, home: &home, spare: &spare };
            decode(&raw, &used, &dispatch, &decoder);
            Ok(())
        });
    }
    receivers
}

/// Reads until the source ends or nobody listens. Used chunks come back through `used`.
fn read(
    source: &mut dyn Source,
    limit: usize,
    shared: &Shared,
    raw: &Sender<Raw>,
    used: &Receiver<Chunk>,
) {
    let mut clock = StreamClock::new();
    let mut time = Timestamp::default();
    for number in 0.. {
        let mut chunk = used.try_recv().unwrap_or_default();
        let outcome = shared.read(source, &mut chunk, limit);
        let tally = Tally::of(source, &chunk);
        let content = if let Ok(true) = outcome {
            let mut ticks = Vec::new();
            clock.follow(&chunk, &mut ticks);
            time = chunk.end_time().unwrap_or(time);
            Content::Chunk { chunk, ticks, tally }
        } else {
            let failure = Mutex::new(outcome.err().map(RunError::Capture));
            Content::End(End { time, tally, failure })
        };
        let ended = matches!(content, Content::End(_));
        if raw.send(Raw { number, content }).is_err() || ended {
            return;
        }
    }
}

/// Decodes chunks until there are no more or nobody listens.
fn decode(
    raw: &Receiver<Raw>,
    used: &Sender<Chunk>,
    dispatch: &Mutex<Dispatch>,
    decoder: &Decoder<'_>,
) {
    for Raw { number, content } in raw {
        let ready = match content {
            Content::End(end) => Ready::End(Arc::new(end)),
            Content::Chunk { mut chunk, ticks, tally } => {
                let decoded = decoder.decode(&chunk, ticks, tally);
                // The records are done with; their memory serves the reader again.
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

/// What decodes a chunk.
struct Decoder<'a> {
    config: FrontConfig,
    home: &'a Sender<Packets>,
    spare: &'a Receiver<Packets>,
}

impl Decoder<'_> {
    fn decode(&self, chunk: &Chunk, mut ticks: Vec<Tick>, mut tally: Tally) -> Decoded {
        let frames = chunk.bytes.as_slice();
        let mut content = self.spare.try_recv().unwrap_or_default();
        content.clear();
        content.all.reserve(chunk.records.len());
        let mut decode = |records: &[RawRecord], packets: &mut Vec<Packet>| {
            decode_all(records, frames, self.config.decode, packets, &mut tally.ignored);
        };
        let mut start = 0;
        for tick in &mut ticks {
            decode(&chunk.records[start..tick.index], &mut content.all);
            start = tick.index;
            tick.index = content.all.len();
        }
        decode(&chunk.records[start..], &mut content.all);
        content.share(self.config.shards);
        Decoded { bytes: chunk.bytes.clone(), content, ticks, tally, home: self.home.clone() }
    }
}

/// Returns which of `shards` gets `packet`: the same for all packets between two addresses.
fn shard(packet: &Packet, shards: usize) -> usize {
    let shards = u64::try_from(shards).unwrap_or(u64::MAX);
    usize::try_from(hash_of_addresses(packet) % shards).unwrap_or(0)
}

enum Ready {
    Chunk(Box<Decoded>),
    End(Arc<End>),
}

/// Brings chunks back into order and does what has to be done in it.
struct Dispatch {
    next: u64,
    early: BTreeMap<u64, Ready>,
    fragments: FragmentTable,
    run_clock: Option<RunClock>,
    feeds: Vec<Sender<Feed>>,
    shards: usize,
}

impl Dispatch {
    fn new(feeds: Vec<Sender<Feed>>, shards: usize, rules: Rules) -> Self {
        let fragments = FragmentTable::default();
        let run_clock = (rules == Rules::Nfstream6).then(RunClock::default);
        Self { next: 0, early: BTreeMap::new(), fragments, run_clock, feeds, shards }
    }

    /// Sends what is ready by now, in order; returns whether anybody listens.
    fn send(&mut self, number: u64, ready: Ready) -> bool {
        self.early.insert(number, ready);
        while let Some(ready) = self.early.remove(&self.next) {
            self.next += 1;
            let feed = match ready {
                Ready::Chunk(mut decoded) => {
                    self.resolve_fragments(&mut decoded);
                    if let Some(clock) = &mut self.run_clock {
                        clock.stamp(&mut decoded.content.all);
                    }
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

    fn resolve_fragments(&mut self, decoded: &mut Decoded) {
        let frames = decoded.bytes.as_slice();
        let mut joined = false;
        for packet in &mut decoded.content.all {
            if packet.fragment != Fragment::Whole {
                self.fragments.resolve(packet, packet.frame(frames));
                joined |= packet.fragment == Fragment::Later;
            }
        }
        // In a tunnel the first fragment has other addresses than those that follow it.
        if joined {
            decoded.content.share(self.shards);
        }
    }
}
