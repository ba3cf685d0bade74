//! Decoding of chunks and ranges, independent of what comes before them.

use super::decoder::Decoder;
use super::feed::{FedChunk, Packets};
use super::sync::{Receiver, Sender};
use super::tally::Tally;
use super::ticks::stretches;
use crate::capture::{FileRange, Found};
use crate::flow::{Mark, Marks, Sharding, Tick};
use crate::packet::Chunk;
use crate::time::Timestamp;

/// Decoding in one thread.
pub(super) struct Decoding<'a> {
    pub(super) decoder: Decoder,
    /// Division of the packets among the meters.
    pub(super) sharding: Sharding,
    /// Maximum number of packets of a chunk.
    pub(super) chunk_packets: usize,
    /// Returns memory of packets.
    pub(super) home: &'a Sender<Packets>,
    /// Memory of packets that was returned.
    pub(super) spare: &'a Receiver<Packets>,
}

/// Decoded chunk, apart from what depends on earlier ones.
#[derive(Debug)]
pub(super) struct DecodedChunk {
    /// The chunk, without ticks.
    pub(super) chunk: FedChunk,
    /// Ends of windows of the clock.
    pub(super) marks: Vec<Mark>,
    /// Number of decoded packets before each.
    pub(super) places: Vec<usize>,
    /// Packets, decoded or not.
    pub(super) records: usize,
    /// Earliest time since the last mark.
    pub(super) open: Timestamp,
    /// Time before which all packets have been read.
    pub(super) settled: Option<Timestamp>,
    /// End of the chunk, `None` if it is empty.
    pub(super) end: Option<Timestamp>,
}

/// Decoded range of a file, which must still be settled.
pub(super) struct DecodedRange {
    pub(super) range: FileRange,
    pub(super) found: Found,
    pub(super) chunks: Vec<DecodedChunk>,
    pub(super) tally: Tally,
}

impl Decoding<'_> {
    /// Decodes a chunk with the counts `tally`.
    pub(super) fn decode(&mut self, chunk: &Chunk, mut tally: Tally) -> DecodedChunk {
        let frames = chunk.bytes.as_slice();
        let (mut open, mut marks) = (Marks::new(), Vec::new());
        open.find(&chunk.records, frames, &mut marks);
        let as_tick = |mark: &Mark| Tick { index: mark.index, time: mark.earliest };
        let ticks: Vec<_> = marks.iter().map(as_tick).collect();
        let mut content = self.spare.try_recv().unwrap_or_default();
        content.clear();
        content.decoded.packets.reserve(chunk.records.len());
        let mut places = Vec::with_capacity(ticks.len());
        for stretch in stretches(&ticks, chunk.records.len(), usize::MAX) {
            let records = chunk.records.get(stretch.range).unwrap_or_default();
            self.decoder.decode(records, frames, &mut content.decoded, &mut tally);
            if stretch.tick.is_some() {
                places.push(content.decoded.packets.len());
            }
        }
        content.share(&mut self.sharding);
        let (bytes, home) = (chunk.bytes.clone(), self.home.clone());
        DecodedChunk {
            chunk: FedChunk { bytes, content, ticks: Vec::new(), tally, home },
            marks,
            places,
            records: chunk.records.len(),
            open: open.take_open(),
            settled: chunk.settled,
            end: chunk.end_time(),
        }
    }

    /// Finds and decodes the packets of a range with the counts `tally`. `chunk` is memory for them.
    pub(super) fn decode_range(
        &mut self,
        range: FileRange,
        chunk: &mut Chunk,
        tally: Tally,
    ) -> DecodedRange {
        let mut chunks = Vec::new();
        let found = range.find(self.chunk_packets, chunk, |chunk| {
            chunks.push(self.decode(chunk, tally.of_part(chunk)));
        });
        DecodedRange { range, found, chunks, tally }
    }
}
