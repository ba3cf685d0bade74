//! Uncompressed files, read through a mapping.

use std::sync::Arc;

use nfstream_sys::Mapping;

use super::format::Parser;
use super::outcome::{End, Failure};
use super::parsed::Stop;
use crate::packet::{Chunk, ChunkBytes};

/// Bytes of one chunk, unless a single record is longer.
const WINDOW: usize = 16 << 20;
/// Bytes before the read position that stay resident, for packets still in the pipeline.
const KEPT: usize = 64 << 20;
/// Bytes released at once.
const RELEASED: usize = 8 << 20;

/// A mapped file and its read position.
#[derive(Debug)]
pub(super) struct Mapped {
    mapping: Arc<Mapping>,
    position: usize,
    /// Start of the part that may be resident.
    resident: usize,
}

impl Mapped {
    /// Reads the file of `mapping` from `position` on.
    pub(super) fn new(mapping: Mapping, position: usize) -> Self {
        mapping.advise_sequential();
        Self { mapping: Arc::new(mapping), position, resident: 0 }
    }

    /// Fills `chunk`, or returns why it cannot.
    pub(super) fn read(
        &mut self,
        parser: &mut Parser,
        chunk: &mut Chunk,
        limit: usize,
    ) -> Result<Option<End>, Failure> {
        let mut window = WINDOW;
        self.mapping.renew_guard();
        loop {
            self.release();
            let start = self.position;
            let end = self.mapping.len().min(start.saturating_add(window));
            let bytes = self.mapping.get(start..end).unwrap_or_default();
            let parsed = parser.parse(bytes, 0, &mut chunk.records, limit);
            self.position += parsed.next;
            if !chunk.records.is_empty() {
                let range = start..self.position;
                chunk.bytes = ChunkBytes::Mapped(Arc::clone(&self.mapping), range);
                return Ok(None);
            }
            match parsed.stop {
                Stop::Corrupt { what } => {
                    return Err(Failure::Corrupt { offset: self.progress(), what });
                }
                // No packet in these bytes: the next step continues.
                Stop::Short { .. } if end < self.mapping.len() && parsed.next > 0 => {
                    return Ok(None);
                }
                Stop::Short { needed } if end < self.mapping.len() => window = needed.max(WINDOW),
                _ if parsed.next == bytes.len() && parser.unfinished() == 0 => {
                    return Ok(Some(End::Complete));
                }
                _ => {
                    let offset = self.progress().saturating_sub(parser.unfinished());
                    return Ok(Some(End::Truncated { offset }));
                }
            }
        }
    }

    /// Returns the mapping.
    pub(super) fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// Returns the read position.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Continues at `position`, up to which other threads have read.
    pub(super) fn continue_at(&mut self, position: usize) {
        self.mapping.renew_guard();
        self.position = position;
        self.release();
    }

    /// Returns the bytes read.
    pub(super) fn progress(&self) -> u64 {
        u64::try_from(self.position).unwrap_or(u64::MAX)
    }

    /// Keeps the resident memory of a long file low. The pages are loaded again if they are still
    /// read.
    fn release(&mut self) {
        while self.position.saturating_sub(self.resident) >= KEPT + RELEASED {
            self.mapping.release(self.resident..self.resident + RELEASED);
            self.resident += RELEASED;
        }
    }

    /// Returns whether every page was present so far. A mapping alone does not detect a cut within
    /// a page.
    pub(super) fn is_intact(&self) -> bool {
        self.mapping.is_intact()
    }
}
