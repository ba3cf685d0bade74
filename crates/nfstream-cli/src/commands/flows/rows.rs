//! Selection of the rows of a table.

use std::ops::ControlFlow;
use std::sync::Arc;

use nfstream::features::{Record, RecordPool, Schema};
use nfstream::sink::SinkStatus;
use nfstream::table::Sorted;

use super::Plan;
use crate::error::{Error, Written};
use crate::io::Io;
use crate::output::{Selection, Target};
use crate::reading::Consumer;

/// Writer of the selected rows.
pub(super) struct RowWriter {
    target: Target,
    /// Columns of the runs, the same for all of them.
    schema: Arc<Schema>,
    sorted: Option<Sorted<(usize, Record)>>,
    /// Number of the current source.
    source: usize,
    /// Rows left before the limit.
    left: u64,
    /// Rows written.
    rows: u64,
}

impl RowWriter {
    /// Starts the table of `plan` for runs with the columns of `schema`.
    ///
    /// `names` are those of the sources.
    pub(super) fn new(
        plan: &Plan,
        schema: &Arc<Schema>,
        pool: &RecordPool,
        names: Vec<String>,
        io: &Io<'_>,
    ) -> Result<Self, Error> {
        let is_glance = plan.columns.is_none() && !plan.drops_identifiers;
        let selection = if is_glance { Selection::Glance } else { Selection::User };
        Ok(Self {
            target: Target::new(
                &plan.target,
                schema,
                plan.columns(schema),
                selection,
                pool.clone(),
                names,
                io,
            )?,
            schema: Arc::clone(schema),
            sorted: plan.sort.map(|sort| Sorted::new(sort, plan.limit)),
            source: 0,
            left: plan.limit,
            rows: 0,
        })
    }

    /// Starts the rows of the source with this number.
    pub(super) fn begin(&mut self, source: usize) {
        self.source = source;
    }

    /// Returns the state of a destination other than a file, `None` for others.
    pub(super) fn status(&self) -> Option<&SinkStatus> {
        self.target.status()
    }

    /// Returns the columns that can reveal hidden values of others.
    pub(super) fn revealing(&self) -> &[String] {
        self.target.revealing()
    }

    /// Returns whether the limit is reached.
    pub(super) fn is_full(&self) -> bool {
        self.left == 0 && self.sorted.is_none()
    }

    /// Writes the remaining rows to standard output or another program, before a failure is
    /// reported.
    pub(super) fn write_rest(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        if self.target.path().is_some() {
            return Ok(());
        }
        self.encode_sorted(io)?;
        self.flush(io)
    }

    /// Writes the remaining rows and returns the number of all rows.
    pub(super) fn finish(mut self, io: &mut Io<'_>) -> Result<u64, Error> {
        self.encode_sorted(io)?;
        self.target.finish(io)?;
        Ok(self.rows)
    }

    fn encode_sorted(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        let Some(sorted) = &mut self.sorted else { return Ok(()) };
        // Runs of rows from one source.
        let mut runs: Vec<(usize, Vec<Record>)> = Vec::new();
        for (source, record) in sorted.take() {
            match runs.last_mut() {
                Some((last, records)) if *last == source => records.push(record),
                _ => runs.push((source, vec![record])),
            }
        }
        for (source, records) in runs {
            self.encode(records, source, io)?;
        }
        Ok(())
    }

    fn encode(
        &mut self,
        mut records: Vec<Record>,
        source: usize,
        io: &mut Io<'_>,
    ) -> Result<(), Error> {
        records.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        let rows = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.target.write(records, source, io)?;
        self.left -= rows;
        self.rows += rows;
        Ok(())
    }
}

impl Consumer for RowWriter {
    fn take(
        &mut self,
        records: Vec<Record>,
        pool: &RecordPool,
        io: &mut Io<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        if let Some(sorted) = &mut self.sorted {
            for record in records {
                sorted.add(record, self.schema.names(), |record| (self.source, record));
            }
            return Ok(ControlFlow::Continue(()));
        }
        self.target.set_pool(pool);
        self.encode(records, self.source, io)?;
        Ok(if self.left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn flush(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        // The header waits for the first row, because the input may not be a capture at all.
        if self.rows > 0 { self.target.flush(io) } else { Ok(()) }
    }

    fn notices(&mut self) -> Vec<String> {
        self.target.status().map(SinkStatus::take_notices).unwrap_or_default()
    }

    fn written(&self) -> Written {
        if let Some(status) = self.target.status() {
            return Written::Sent(status.counts().sent_rows, status.name().to_owned());
        }
        match self.target.path() {
            Some((path, true)) => Written::FullFiles(path.to_path_buf()),
            Some((path, false)) => Written::NoFile(path.to_path_buf()),
            None => Written::Rows(self.rows),
        }
    }
}
