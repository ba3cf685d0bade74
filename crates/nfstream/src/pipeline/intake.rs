//! The source of a run, and the work done in the thread that reads it.

use std::mem;
use std::sync::Arc;

use super::duplicates::DuplicateFinder;
use super::outcome::Outcome;
use super::shared::Shared;
use super::tally::Tally;
use crate::capture::{FileRange, Part, Source};
use crate::host::Polling;
use crate::packet::Chunk;

/// The source of a run.
pub(super) struct Intake {
    source: Box<dyn Source>,
    /// Most packets of a chunk.
    limit: usize,
    /// Finds exact duplicates; `None` if they are treated like other packets.
    duplicates: Option<DuplicateFinder>,
    /// Updates the process table while packets are read.
    polling: Option<Polling>,
    /// Whether the run's stop was noticed.
    is_stopping: bool,
    shared: Arc<Shared>,
}

/// Result of reading the next part of the source.
pub(super) enum Taken {
    /// Packets, in a chunk.
    Packets,
    /// A range of a file. The chunk is empty.
    Range(FileRange),
    /// The source has ended.
    End(Outcome),
}

impl Intake {
    pub(super) fn new(
        mut source: Box<dyn Source>,
        limit: usize,
        duplicates: Option<DuplicateFinder>,
        polling: Option<Polling>,
        shared: Arc<Shared>,
    ) -> Self {
        source.stop_with(shared.input());
        Self { source, limit, duplicates, polling, is_stopping: false, shared }
    }

    /// Fills `chunk`, or returns the outcome of the source.
    pub(super) fn read(&mut self, chunk: &mut Chunk) -> Option<Outcome> {
        match self.read_part(chunk, false) {
            Taken::End(outcome) => Some(outcome),
            Taken::Packets | Taken::Range(_) => None,
        }
    }

    /// Fills `chunk`, or returns the outcome of the source or, if `divides`, a range of a long file.
    pub(super) fn read_part(&mut self, chunk: &mut Chunk, divides: bool) -> Taken {
        if self.shared.is_stopped() {
            if !mem::replace(&mut self.is_stopping, true)
                && let Some(polling) = &self.polling
            {
                // Flows are about to end; some have sockets newer than the table.
                polling.update_now();
            }
            if !self.source.stop() {
                chunk.clear();
                return Taken::End(Outcome::Complete);
            }
        }
        // Duplicates are found among all packets, in their order.
        let part = if divides && self.duplicates.is_none() {
            self.source.read_part(chunk, self.limit)
        } else {
            let read = self.source.read(chunk, self.limit);
            read.map(|more| if more { Part::Packets } else { Part::End })
        };
        match part {
            Ok(Part::Packets) => {}
            Ok(Part::Range(range)) => return Taken::Range(range),
            Ok(Part::End) => return Taken::End(Outcome::Complete),
            Err(error) => return Taken::End(Outcome::Failed(error.into())),
        }
        if let Some(duplicates) = &mut self.duplicates {
            duplicates.find(chunk);
        }
        Taken::Packets
    }

    /// Returns the counts of a chunk that was just read.
    pub(super) fn tally(&mut self, chunk: &Chunk) -> Tally {
        Tally::of(self.source.as_mut(), chunk)
    }

    /// Returns the most packets of a chunk.
    pub(super) fn chunk_packets(&self) -> usize {
        self.limit
    }
}
