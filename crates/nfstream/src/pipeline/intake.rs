//! The source of a run, and the work done in the thread that reads it.

use std::mem;
use std::sync::Arc;

use super::duplicates::DuplicateFinder;
use super::outcome::Outcome;
use super::shared::Shared;
use super::tally::Tally;
use crate::capture::Source;
use crate::flow::{StreamClock, Tick};
use crate::host::Polling;
use crate::packet::Chunk;
use crate::time::Timestamp;

/// The source of a run and the clock of its stream.
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
    clock: StreamClock,
    /// Time of the last packet, or a later time up to which all packets have arrived.
    time: Timestamp,
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
        let (clock, time) = (StreamClock::new(), Timestamp::default());
        Self { source, limit, duplicates, polling, is_stopping: false, shared, clock, time }
    }

    /// Fills `chunk` and `ticks`, or returns the outcome of the source.
    pub(super) fn read(&mut self, chunk: &mut Chunk, ticks: &mut Vec<Tick>) -> Option<Outcome> {
        ticks.clear();
        if self.shared.is_stopped() {
            if !mem::replace(&mut self.is_stopping, true)
                && let Some(polling) = &self.polling
            {
                // Flows are about to end; some have sockets newer than the table.
                polling.update_now();
            }
            if !self.source.stop() {
                chunk.clear();
                return Some(Outcome::Complete);
            }
        }
        match self.source.read(chunk, self.limit) {
            Ok(true) => {}
            Ok(false) => return Some(Outcome::Complete),
            Err(error) => return Some(Outcome::Failed(error.into())),
        }
        if let Some(duplicates) = &mut self.duplicates {
            duplicates.find(chunk);
        }
        self.clock.follow(chunk, ticks);
        self.time = chunk.end_time().unwrap_or(self.time);
        None
    }

    /// Returns the counts of a chunk that was just read.
    pub(super) fn tally(&mut self, chunk: &Chunk) -> Tally {
        Tally::of(self.source.as_mut(), chunk)
    }

    /// Returns the time of the stream.
    pub(super) fn time(&self) -> Timestamp {
        self.time
    }
}
