//! Meters the blocks of one shard.

use std::sync::Arc;

use super::block::Block;
use super::error::BlockError;
use super::piece::Place;
use super::writer::check;
use crate::decode;
use crate::flow::{Mark, StreamClock};
use crate::meter::{Hooks, Standard};
use crate::packet::{ChunkBytes, Packet};
use crate::pipeline::config::{Config, MeterParts};
use crate::pipeline::error::RunError;
use crate::pipeline::outcome::{Advance, Outcome};
use crate::pipeline::shared::Shared;
use crate::pipeline::single::{Metering, PIECE};
use crate::pipeline::tally::Tally;
use crate::pipeline::ticks::stretches;
use crate::time::Timestamp;

/// Blocks of one shard in their order.
pub trait BlockSource: Send {
    /// Returns the next block, `None` after the last one.
    ///
    /// # Errors
    ///
    /// Why it cannot be fetched.
    fn next_block(&mut self) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>>;
}

impl<I: Iterator<Item = Vec<u8>> + Send> BlockSource for I {
    fn next_block(&mut self) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.next())
    }
}

/// The meter of one shard, and the blocks that it reads.
pub(in crate::pipeline) struct Reduction {
    blocks: Box<dyn BlockSource>,
    clock: StreamClock,
    /// Place of the last block.
    place: Option<Place>,
    /// Time of the last packet of the stream.
    time: Timestamp,
    packets: Vec<Packet>,
    metering: Metering<Standard>,
}

impl Reduction {
    pub(in crate::pipeline) fn new(
        mut blocks: Box<dyn BlockSource>,
        parts: MeterParts,
        config: &Config,
        shared: Arc<Shared>,
    ) -> Result<Self, BlockError> {
        check(config)?;
        // The first block gives the number of shards, on which limits depend.
        let first = blocks.next_block().map_err(BlockError::Source)?;
        let shards = match &first {
            Some(bytes) => Block::decode(bytes)?.0.shards,
            None => 1,
        };
        let blocks = Box::new(Returned { first, rest: blocks });
        let shards = usize::try_from(shards).unwrap_or(usize::MAX).max(1);
        Ok(Self {
            blocks,
            clock: StreamClock::new(),
            place: None,
            time: Timestamp::default(),
            packets: Vec::new(),
            metering: Metering::new(shards, parts, config, shared),
        })
    }

    pub(in crate::pipeline) fn advance<H: Hooks>(
        &mut self,
        hooks: &mut H,
    ) -> Result<Advance, RunError> {
        let blocks = &mut self.blocks;
        let next = hooks.while_waiting(|| blocks.next_block()).map_err(BlockError::Source)?;
        let Some(bytes) = next else {
            if let Some(place) = self.place.filter(|place| !place.ends_stream()) {
                return Err(BlockError::Missing { expected: Box::new(place.next()) }.into());
            }
            return self.metering.finish(self.time, &Tally::default(), Outcome::Complete, hooks);
        };
        let (place, mut block) = Block::decode(&bytes)?;
        drop(bytes);
        if !place.follows(self.place.as_ref()) {
            let start = Place { piece: 0, block: 0, ..place };
            let expected = self.place.map_or(start, |before| before.next());
            let misplaced =
                BlockError::Misplaced { expected: Box::new(expected), found: Box::new(place) };
            return Err(misplaced.into());
        }
        self.place = Some(place);
        self.time = block.end.unwrap_or(self.time);
        let ignored = std::mem::take(&mut block.counts.ignored);
        let packets = u64::try_from(block.records.len()).unwrap_or(u64::MAX);
        let tally = Tally {
            packets: packets.saturating_add(ignored.total()),
            ignored,
            duplicates: block.counts.duplicates,
            damaged: block.counts.damaged,
            ..Tally::default()
        };
        let mut meter = self.metering.meter.take(false);
        meter.number_by_place(place.first_birth(block.start));
        meter.note(&block.clues);
        drop(meter);
        let mut records = Vec::new();
        self.work(block, &mut records, hooks)?;
        self.metering.count(&tally, &records);
        Ok(Advance { records, outcome: None })
    }

    fn work<H: Hooks>(
        &mut self,
        mut block: Block,
        out: &mut Vec<crate::features::Record>,
        hooks: &mut H,
    ) -> Result<(), RunError> {
        let bytes = ChunkBytes::Owned(Arc::new(std::mem::take(&mut block.frames)));
        let mut joined = block.joined.iter().peekable();
        // Ticks at indices of this shard's packets.
        let ticks: Vec<_> = block
            .marks
            .iter()
            .map(|mark| {
                let is_before =
                    |number: &u32| usize::try_from(*number).is_ok_and(|n| n < mark.index);
                let index = block.numbers.partition_point(is_before);
                self.clock.complete(Mark { index, ..*mark })
            })
            .collect();
        self.clock.extend(block.open);
        for piece in stretches(&ticks, block.records.len(), PIECE) {
            let range = piece.range;
            let start = range.start;
            self.packets.clear();
            for record in block.records.get(range.clone()).unwrap_or_default() {
                let frame = record.frame(bytes.as_slice());
                let packet = decode::decode(record, frame, block.options, &mut Vec::new());
                let what = "a packet";
                let mut packet = packet.map_err(|_| BlockError::Damaged { what })?;
                let index = start + self.packets.len();
                if let Some((_, ends)) = joined.next_if(|(of, _)| *of == index) {
                    ends.give(&mut packet);
                }
                self.packets.push(packet);
            }
            let numbers = block.numbers.get(range).unwrap_or_default().iter().copied();
            let packets = numbers.zip(&self.packets);
            let metered = self.metering.meter.take(H::ACTIVE).process(&bytes, packets, hooks);
            metered.map_err(RunError::Hook)?;
            if let Some(time) = piece.tick {
                self.metering.tick(time, out, hooks).map_err(RunError::Hook)?;
            }
        }
        Ok(())
    }
}

/// Source whose first block was taken and is returned again.
struct Returned {
    first: Option<Vec<u8>>,
    rest: Box<dyn BlockSource>,
}

impl BlockSource for Returned {
    fn next_block(&mut self) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
        match self.first.take() {
            Some(block) => Ok(Some(block)),
            None => self.rest.next_block(),
        }
    }
}
