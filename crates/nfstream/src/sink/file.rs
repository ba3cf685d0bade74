//! A file that is either written whole or not at all.

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

/// Treatment of a file that exists already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Existing {
    /// It stays, and writing fails.
    Keep,
    /// It is replaced once the new one is complete.
    Replace,
}

/// A table in a file.
///
/// It grows under a temporary name beside its target and takes the target's name when it is
/// complete and on the disk. Without [`finish`](Sink::finish) it goes away with this value. A path
/// that leads to a pipe or a device is written directly; a symbolic link stays, and its target is
/// replaced.
pub struct FileSink {
    path: PathBuf,
    existing: Existing,
    format: Format,
    open: Option<Open>,
    written: Written,
}

/// A table that has begun.
struct Open {
    encoder: Box<dyn Encoder>,
    destination: Destination,
}

/// Destination of a table's bytes.
enum Destination {
    /// A file with a temporary name, and the target that `path` leads to.
    File(NamedTempFile<Arc<File>>, PathBuf),
    /// A pipe or a device: written as it is.
    Special,
}

impl FileSink {
    /// Returns a sink that writes the file at `path`.
    pub fn new(path: &Path, existing: Existing, format: Format) -> Self {
        let written = Written::default();
        Self { path: path.to_path_buf(), existing, format, open: None, written }
    }

    /// Makes the file, or opens what is no file.
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
                // Like the file that it replaces, where that is possible.
                drop(file.as_file().set_permissions(metadata.permissions()));
                (file, target)
            }
            Ok(_) => {
                let file = OpenOptions::new().write(true).open(&self.path).map_err(cannot)?;
                return Ok((Destination::Special, Box::new(file)));
            }
            // Whatever else is wrong shows when the temporary file is made.
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

    /// Writes nothing: nobody sees a file before it is complete.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Completes the table, waits until it is on the disk and gives it its name.
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

/// Makes a file in the folder of `target`, so that it can be renamed.
fn temporary(target: &Path) -> io::Result<NamedTempFile<Arc<File>>> {
    let name = target.file_name().ok_or_else(is_a_directory)?;
    let mut prefix = OsString::from(".");
    // The longest name that a folder takes leaves no room for more.
    prefix.push(if name.len() <= 128 { name } else { "nfstream".as_ref() });
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    let mut number = None;
    // Like any new file, as the user's mask allows; temporary files are private otherwise.
    let open = |path: &Path| {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        file.map(Arc::new).inspect_err(|error| number = error.raw_os_error())
    };
    let named = builder.make_in(folder(target), open);
    // The message of `tempfile` would name the temporary file.
    named.map_err(|error| number.map_or(error, io::Error::from_raw_os_error))
}

/// Waits until the new name in the folder of `path` is on the disk, where folders can be synced.
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
    // With the system's number, as all other errors of files have it.
    io::Error::from_raw_os_error(21)
}

#[cfg(not(unix))]
fn is_a_directory() -> io::Error {
    ErrorKind::IsADirectory.into()
}
