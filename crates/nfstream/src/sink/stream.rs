//! A table as a stream of bytes: standard output, a socket, memory.

use std::fmt::{self, Debug, Formatter};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Encoder, Format, Output, Sink, SinkError, Written};
use crate::table::Provenance;

/// Writes a table to an output in one of the formats.
///
/// Buffers are bounded: a row group of Parquet, some kilobytes otherwise.
pub struct StreamSink {
    format: Format,
    /// The output until the table is opened.
    output: Option<Output>,
    encoder: Option<Box<dyn Encoder>>,
    written: Written,
}

impl StreamSink {
    /// Returns a sink that writes to `output`.
    pub fn new(format: Format, output: Output) -> Self {
        Self { format, output: Some(output), encoder: None, written: Written::default() }
    }

    fn encoder(&mut self) -> Result<&mut Box<dyn Encoder>, SinkError> {
        self.encoder.as_mut().ok_or(SinkError::NotOpen)
    }
}

impl Sink for StreamSink {
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        let output = self.output.take().ok_or(SinkError::NotOpen)?;
        let encoder = self.format.encoder(output, schema, provenance).map_err(failed)?;
        self.encoder = Some(encoder);
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        self.encoder()?.write(batch).map_err(failed)?;
        self.written.add_rows(batch);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.encoder()?.flush().map_err(failed)
    }

    fn finish(&mut self) -> Result<Written, SinkError> {
        let encoder = self.encoder.take().ok_or(SinkError::NotOpen)?;
        self.written.bytes = encoder.bytes();
        encoder.finish().map_err(failed)?;
        Ok(self.written)
    }

    /// Keeps the bytes already written: a stream cannot take them back.
    fn abort(&mut self) {
        self.encoder = None;
    }

    fn written(&self) -> Written {
        let bytes = self.encoder.as_ref().map_or(self.written.bytes, |encoder| encoder.bytes());
        Written { bytes, ..self.written }
    }
}

impl Debug for StreamSink {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamSink").field("written", &self.written()).finish_non_exhaustive()
    }
}

fn failed(source: std::io::Error) -> SinkError {
    SinkError::Stream { source }
}
