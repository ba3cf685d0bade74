//! Writer of records to a sink.

use std::fmt::{self, Debug, Formatter};

use super::{Sink, SinkError, Written};
use crate::features::{Record, RecordPool};
use crate::host::now;
use crate::table::{Table, TableBuilder};
use crate::time::Timestamp;

/// Builds a table from records and writes it to a sink.
///
/// The table is aborted if this is dropped without [`finish`](Self::finish).
pub struct TableWriter<S: Sink> {
    builder: TableBuilder,
    sink: S,
    /// Span in which the last flows ended, if the sink divides the table by time.
    period: Option<Timestamp>,
    is_finished: bool,
}

impl<S: Sink> TableWriter<S> {
    /// Opens `sink` for `table`; records are returned to `pool`.
    ///
    /// # Errors
    ///
    /// Those of [`Sink::open`].
    pub fn open(table: &Table, pool: RecordPool, mut sink: S) -> Result<Self, SinkError> {
        sink.open(table.schema(), table.provenance())?;
        Ok(Self { builder: table.builder(pool), sink, period: None, is_finished: false })
    }

    /// Adds a row for each of `records`, and writes full batches.
    ///
    /// # Errors
    ///
    /// Those of [`Sink::write`].
    pub fn write(&mut self, records: Vec<Record>) -> Result<(), SinkError> {
        self.write_from(records, "")
    }

    /// Adds a row for each of `records`, all of one origin.
    ///
    /// # Errors
    ///
    /// Those of [`Sink::write`].
    pub fn write_from(&mut self, records: Vec<Record>, origin: &str) -> Result<(), SinkError> {
        let Some(every) = self.sink.every() else { return self.append(records, origin) };
        let mut left = records;
        while let Some(first) = left.first() {
            let period = first.ended.start_of(every);
            let is_other = |record: &Record| record.ended.start_of(every) != period;
            let rest = left.iter().position(is_other).map(|place| left.split_off(place));
            self.begin_period(period)?;
            self.append(left, origin)?;
            left = rest.unwrap_or_default();
        }
        Ok(())
    }

    /// Completes the part of a span of time that is over, while no flows end: its file appears
    /// although no flow of the next span has ended. Does nothing for captures from the past.
    ///
    /// # Errors
    ///
    /// Those of [`Sink::begin_period`].
    pub fn settle(&mut self) -> Result<(), SinkError> {
        let (Some(every), Some(period)) = (self.sink.every(), self.period) else { return Ok(()) };
        let now = now().start_of(every);
        if period.plus(every) == now { self.begin_period(now) } else { Ok(()) }
    }

    fn begin_period(&mut self, start: Timestamp) -> Result<(), SinkError> {
        if self.period != Some(start) {
            self.write_rest()?;
            self.sink.begin_period(start)?;
            self.period = Some(start);
        }
        Ok(())
    }

    fn append(&mut self, records: Vec<Record>, origin: &str) -> Result<(), SinkError> {
        for batch in self.builder.append_from(records, origin)? {
            self.sink.write(&batch)?;
        }
        self.write_due()
    }

    /// Writes all rows so far, and flushes the sink.
    ///
    /// # Errors
    ///
    /// Those of [`Sink::write`].
    pub fn flush(&mut self) -> Result<(), SinkError> {
        self.write_rest()?;
        self.sink.flush()
    }

    /// Writes all rows so far if the sink should not wait longer for a full batch.
    ///
    /// # Errors
    ///
    /// Those of [`Sink::write`].
    pub fn write_due(&mut self) -> Result<(), SinkError> {
        if self.sink.is_due() { self.flush() } else { Ok(()) }
    }

    /// Completes the table and returns what was written and what was dropped.
    ///
    /// # Errors
    ///
    /// Those of [`Sink::write`] and [`Sink::finish`].
    pub fn finish(mut self) -> Result<Written, SinkError> {
        self.write_rest()?;
        self.is_finished = true;
        self.sink.finish()
    }

    /// Sets the pool of the following records, which belong to another run.
    pub fn set_pool(&mut self, pool: RecordPool) {
        self.builder.set_pool(pool);
    }

    /// Returns the sink.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    fn write_rest(&mut self) -> Result<(), SinkError> {
        match self.builder.rest()? {
            Some(batch) => self.sink.write(&batch),
            None => Ok(()),
        }
    }
}

impl<S: Sink> Drop for TableWriter<S> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.sink.abort();
        }
    }
}

impl<S: Sink> Debug for TableWriter<S> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableWriter").field("written", &self.sink.written()).finish_non_exhaustive()
    }
}
