//! Files that are written completely or not at all.

use std::fmt::{self, Debug, Formatter};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::compression::{Compression, Ending};
use super::{Draft, Encoder, Existing, Format, Sink, SinkError, Written};
use crate::table::Provenance;

/// A table in a file.
///
/// The file grows under a temporary name in the same folder and takes its final name once it is
/// complete and on disk. Without [`finish`](Sink::finish) it is removed when this value is dropped.
/// A path to a pipe or a device is written directly; a symbolic link stays, and its target is
/// replaced. Text is compressed if the extension is `.gz` or `.zst`.
pub struct FileSink {
    path: PathBuf,
    existing: Existing,
    format: Format,
    open: Option<Open>,
    written: Written,
}

/// An open table.
struct Open {
    encoder: Box<dyn Encoder>,
    draft: Draft,
    /// End of the compressed stream.
    ending: Ending,
}

impl FileSink {
    /// Returns a sink that writes the file at `path`.
    pub fn new(path: &Path, existing: Existing, format: Format) -> Self {
        let written = Written::default();
        Self { path: path.to_path_buf(), existing, format, open: None, written }
    }

    fn open_table(&mut self) -> Result<&mut Open, SinkError> {
        self.open.as_mut().ok_or(SinkError::NotOpen)
    }
}

impl Sink for FileSink {
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        let draft = Draft::create(&self.path, self.existing)?;
        let ending = Ending::default();
        let compression = Compression::of_file(&self.path).filter(|_| !self.format.is_binary);
        let output = match compression {
            Some(compression) => compression.compressed(draft.output(), &ending),
            None => Ok(draft.output()),
        };
        let encoder = output.and_then(|output| self.format.encoder(output, schema, provenance));
        let encoder = encoder.map_err(|source| SinkError::io(&self.path, source))?;
        self.open = Some(Open { encoder, draft, ending });
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let result = self.open_table()?.encoder.write(batch);
        result.map_err(|source| SinkError::io(&self.path, source))?;
        self.written.add_rows(batch);
        Ok(())
    }

    /// Writes nothing: the file is not visible before it is complete.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Completes the table, waits until it is on disk and renames the file.
    fn finish(&mut self) -> Result<Written, SinkError> {
        let Open { encoder, draft, ending } = self.open.take().ok_or(SinkError::NotOpen)?;
        self.written.bytes = encoder.bytes();
        let finished = encoder.finish().and_then(|()| ending.check());
        finished.map_err(|source| SinkError::io(&self.path, source))?;
        draft.complete()?;
        Ok(self.written)
    }

    fn abort(&mut self) {
        self.open = None;
    }

    fn written(&self) -> Written {
        let bytes = self.open.as_ref().map_or(self.written.bytes, |open| open.encoder.bytes());
        Written { bytes, ..self.written }
    }
}

impl Debug for FileSink {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSink").field("path", &self.path).finish_non_exhaustive()
    }
}
