//! Writes the packets of a piece into blocks.

use std::num::NonZeroUsize;

use super::block::{Block, CHUNK_PACKETS, Counts, Joined, STRETCH_MARKS};
use super::error::BlockError;
use super::piece::{MAX_FILES, MAX_PACKETS, Piece, Place};
use crate::capture::{self, ReadProgress, Source, Warning};
use crate::flow::{FragmentTable, Mark, Marks, Tick, shard};
use crate::packet::{Chunk, Fragment};
use crate::pipeline::config::{Config, Dialect, Rules};
use crate::pipeline::decoder::{Decoded, Decoder};
use crate::pipeline::duplicates::DuplicateFinder;
use crate::pipeline::error::RunError;
use crate::pipeline::tally::Tally;
use crate::pipeline::ticks::stretches;
use crate::time::Timestamp;

/// Bytes of all shards' frames after which their blocks are complete.
const STRETCH_BYTES: usize = 32 << 20;
/// Bytes of one shard's frames after which all blocks are complete: a reduction holds a block.
const BLOCK_BYTES: usize = 4 << 20;
/// Packets after which blocks are complete.
const STRETCH_PACKETS: u32 = 1 << 24;

/// Reads a piece of a stream, and divides its packets among the blocks of shards.
pub struct BlockWriter {
    source: Box<dyn Source>,
    /// Files before the piece, until they have been read.
    earlier: Option<Box<dyn Source>>,
    piece: Piece,
    decoder: Decoder,
    duplicates: Option<DuplicateFinder>,
    fragments: FragmentTable,
    marks: Marks,
    chunk: Chunk,
    decoded: Decoded,
    found: Vec<Mark>,
    limit: usize,
    /// Packets of this stretch.
    packets: u32,
    /// Facts that the blocks of all shards share.
    shared: Block,
    shards: Vec<Block>,
    /// Number of the next block.
    block: u32,
    has_ended: bool,
    warnings: Vec<Warning>,
}

impl BlockWriter {
    /// Reads `source`, the files of `piece`. `earlier` are files before it that may hold first
    /// fragments and duplicates, as many as [`look_back`](Self::look_back) requires; they are read
    /// only where that is needed.
    ///
    /// # Errors
    ///
    /// [`BlockError::Unsupported`] for a run that needs all packets in one process.
    pub fn new(
        source: Box<dyn Source>,
        earlier: Option<Box<dyn Source>>,
        piece: Piece,
        shards: NonZeroUsize,
        config: &Config,
    ) -> Result<Self, RunError> {
        check(config)?;
        // The bytes of files on other machines are counted, unlike those of a pipe.
        let is_pipe = source.may_wait() && source.progress().total_bytes.is_none();
        if source.reception().is_some() || is_pipe {
            return Err(BlockError::Unsupported { what: "a live source or a pipe" }.into());
        }
        if piece.file >= MAX_FILES {
            return Err(
                BlockError::Unsupported { what: "a set of more than 16,777,216 files" }.into()
            );
        }
        let duplicates = config.duplicates.map(|one| DuplicateFinder::new(one, config.decode));
        let mut writer = Self {
            source,
            earlier,
            piece,
            decoder: config.decoder(),
            duplicates,
            fragments: FragmentTable::default(),
            marks: Marks::new(),
            chunk: Chunk::default(),
            decoded: Decoded::default(),
            found: Vec::new(),
            limit: config.chunk_packets.get().min(CHUNK_PACKETS),
            packets: 0,
            shared: Block { options: config.decode, ..Block::default() },
            shards: vec![Block::default(); shards.get()],
            block: 0,
            has_ended: false,
            warnings: Vec::new(),
        };
        if writer.duplicates.is_some() {
            writer.look_into_earlier_files();
        }
        Ok(writer)
    }

    /// Returns the time before a piece in which earlier files matter to it.
    pub fn look_back(config: &Config) -> crate::time::Duration {
        let window = config.duplicates.map(|duplicates| duplicates.window);
        window.map_or(FragmentTable::LIFETIME, |window| window.max(FragmentTable::LIFETIME))
    }

    /// Returns the next blocks, one for each shard, `None` after the last ones.
    ///
    /// # Errors
    ///
    /// Why the source cannot be read, and [`BlockError::Overlap`].
    pub fn next_blocks(&mut self) -> Result<Option<Vec<Vec<u8>>>, RunError> {
        if self.has_ended {
            return Ok(None);
        }
        loop {
            if !self.source.read(&mut self.chunk, self.limit)? {
                self.has_ended = true;
                let tally = self.tally();
                self.count(&tally);
                return self.complete().map(Some);
            }
            self.work()?;
            let lens = self.shards.iter().map(|block| block.frames.len());
            if lens.clone().sum::<usize>() >= STRETCH_BYTES
                || lens.max() >= Some(BLOCK_BYTES)
                || self.packets >= STRETCH_PACKETS
                || self.shared.marks.len() >= STRETCH_MARKS
            {
                return self.complete().map(Some);
            }
        }
    }

    /// Takes the warnings since the last call.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// Returns the read position.
    pub fn progress(&self) -> ReadProgress {
        self.source.progress()
    }

    fn tally(&mut self) -> Tally {
        Tally::of(self.source.as_mut(), &self.chunk)
    }

    /// Divides the packets of the chunk among the shards.
    fn work(&mut self) -> Result<(), RunError> {
        if let Some(duplicates) = &mut self.duplicates {
            duplicates.find(&mut self.chunk);
        }
        self.check_order()?;
        let mut tally = self.tally();
        self.shared.end = self.chunk.end_time().or(self.shared.end);
        self.found.clear();
        self.marks.find(&self.chunk.records, self.chunk.bytes.as_slice(), &mut self.found);
        self.decoded.clear();
        let frames = self.chunk.bytes.clone();
        let frames = frames.as_slice();
        let as_tick = |mark: &Mark| Tick { index: mark.index, time: mark.earliest };
        let ticks: Vec<_> = self.found.iter().map(as_tick).collect();
        let before = usize::try_from(self.packets).unwrap_or(usize::MAX);
        for stretch in stretches(&ticks, self.chunk.records.len(), usize::MAX) {
            let records = self.chunk.records.get(stretch.range).unwrap_or_default();
            self.decoder.decode(records, frames, &mut self.decoded, &mut tally);
            if let Some(earliest) = stretch.tick {
                let index = before + self.decoded.packets.len();
                self.shared.marks.push(Mark { index, earliest });
            }
        }
        self.resolve_fragments();
        self.shared.clues.append(&self.decoded.clues, before);
        let shards = self.shards.len();
        for packet in &self.decoded.packets {
            if let Some(block) = self.shards.get_mut(shard(packet, shards)) {
                if packet.fragment == Fragment::Later {
                    block.joined.push((block.records.len(), Joined::of(packet)));
                }
                block.add(self.packets, packet, frames);
            }
            self.packets += 1;
        }
        self.count(&tally);
        Ok(())
    }

    /// Checks that no packet belongs after the start of the next piece.
    fn check_order(&self) -> Result<(), BlockError> {
        let Some((next, start)) = &self.piece.next else { return Ok(()) };
        match capture::latest(&self.chunk.records) {
            Some(latest) if latest > *start => {
                let (file, next) = (capture::name_of(&self.piece.last), capture::name_of(next));
                Err(BlockError::Overlap { file, next })
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, tally: &Tally) {
        let Counts { ignored, duplicates, damaged } = &mut self.shared.counts;
        ignored.merge(&tally.ignored);
        *duplicates += tally.duplicates;
        let files = tally.warnings.iter().filter(|warning| warning.is_damage()).count();
        *damaged += u64::try_from(files).unwrap_or(0);
        self.warnings.extend(tally.warnings.iter().cloned());
    }

    /// Gives later fragments the ports of their first ones, which may be in earlier files.
    fn resolve_fragments(&mut self) {
        let mut ids = std::mem::take(&mut self.decoded.fragments).into_iter();
        let mut packets = std::mem::take(&mut self.decoded.packets);
        for packet in packets.iter_mut().filter(|packet| packet.fragment != Fragment::Whole) {
            let Some(id) = ids.next() else { break };
            if !self.fragments.resolve_one(packet, id) && self.earlier.is_some() {
                self.look_into_earlier_files();
                self.fragments.resolve_one(packet, id);
            }
        }
        self.decoded.packets = packets;
    }

    /// Reads the files before the piece for what they leave to it.
    fn look_into_earlier_files(&mut self) {
        let Some(mut earlier) = self.earlier.take() else { return };
        let (mut chunk, mut decoded) = (Chunk::default(), Decoded::default());
        let decoder = Decoder { reads_clues: false, ..self.decoder };
        let mut fragments = FragmentTable::default();
        // Their own task reports damage.
        while earlier.read(&mut chunk, self.limit).unwrap_or(false) {
            // Fragments are needed later than duplicates, whose window begins with the piece.
            if let Some(duplicates) = &mut self.duplicates {
                duplicates.find(&mut chunk);
            }
            decoded.clear();
            let frames = chunk.bytes.as_slice();
            decoder.decode(&chunk.records, frames, &mut decoded, &mut Tally::default());
            fragments.resolve(&mut decoded.packets, &decoded.fragments);
        }
        fragments.continue_with(&self.fragments);
        self.fragments = fragments;
    }

    /// Returns the blocks of the stretch, and begins the next one.
    fn complete(&mut self) -> Result<Vec<Vec<u8>>, RunError> {
        self.shared.open = self.marks.take_open();
        let shards = u32::try_from(self.shards.len()).unwrap_or(u32::MAX);
        let mut blocks = Vec::with_capacity(self.shards.len());
        for (shard, block) in (0..).zip(&mut self.shards) {
            let place = Place {
                stream: self.piece.stream,
                piece: self.piece.number,
                pieces: self.piece.pieces,
                file: self.piece.file,
                block: self.block,
                is_last: self.has_ended,
                shard,
                shards,
            };
            let bytes = block.encode(&place, &self.shared, shard == 0);
            blocks.push(bytes.map_err(|error| BlockError::Source(error.into()))?);
            block.clear();
        }
        self.block += 1;
        let start = self.shared.start + u64::from(std::mem::take(&mut self.packets));
        if start > MAX_PACKETS {
            let what = "a task of more than 4,294,967,296 packets";
            return Err(BlockError::Unsupported { what }.into());
        }
        let Block { options, end, .. } = self.shared;
        self.shared = Block { options, start, end, ..Block::default() };
        Ok(blocks)
    }

    /// Returns the time of the last packet so far.
    pub fn time(&self) -> Option<Timestamp> {
        self.shared.end
    }
}

/// Checks that a run can be divided among processes.
pub(super) fn check(config: &Config) -> Result<(), BlockError> {
    let unsupported = |what| Err(BlockError::Unsupported { what });
    match config {
        Config { max_flows: Some(_), .. } => unsupported("max_nflows"),
        Config { processes: Some(_), .. } => unsupported("the attribution of flows to processes"),
        Config { rules, dialect, .. }
            if *rules != Rules::Standard || *dialect != Dialect::Standard =>
        {
            unsupported("the behaviour of nfstream 6")
        }
        _ => Ok(()),
    }
}
