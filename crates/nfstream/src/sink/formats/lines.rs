//! Encoder of text formats with one line a row.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::Schema as ArrowSchema;

use super::{Counted, Encoder};
use crate::table::Cells;

/// Bytes buffered before a write.
const ENOUGH: usize = 64 * 1024;

/// Text of a row.
pub(super) trait Line: Send {
    /// Returns a formatter for the columns of `schema`.
    fn new(schema: &ArrowSchema) -> Self;

    /// Appends the header, if there is one.
    fn write_header(&self, out: &mut Vec<u8>);

    /// Appends the line of `row`.
    fn write_row(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>);
}

/// Writes batches as lines.
pub(super) struct LineEncoder<L, W> {
    line: L,
    lines: Vec<u8>,
    output: Counted<W>,
}

impl<L: Line, W: Write> LineEncoder<L, W> {
    /// Returns an encoder of batches of `schema`.
    pub(super) fn new(output: W, schema: &ArrowSchema) -> io::Result<Self> {
        let output = Counted::new(output);
        let mut this = Self { line: L::new(schema), lines: Vec::new(), output };
        this.line.write_header(&mut this.lines);
        this.flush_lines()?;
        Ok(this)
    }

    fn write_batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let cells = Cells::of_batch(batch).map_err(io::Error::other)?;
        for row in 0..batch.num_rows() {
            self.line.write_row(&cells, row, &mut self.lines);
            if self.lines.len() >= ENOUGH {
                self.flush_lines()?;
            }
        }
        self.flush_lines()
    }

    fn flush_lines(&mut self) -> io::Result<()> {
        let result = self.output.write_all(&self.lines);
        self.lines.clear();
        result
    }
}

impl<L: Line, W: Write + Send> Encoder for LineEncoder<L, W> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.write_batch(batch)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.output.flush()
    }

    fn bytes(&self) -> u64 {
        self.output.bytes
    }
}

/// Returns the lines of one batch.
#[cfg(test)]
pub(super) fn lines<L: Line>(batch: &RecordBatch) -> Vec<u8> {
    let mut encoder = LineEncoder::<L, _>::new(Vec::new(), &batch.schema()).unwrap();
    encoder.write_batch(batch).unwrap();
    encoder.output.output
}
