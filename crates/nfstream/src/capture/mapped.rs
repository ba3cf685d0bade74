//! An uncompressed file, read where it is mapped.

use std::fs::File;
use std::sync::Arc;

use nfstream_sys::Mapping;

use super::format::Parser;
use super::outcome::{End, Failure};
use super::parsed::Stop;
use crate::packet::{Chunk, ChunkBytes};

/// Bytes of one chunk, unless a single record is longer.
const WINDOW: usize = 16 << 20;
/// Bytes behind the reader that stay resident: packets that are still being worked on.
const KEPT: usize = 64 << 20;
/// Bytes that are released at once.
const RELEASED: usize = 8 << 20;

/// A mapped file and how far it was read.
#[derive(Debug)]
pub(super) struct Mapped {
    file: File,
    mapping: Arc<Mapping>,
    position: usize,
    /// Where the part that may be resident begins.
    resident: usize,
}

impl Mapped {
    /// Reads `file` through its `mapping`, from `position` on.
    pub(super) fn new(file: File, mapping: Mapping, position: usize) -> Self {
        mapping.advise_sequential();
        Self { file, mapping: Arc::new(mapping), position, resident: 0 }
    }

    /// Fills `chunk`, or returns why there is nothing to fill it with.
    pub(super) fn read(
        &mut self,
        parser: &mut Parser,
        chunk: &mut Chunk,
        limit: usize,
    ) -> Result<Option<End>, Failure> {
        let mut window = WINDOW;
        loop {
            self.release();
            let start = self.position;
            let end = self.mapping.len().min(start.saturating_add(window));
            let bytes = self.mapping.get(start..end).unwrap_or_default();
            let parsed = parser.parse(bytes, 0, &mut chunk.records, limit);
            self.position += parsed.next;
            // Before anything is believed, be it packets or damage.
            self.check()?;
            if !chunk.records.is_empty() {
                let range = start..self.position;
                chunk.bytes = ChunkBytes::Mapped(Arc::clone(&self.mapping), range);
                return Ok(None);
            }
            match parsed.stop {
                Stop::Corrupt { what } => {
                    return Err(Failure::Corrupt { offset: self.progress(), what });
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

    /// Returns how many bytes were read.
    pub(super) fn progress(&self) -> u64 {
        u64::try_from(self.position).unwrap_or(u64::MAX)
    }

    /// Keeps the memory of a long file low. The pages come back if someone still reads them.
    fn release(&mut self) {
        while self.position.saturating_sub(self.resident) >= KEPT + RELEASED {
            self.mapping.release(self.resident..self.resident + RELEASED);
            self.resident += RELEASED;
        }
    }

    /// Fails if the file became shorter. A mapping alone does not see a cut within a page.
    fn check(&self) -> Result<(), Failure> {
        let now = self.file.metadata().map_err(Failure::Io)?.len();
        let mapped = u64::try_from(self.mapping.len()).unwrap_or(u64::MAX);
        if self.mapping.is_intact() && now >= mapped { Ok(()) } else { Err(Failure::Changed) }
    }
}
