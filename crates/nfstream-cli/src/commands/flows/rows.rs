//! The rows of the table on their way into it.

use std::ops::ControlFlow;
use std::sync::Arc;

use nfstream::features::{Record, RecordPool, Schema};

use super::Plan;
use super::sort::Sorted;
use crate::error::{Error, Written};
use crate::input::Input;
use crate::io::Io;
use crate::output::{Selection, Target};
use crate::reading::Sink;

/// Writes flows, as many as are wanted.
pub(super) struct TableWriter {
    target: Target,
    /// The columns of the runs, which are the same for all.
    schema: Arc<Schema>,
    sorted: Option<Sorted>,
    /// Number of the source that is read.
    source: i32,
    /// Rows still wanted.
    left: u64,
    /// Rows encoded.
    rows: u64,
}

impl TableWriter {
    /// Begins the table of `plan` for runs with the columns of `schema`.
    pub(super) fn new(plan: &Plan, schema: &Arc<Schema>) -> Result<Self, Error> {
        let selection = if plan.columns.is_empty() { Selection::Glance } else { Selection::User };
        Ok(Self {
            target: Target::new(&plan.target, plan.schema(schema), selection)?,
            schema: Arc::clone(schema),
            sorted: plan.sort.map(|sort| Sorted::new(sort, plan.limit)),
            source: 0,
            left: plan.limit,
            rows: 0,
        })
    }

    /// Hears that the rows of `input` come next.
    pub(super) fn begin(&mut self, input: &Input) {
        self.source = self.target.add_source(input.name());
    }

    /// Returns whether no more rows are wanted.
    pub(super) fn is_full(&self) -> bool {
        self.left == 0 && self.sorted.is_none()
    }

    /// Writes what there is to standard output, before a failure is told.
    pub(super) fn write_rest(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        if self.target.path().is_some() {
            return Ok(());
        }
        self.encode_sorted(io)?;
        self.target.flush(io)
    }

    /// Writes the rest and returns how many rows there are.
    pub(super) fn finish(mut self, io: &mut Io<'_>) -> Result<u64, Error> {
        self.encode_sorted(io)?;
        self.target.finish(io)?;
        Ok(self.rows)
    }

    fn encode_sorted(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        let Some(sorted) = &mut self.sorted else { return Ok(()) };
        let (records, sources) = sorted.take();
        self.encode(records, sources, None, io)
    }

    fn encode(
        &mut self,
        mut records: Vec<Record>,
        mut sources: Vec<i32>,
        pool: Option<&RecordPool>,
        io: &mut Io<'_>,
    ) -> Result<(), Error> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(records.len());
        records.truncate(wanted);
        sources.truncate(wanted);
        self.target.write(records, sources, pool, io)?;
        let rows = u64::try_from(wanted).unwrap_or(u64::MAX);
        self.left -= rows;
        self.rows += rows;
        Ok(())
    }
}

impl Sink for TableWriter {
    fn take(
        &mut self,
        records: Vec<Record>,
        pool: &RecordPool,
        io: &mut Io<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        if let Some(sorted) = &mut self.sorted {
            sorted.add(records, self.source, self.schema.names());
            return Ok(ControlFlow::Continue(()));
        }
        let sources = vec![self.source; records.len()];
        self.encode(records, sources, Some(pool), io)?;
        Ok(if self.left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn rest(&mut self, io: &mut Io<'_>) -> Result<(), Error> {
        self.target.flush(io)
    }

    fn written(&self) -> Written {
        match self.target.path() {
            Some((path, true)) => Written::FullFiles(path.to_path_buf()),
            Some((path, false)) => Written::NoFile(path.to_path_buf()),
            None => Written::Rows(self.rows),
        }
    }
}
