//! Record batches, built from records as they arrive.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch};

use super::values::Values;
use super::{Table, TableError};
use crate::features::{Record, RecordPool};

/// Rows in a batch; the last batch, one taken early and one with long texts or lists have fewer.
/// Larger batches would leave the cache before they are written; smaller ones have too much
/// overhead.
pub const BATCH_ROWS: usize = 8192;

/// Bytes of text and lists after which a batch ends before it has all its rows.
const BATCH_BYTES: usize = 64 << 20;

/// Records read column by column at a time: few enough to stay in the cache.
const BLOCK: usize = 32;

/// Builds the batches of a table, and returns the memory of records to their pool.
pub struct TableBuilder {
    table: Table,
    pool: RecordPool,
    origins: Option<StringDictionaryBuilder<Int32Type>>,
    columns: Vec<Values>,
    rows: usize,
}

impl Table {
    /// Returns a builder of batches, which returns records to `pool`.
    pub fn builder(&self, pool: RecordPool) -> TableBuilder {
        TableBuilder::new(self.clone(), pool)
    }
}

impl TableBuilder {
    fn new(table: Table, pool: RecordPool) -> Self {
        let origins = table.origin_at().map(|_| StringDictionaryBuilder::new());
        let fields = table.built().fields().iter().enumerate();
        let fields = fields.filter(|(place, _)| Some(*place) != table.origin_at());
        let fields = fields.map(|(_, field)| field);
        let columns = table.engine().columns().iter().zip(fields);
        let columns = columns.map(|(column, field)| Values::new(column, field)).collect();
        Self { table, pool, origins, columns, rows: 0 }
    }

    /// Appends a row for each of `records` and returns full batches. Extra columns of the table are
    /// missing until [`Table::complete`].
    ///
    /// # Errors
    ///
    /// [`TableError::Batch`], which is a bug.
    pub fn append(&mut self, records: Vec<Record>) -> Result<Vec<RecordBatch>, TableError> {
        self.append_from(records, "")
    }

    /// Appends a row for each of `records`, all of one origin, as [`append`](Self::append) does.
    ///
    /// # Errors
    ///
    /// Those of [`append`](Self::append).
    pub fn append_from(
        &mut self,
        records: Vec<Record>,
        origin: &str,
    ) -> Result<Vec<RecordBatch>, TableError> {
        let mut full = Vec::new();
        let mut left = records.as_slice();
        if left.len() > BLOCK {
            let rows = left.len().min(BATCH_ROWS - self.rows);
            self.columns.iter_mut().for_each(|values| values.reserve(rows));
        }
        while !left.is_empty() {
            let (now, later) = left.split_at(left.len().min(BLOCK).min(BATCH_ROWS - self.rows));
            self.read(now, origin);
            if self.rows == BATCH_ROWS || self.bytes() > BATCH_BYTES {
                full.push(self.batch()?);
            }
            left = later;
        }
        self.pool.put_back(records);
        Ok(full)
    }

    /// Returns the rows that are in no batch yet, `None` if there are none.
    ///
    /// # Errors
    ///
    /// Those of [`append`](Self::append).
    pub fn rest(&mut self) -> Result<Option<RecordBatch>, TableError> {
        (self.rows > 0).then(|| self.batch()).transpose()
    }

    /// Sets the pool of the following records, which belong to another run.
    pub fn set_pool(&mut self, pool: RecordPool) {
        self.pool = pool;
    }

    /// Returns the table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Returns the bytes of text and lists in the rows that are in no batch yet.
    fn bytes(&self) -> usize {
        self.columns.iter().map(Values::bytes).sum()
    }

    /// Reads a block of records.
    fn read(&mut self, records: &[Record], origin: &str) {
        let names = self.table.engine().names();
        for values in &mut self.columns {
            values.append(records, names);
        }
        if let Some(origins) = &mut self.origins {
            origins.extend(records.iter().map(|_| Some(origin)));
        }
        self.rows += records.len();
    }

    fn batch(&mut self) -> Result<RecordBatch, TableError> {
        let mut arrays: Vec<ArrayRef> = self.columns.iter_mut().map(Values::finish).collect();
        if let (Some(origins), Some(place)) = (&mut self.origins, self.table.origin_at()) {
            arrays.insert(place, Arc::new(origins.finish()));
        }
        self.rows = 0;
        let built = RecordBatch::try_new(Arc::clone(self.table.built()), arrays)?;
        if self.table.has_extra() { Ok(built) } else { self.table.complete(&built, &[]) }
    }
}

impl Debug for TableBuilder {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableBuilder").field("rows", &self.rows).finish_non_exhaustive()
    }
}
