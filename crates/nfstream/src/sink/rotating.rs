//! A table divided over several sinks of bounded size.

use std::collections::VecDeque;
use std::fmt::{self, Debug, Formatter};
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Sink, SinkError, Written};
use crate::table::Provenance;

/// Limits of the parts of a table. Without any limit there is one part.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rotation {
    /// Most rows in a part.
    pub rows: Option<NonZeroU64>,
    /// Approximate bytes in a part: the rows that exceed this number complete the part.
    pub bytes: Option<NonZeroU64>,
    /// Number of newest parts to keep; `None` keeps all.
    pub keep: Option<NonZeroUsize>,
}

/// Parts of a table, numbered from 0.
pub trait Parts: Send {
    /// Sink of a part.
    type Sink: Sink;

    /// Checks, before the first part, that the table can begin.
    ///
    /// # Errors
    ///
    /// [`SinkError`] if it cannot.
    fn begin(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Returns the parts of an earlier table that this one continues, in ascending order.
    fn earlier(&self) -> Vec<u64> {
        Vec::new()
    }

    /// Returns the sink of part `number`.
    fn part(&mut self, number: u64) -> Self::Sink;

    /// Removes part `number`, which is complete.
    ///
    /// # Errors
    ///
    /// [`SinkError`] if it cannot be removed.
    fn remove(&mut self, number: u64) -> Result<(), SinkError>;

    /// Ends the table, which consists of the parts `kept`.
    ///
    /// # Errors
    ///
    /// [`SinkError`] if it cannot be ended.
    fn end(&mut self, _kept: &VecDeque<u64>) -> Result<(), SinkError> {
        Ok(())
    }
}

/// A sink that divides a table into parts.
///
/// When a part beyond the number to keep is complete, the oldest is removed. There is always at
/// least one part, possibly without rows.
pub struct Rotating<P: Parts> {
    parts: P,
    rotation: Rotation,
    table: Option<(SchemaRef, Provenance)>,
    /// The current part.
    current: Option<P::Sink>,
    /// Complete parts that have not been removed, the oldest first.
    complete: VecDeque<u64>,
    /// Parts begun so far.
    begun: u64,
    /// Rows and bytes of complete parts.
    total: Written,
}

/// Rows between two checks of a part's size in bytes.
const CHECK_ROWS: usize = 256;

impl Rotation {
    /// Returns whether there is any limit.
    pub fn is_on(&self) -> bool {
        self.rows.is_some() || self.bytes.is_some()
    }
}

impl<P: Parts> Rotating<P> {
    /// Returns a sink that writes to `parts`, of the size that `rotation` allows.
    pub fn new(parts: P, rotation: Rotation) -> Self {
        Self {
            parts,
            rotation,
            table: None,
            current: None,
            complete: VecDeque::new(),
            begun: 0,
            total: Written::default(),
        }
    }

    fn begin(&mut self) -> Result<&mut P::Sink, SinkError> {
        let (schema, provenance) = self.table.as_ref().ok_or(SinkError::NotOpen)?;
        let mut part = self.parts.part(self.begun);
        part.open(schema, provenance)?;
        self.begun += 1;
        Ok(self.current.insert(part))
    }

    /// Returns the rows that may be written before the size of the part is checked.
    fn room(&self) -> usize {
        let written = self.current.as_ref().map_or(0, |part| part.written().rows);
        let rows = self.rotation.rows.map_or(u64::MAX, |rows| rows.get() - written);
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        if self.rotation.bytes.is_some() { rows.min(CHECK_ROWS) } else { rows }
    }

    fn is_full(&self) -> bool {
        let Some(part) = &self.current else { return false };
        let Written { rows, bytes, .. } = part.written();
        self.rotation.rows.is_some_and(|most| rows >= most.get())
            || self.rotation.bytes.is_some_and(|most| bytes >= most.get())
    }

    fn complete_part(&mut self) -> Result<(), SinkError> {
        let Some(mut part) = self.current.take() else { return Ok(()) };
        self.total = self.total + part.finish()?;
        self.complete.push_back(self.begun - 1);
        while let Some(keep) = self.rotation.keep
            && self.complete.len() > keep.get()
            && let Some(oldest) = self.complete.pop_front()
        {
            self.parts.remove(oldest)?;
        }
        Ok(())
    }
}

impl<P: Parts> Sink for Rotating<P> {
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        self.parts.begin()?;
        self.complete = self.parts.earlier().into();
        self.begun = self.complete.back().map_or(0, |last| last + 1);
        self.table = Some((Arc::clone(schema), provenance.clone()));
        self.begin().map(drop)
    }

    /// Writes a batch to as many parts as necessary. If that fails, complete parts stay.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let mut start = 0;
        while start < batch.num_rows() {
            let rows = self.room().min(batch.num_rows() - start);
            let part = match &mut self.current {
                Some(part) => part,
                None => self.begin()?,
            };
            part.write(&batch.slice(start, rows))?;
            start += rows;
            if self.is_full() {
                self.complete_part()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.current.as_mut().map_or(Ok(()), Sink::flush)
    }

    fn finish(&mut self) -> Result<Written, SinkError> {
        self.complete_part()?;
        self.parts.end(&self.complete)?;
        Ok(self.total)
    }

    /// Aborts the current part; complete ones stay.
    fn abort(&mut self) {
        if let Some(mut part) = self.current.take() {
            part.abort();
        }
    }

    fn written(&self) -> Written {
        self.total + self.current.as_ref().map_or_else(Written::default, Sink::written)
    }
}

impl<P: Parts> Debug for Rotating<P> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotating").field("begun", &self.begun).finish_non_exhaustive()
    }
}
