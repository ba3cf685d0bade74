//! Files that are written completely or not at all.

use std::ffi::OsString;
use std::fmt::{self, Debug, Formatter};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tempfile::NamedTempFile;

use super::{Encoder, Format, Output, Sink, SinkError, Written};
use crate::table::Provenance;

/// Treatment of an existing file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Existing {
    /// It stays, and writing fails.
    Keep,
    /// It is replaced once the new one is complete.
    Replace,
}

/// A table in a file.
///
/// The file grows under a temporary name in the same folder and takes its final name once it is
/// complete and on disk. Without [`finish`](Sink::finish) it is removed when this value is dropped.
/// A path to a pipe or a device is written directly; a symbolic link stays, and its target is
/// replaced.
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
    destination: Destination,
}

/// Destination of a table's bytes.
enum Destination {
    /// File with a temporary name, and the final target of `path`.
    File(NamedTempFile<Arc<File>>, PathBuf),
    /// Pipe or device, written directly.
    Special,
}

impl FileSink {
    /// Returns a sink that writes the file at `path`.
    pub fn new(path: &Path, existing: Existing, format: Format) -> Self {
        let written = Written::default();
        Self { path: path.to_path_buf(), existing, format, open: None, written }
    }

    /// Creates the file, or opens a pipe or device.
    fn create(&self) -> Result<(Destination, Output), SinkError> {
        let cannot = |source| SinkError::io(&self.path, source);
        let (file, target) = match fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_dir() => return Err(cannot(is_a_directory())),
            Ok(metadata) if metadata.is_file() => {
                if self.existing == Existing::Keep {
                    return Err(SinkError::Exists { path: self.path.clone() });
                }
                let target = fs::canonicalize(&self.path).map_err(cannot)?;
                let file = temporary(&target).map_err(cannot)?;
                // Permissions of the replaced file, where possible.
                drop(file.as_file().set_permissions(metadata.permissions()));
                (file, target)
            }
            Ok(_) => {
                let file = OpenOptions::new().write(true).open(&self.path).map_err(cannot)?;
                return Ok((Destination::Special, Box::new(file)));
            }
            // Any other problem shows when the temporary file is created.
            Err(_) => (temporary(&self.path).map_err(cannot)?, self.path.clone()),
        };
        let output = Box::new(Arc::clone(file.as_file()));
        Ok((Destination::File(file, target), output))
    }

    fn open_table(&mut self) -> Result<&mut Open, SinkError> {
        self.open.as_mut().ok_or(SinkError::NotOpen)
    }
}

impl Sink for FileSink {
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        let (destination, output) = self.create()?;
        let encoder = self.format.encoder(output, schema, provenance);
        let encoder = encoder.map_err(|source| SinkError::io(&self.path, source))?;
        self.open = Some(Open { encoder, destination });
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
        let Open { encoder, destination } = self.open.take().ok_or(SinkError::NotOpen)?;
        let cannot = |source| SinkError::io(&self.path, source);
        self.written.bytes = encoder.bytes();
        encoder.finish().map_err(cannot)?;
        let Destination::File(file, target) = destination else { return Ok(self.written) };
        file.as_file().sync_all().map_err(cannot)?;
        let result = match self.existing {
            Existing::Keep => file.persist_noclobber(&target),
            Existing::Replace => file.persist(&target),
        };
        if let Err(error) = result {
            return Err(if error.error.kind() == ErrorKind::AlreadyExists {
                SinkError::Exists { path: self.path.clone() }
            } else {
                cannot(error.error)
            });
        }
        sync_folder(&target);
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

/// Creates a file in the folder of `target`, so that it can be renamed.
fn temporary(target: &Path) -> io::Result<NamedTempFile<Arc<File>>> {
    let name = target.file_name().ok_or_else(is_a_directory)?;
    let mut prefix = OsString::from(".");
    // A name of the greatest length leaves no room for a suffix.
    prefix.push(if name.len() <= 128 { name } else { "nfstream".as_ref() });
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    let mut number = None;
    // With the permissions of any new file, by the user's mask; temporary files are private by
    // default.
    let open = |path: &Path| {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        file.map(Arc::new).inspect_err(|error| number = error.raw_os_error())
    };
    let named = builder.make_in(folder(target), open);
    // `tempfile` would include the temporary name in its message.
    named.map_err(|error| number.map_or(error, io::Error::from_raw_os_error))
}

/// Waits until the new name in the folder of `path` is on disk, where folders can be synced.
fn sync_folder(path: &Path) {
    // The table is complete and has its name; some file systems refuse this.
    #[cfg(unix)]
    drop(File::open(folder(path)).and_then(|folder| folder.sync_all()));
    #[cfg(not(unix))]
    let _ = path;
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn is_a_directory() -> io::Error {
    // With the system's error number, like all other file errors.
    io::Error::from_raw_os_error(21)
}

#[cfg(not(unix))]
fn is_a_directory() -> io::Error {
    ErrorKind::IsADirectory.into()
}
