//! What CSV and JSON lines have in common: a line a row, made in memory.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema as ArrowSchema, SchemaRef};

use super::cells::Cells;
use super::{arrow_schema, record_batch};
use crate::features::{Record, Schema};

/// Bytes that are written at once.
const ENOUGH: usize = 64 * 1024;

/// How a row becomes a line.
pub(super) trait Line {
    /// Returns a line maker for columns of these names.
    fn new(schema: &ArrowSchema) -> Self;

    /// Appends what comes before the first line.
    fn write_header(&self, out: &mut Vec<u8>);

    /// Appends the line of `row`.
    fn write_row(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>);
}

/// Writes batches as lines.
#[derive(Debug)]
pub(super) struct TextWriter<L, W> {
    line: L,
    lines: Vec<u8>,
    output: W,
}

impl<L: Line, W: Write> TextWriter<L, W> {
    /// Returns a writer of batches of `schema`.
    pub(super) fn new(output: W, schema: &ArrowSchema) -> io::Result<Self> {
        let mut this = Self { line: L::new(schema), lines: Vec::new(), output };
        this.line.write_header(&mut this.lines);
        this.flush_lines()?;
        Ok(this)
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let cells = Cells::of_batch(batch).map_err(io::Error::other)?;
        for row in 0..batch.num_rows() {
            self.line.write_row(&cells, row, &mut self.lines);
            if self.lines.len() >= ENOUGH {
                self.flush_lines()?;
            }
        }
        self.flush_lines()
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    pub(super) fn get_ref(&self) -> &W {
        &self.output
    }

    pub(super) fn into_inner(self) -> W {
        self.output
    }

    fn flush_lines(&mut self) -> io::Result<()> {
        let result = self.output.write_all(&self.lines);
        self.lines.clear();
        result
    }
}

/// Writes records as lines.
#[derive(Debug)]
pub(super) struct RecordWriter<'a, L, W> {
    schema: &'a Schema,
    arrow_schema: SchemaRef,
    writer: TextWriter<L, W>,
}

impl<'a, L: Line, W: Write> RecordWriter<'a, L, W> {
    pub(super) fn new(output: W, schema: &'a Schema) -> io::Result<Self> {
        let arrow_schema = Arc::new(arrow_schema(schema));
        let writer = TextWriter::new(output, &arrow_schema)?;
        Ok(Self { schema, arrow_schema, writer })
    }

    pub(super) fn write(&mut self, records: &[Record]) -> io::Result<()> {
        // A few thousand at once, so that what is read from them is still in the cache when it is
        // written.
        for records in records.chunks(4096) {
            self.writer.write(&record_batch(self.schema, &self.arrow_schema, records))?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
