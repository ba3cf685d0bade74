//! Sinks in the sandbox, whose files the [clerk](super::clerk) writes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use nfstream::sink::{NumberedFiles, Parts, Rotating, Sink, SinkError, StreamSink, Written};
use nfstream::table::Provenance;

use super::clerk::{Files, Request, read_reply};

/// Most bytes sent to the clerk at once.
const BLOCK: usize = 256 << 10;

/// Connection to the clerk.
#[derive(Clone, Debug)]
pub(super) struct Link(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    file: File,
    /// Bytes of the current file that have not been sent.
    unsent: Vec<u8>,
}

/// Returns a sink for the files of a table.
pub(super) fn sink(files: &Files, link: &Link) -> Box<dyn Sink> {
    if files.rotation.is_on() {
        let names = NumberedFiles::new(&files.path, files.existing, files.format);
        let parts = RemoteParts { files: files.clone(), names, link: link.clone() };
        Box::new(Rotating::new(parts, files.rotation))
    } else {
        Box::new(RemoteFile::new(files, files.path.clone(), 0, link))
    }
}

impl Link {
    pub(super) fn new(file: File) -> Self {
        Self(Arc::new(Mutex::new(State { file, unsent: Vec::new() })))
    }

    fn request(&self, request: &Request) -> Result<(), SinkError> {
        self.lock().request(request)
    }

    /// Sends the bytes of the current file.
    fn send(&self) -> Result<(), SinkError> {
        let mut state = self.lock();
        let bytes = std::mem::take(&mut state.unsent);
        if bytes.is_empty() { Ok(()) } else { state.request(&Request::Append(bytes)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn request(&mut self, request: &Request) -> Result<(), SinkError> {
        let reply = request.write(&mut self.file).and_then(|()| read_reply(&mut self.file));
        reply.map_err(|source| SinkError::Thread { source })?
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_full = {
            let mut state = self.lock();
            state.unsent.extend_from_slice(bytes);
            state.unsent.len() >= BLOCK
        };
        if is_full {
            self.send().map_err(|error| match error {
                SinkError::Io { source, .. } => source,
                error => io::Error::other(error),
            })?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file of the clerk.
struct RemoteFile {
    path: PathBuf,
    number: u64,
    link: Link,
    encoder: StreamSink,
    is_open: bool,
}

impl RemoteFile {
    fn new(files: &Files, path: PathBuf, number: u64, link: &Link) -> Self {
        let encoder = StreamSink::new(files.format, Box::new(link.clone()));
        Self { path, number, link: link.clone(), encoder, is_open: false }
    }

    /// Returns an error with the path of the file.
    fn named(&self, error: SinkError) -> SinkError {
        match error {
            SinkError::Stream { source } => SinkError::Io { path: self.path.clone(), source },
            error => error,
        }
    }
}

impl Sink for RemoteFile {
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        self.link.request(&Request::Create(self.number))?;
        self.is_open = true;
        self.encoder.open(schema, provenance).map_err(|error| self.named(error))
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        self.encoder.write(batch).map_err(|error| self.named(error))
    }

    /// Writes nothing: the file is not visible before it is complete.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<Written, SinkError> {
        let written = self.encoder.finish().map_err(|error| self.named(error))?;
        self.link.send()?;
        self.is_open = false;
        self.link.request(&Request::Complete)?;
        Ok(written)
    }

    fn abort(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.link.lock().unsent.clear();
            // Without the clerk there is no file.
            drop(self.link.request(&Request::Abort));
        }
    }

    fn written(&self) -> Written {
        self.encoder.written()
    }
}

impl Drop for RemoteFile {
    fn drop(&mut self) {
        self.abort();
    }
}

/// A file of the clerk that is not a table.
pub(super) struct Bytes {
    link: Link,
    is_open: bool,
}

impl Bytes {
    /// Creates the file.
    pub(super) fn create(link: &Link) -> Result<Self, SinkError> {
        link.request(&Request::Create(0))?;
        Ok(Self { link: link.clone(), is_open: true })
    }

    /// Writes the contents and gives the file its name.
    pub(super) fn write(mut self, contents: &[u8]) -> Result<(), SinkError> {
        for block in contents.chunks(BLOCK) {
            self.link.request(&Request::Append(block.to_vec()))?;
        }
        self.is_open = false;
        self.link.request(&Request::Complete)
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if self.is_open {
            // Without the clerk there is no file.
            drop(self.link.request(&Request::Abort));
        }
    }
}

/// Parts of a table that the clerk writes.
#[derive(Debug)]
struct RemoteParts {
    files: Files,
    names: NumberedFiles,
    link: Link,
}

impl Parts for RemoteParts {
    type Sink = RemoteFile;

    fn begin(&mut self) -> Result<(), SinkError> {
        self.link.request(&Request::Begin)
    }

    fn part(&mut self, number: u64) -> RemoteFile {
        RemoteFile::new(&self.files, self.names.name(number), number, &self.link)
    }

    fn remove(&mut self, number: u64) -> Result<(), SinkError> {
        self.link.request(&Request::Remove(number))
    }

    fn end(&mut self, kept: &VecDeque<u64>) -> Result<(), SinkError> {
        self.link.request(&Request::End(kept.clone()))
    }
}
