//! Destinations of tables: files of every format, byte streams, and anything that takes batches.
//!
//! A [`Sink`] takes the batches of one table. A [`Destination`] is named by a URL. Rotation over
//! several files and writing in the background are sinks around other sinks; [`TableWriter`] puts
//! records into any of them. A new format is a file in `formats/` and a line in its registry, a new
//! protocol the same in `remote/`.

mod background;
mod compression;
mod draft;
mod error;
mod file;
mod formats;
pub(crate) mod ipfix;
mod numbered;
mod packets;
mod remote;
mod rotating;
mod stream;
mod timed;
mod writer;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

pub use background::Background;
pub use draft::{Draft, Existing};
pub use error::SinkError;
pub use file::FileSink;
pub use formats::{Encoder, Format, FormatField, Output, write_csv_text};
pub use numbered::{NumberedFiles, existing_at, files_at, numbered_at};
pub use packets::{PacketFile, PacketFiles, PacketStream, WrittenPacket};
pub use remote::{
    COMMON as COMMON_OPTIONS, Contents, Delivery, Destination, DestinationError, Full, OptionHelp,
    Scheme, SinkCounts, SinkStatus, schemes,
};
pub use rotating::{Parts, Rotating, Rotation};
pub use stream::StreamSink;
pub use timed::TimedFiles;
pub use writer::TableWriter;

use crate::table::Provenance;
use crate::time::{Duration, Timestamp};

/// A destination of one table.
///
/// A sink is opened once, takes batches, and ends with [`finish`](Self::finish) or
/// [`abort`](Self::abort). It need not produce bytes: a broker or a collector is a sink too.
pub trait Sink: Send {
    /// Starts a table with the columns of `schema`; `provenance` is its metadata, which the schema
    /// contains too.
    ///
    /// # Errors
    ///
    /// [`SinkError`] if nothing can be written.
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError>;

    /// Writes a batch of the table. A sink that must not block drops rows and counts them.
    ///
    /// # Errors
    ///
    /// [`SinkError`] if the table cannot be completed.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError>;

    /// Returns the spans of time in which the sink divides the table, `None` if it does not.
    fn every(&self) -> Option<Duration> {
        None
    }

    /// Takes the start of the span in which the flows of the next rows end.
    ///
    /// # Errors
    ///
    /// Those of [`finish`](Self::finish), for the part of the span before.
    fn begin_period(&mut self, _start: Timestamp) -> Result<(), SinkError> {
        Ok(())
    }

    /// Passes on buffered rows, if the destination can use part of a table.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Self::write).
    fn flush(&mut self) -> Result<(), SinkError>;

    /// Completes the table and returns what was written and what was dropped.
    ///
    /// # Errors
    ///
    /// [`SinkError`] if the table is not complete.
    fn finish(&mut self) -> Result<Written, SinkError>;

    /// Aborts the table; incomplete output is removed where possible.
    fn abort(&mut self);

    /// Returns the counts so far.
    fn written(&self) -> Written;

    /// Returns whether rows that wait for a full batch should be written now.
    fn is_due(&self) -> bool {
        false
    }
}

/// Rows and bytes that a sink has written, and rows that it has dropped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Written {
    /// Rows that were written.
    pub rows: u64,
    /// Approximate bytes of these rows; 0 if unknown.
    pub bytes: u64,
    /// Rows that were dropped.
    pub dropped: u64,
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        (**self).open(schema, provenance)
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        (**self).write(batch)
    }

    fn every(&self) -> Option<Duration> {
        (**self).every()
    }

    fn begin_period(&mut self, start: Timestamp) -> Result<(), SinkError> {
        (**self).begin_period(start)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        (**self).flush()
    }

    fn finish(&mut self) -> Result<Written, SinkError> {
        (**self).finish()
    }

    fn abort(&mut self) {
        (**self).abort();
    }

    fn written(&self) -> Written {
        (**self).written()
    }

    fn is_due(&self) -> bool {
        (**self).is_due()
    }
}

impl Written {
    /// Counts the rows of `batch` as written.
    pub fn add_rows(&mut self, batch: &RecordBatch) {
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
    }
}

impl std::ops::Add for Written {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            bytes: self.bytes.saturating_add(other.bytes),
            dropped: self.dropped + other.dropped,
        }
    }
}
