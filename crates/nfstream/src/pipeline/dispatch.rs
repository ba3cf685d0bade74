//! The part of the front that depends on the order of the stream.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decoding::{DecodedChunk, DecodedRange, Decoding};
use super::feed::{End, FedChunk, Feed, Packets};
use super::outcome::Outcome;
use super::sync::Sender;
use super::tally::Tally;
use crate::capture::Settled;
use crate::flow::{FragmentTable, StreamClock};
use crate::packet::{Chunk, Fragment};
use crate::time::Timestamp;

/// Work of a decoder that waits for its turn.
pub(super) enum Ready {
    Chunk(Box<DecodedChunk>),
    Range(Box<DecodedRange>),
    End { tally: Box<Tally>, outcome: Outcome },
}

/// Restores the order of chunks, and does the work that depends on it.
pub(super) struct Dispatch {
    next: u64,
    early: BTreeMap<u64, Ready>,
    fragments: FragmentTable,
    clock: StreamClock,
    /// Time of the last packet, or a later time up to which all packets have arrived.
    time: Timestamp,
    /// Queues of the consumers, empty once a consumer or a decoder has ended.
    feeds: Vec<Sender<Feed>>,
    /// Permits the reader to continue; `None` once it must end.
    permits: Option<Sender<()>>,
}

impl Dispatch {
    pub(super) fn new(feeds: Vec<Sender<Feed>>, permits: Sender<()>) -> Self {
        Self {
            next: 0,
            early: BTreeMap::new(),
            fragments: FragmentTable::default(),
            clock: StreamClock::new(),
            time: Timestamp::default(),
            feeds,
            permits: Some(permits),
        }
    }

    /// Sends the chunks that are ready, in order; returns whether all consumers are still there.
    pub(super) fn send(&mut self, number: u64, ready: Ready, decoding: &mut Decoding<'_>) -> bool {
        if self.permits.is_none() {
            return false;
        }
        self.early.insert(number, ready);
        while let Some(ready) = self.early.remove(&self.next) {
            self.next += 1;
            // There is room for every permit.
            let _ = self.permits.as_ref().map(|permits| permits.try_send(()));
            let is_sent = match ready {
                Ready::Chunk(chunk) => self.send_chunk(*chunk),
                Ready::Range(range) => {
                    let chunks = settle(*range, decoding);
                    chunks.into_iter().all(|chunk| self.send_chunk(chunk))
                }
                Ready::End { tally, outcome } => {
                    self.feed(&Feed::End(Arc::new(End::new(self.time, *tally, outcome))))
                }
            };
            if !is_sent {
                self.close();
                return false;
            }
        }
        true
    }

    /// Ends the reader, the decoders and the consumers.
    pub(super) fn close(&mut self) {
        self.permits = None;
        self.early.clear();
        self.feeds.clear();
    }

    fn send_chunk(&mut self, chunk: DecodedChunk) -> bool {
        let chunk = self.place(chunk);
        self.feed(&Feed::Chunk(Arc::new(chunk)))
    }

    fn feed(&self, feed: &Feed) -> bool {
        self.feeds.iter().all(|consumer| consumer.send(feed.clone()).is_ok())
    }

    /// Completes the next chunk of the stream: its ticks, and the ports of its fragments.
    fn place(&mut self, decoded: DecodedChunk) -> FedChunk {
        let DecodedChunk { mut chunk, marks, places, records, open, settled, end } = decoded;
        chunk.ticks.extend(marks.into_iter().map(|mark| self.clock.complete(mark)));
        self.clock.extend(open);
        if let Some(time) = settled {
            self.clock.settle(time, records, &mut chunk.ticks);
        }
        let packets = chunk.content.decoded.packets.len();
        let places = places.into_iter().chain(std::iter::repeat(packets));
        for (tick, place) in chunk.ticks.iter_mut().zip(places) {
            tick.index = place;
        }
        self.time = end.unwrap_or(self.time);
        self.resolve_fragments(&mut chunk.content);
        chunk
    }

    /// Gives later fragments the ports of their first ones. In a tunnel, the addresses differ as
    /// well, and with them the meter.
    fn resolve_fragments(&mut self, content: &mut Packets) {
        let ids = std::mem::take(&mut content.decoded.fragments);
        let mut next = 0;
        for id in &ids {
            let rest = content.decoded.packets.get_mut(next..).unwrap_or_default();
            let is_fragment = |packet: &crate::packet::Packet| packet.fragment != Fragment::Whole;
            let Some(skipped) = rest.iter().position(is_fragment) else { break };
            let Some(packet) = rest.get_mut(skipped) else { break };
            let before = *packet;
            self.fragments.resolve_one(packet, *id);
            let is_moved = (before.src.addr, before.dst.addr) != (packet.src.addr, packet.dst.addr);
            let place = next + skipped;
            if is_moved {
                content.share_again(place, &before);
            }
            next = place + 1;
        }
        content.decoded.fragments = ids;
    }
}

/// Returns the packets of the next range of the stream, in at least one chunk; the chunks have the
/// counts of the range.
fn settle(decoded: DecodedRange, decoding: &mut Decoding<'_>) -> Vec<DecodedChunk> {
    let DecodedRange { range, found, mut chunks, tally } = decoded;
    let (mut again, limit) = (Vec::new(), decoding.chunk_packets);
    let read = |chunk: &Chunk| again.push(decoding.decode(chunk, tally.of_part(chunk)));
    match range.settle(found, limit, &mut Chunk::default(), read) {
        Settled::AsFound => {}
        Settled::ReadAgain => chunks = again,
        Settled::Empty => chunks.clear(),
    }
    if chunks.is_empty() {
        let chunk = Chunk::default();
        chunks.push(decoding.decode(&chunk, tally.of_part(&chunk)));
    }
    if let Some(first) = chunks.first_mut() {
        first.chunk.tally.warnings = tally.warnings;
    }
    chunks
}
