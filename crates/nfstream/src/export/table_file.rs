//! A file that is either written whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tempfile::NamedTempFile;

use super::{ExportError, Format, Writer};

/// What is done with a file that is there already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Existing {
    /// It stays, and writing fails.
    Keep,
    /// It is replaced once the new one is complete.
    Replace,
}

/// A table on its way into a file.
///
/// It grows under a temporary name beside its target and takes the target's name when it is
/// complete and on the disk. Without [`finish`](Self::finish) it goes away with this value.
#[derive(Debug)]
pub struct TableFile {
    path: PathBuf,
    writer: Writer<Output>,
    /// What `path` leads to.
    target: PathBuf,
    existing: Existing,
}

/// What a table is written to.
#[derive(Debug)]
enum Output {
    /// A file with a temporary name.
    File(NamedTempFile),
    /// A pipe or a device: written as it is.
    Special(File),
}

impl TableFile {
    /// Begins a table of batches of `schema`.
    ///
    /// A path that leads to a pipe or a device is written directly; of a symbolic link the file
    /// behind it is replaced.
    ///
    /// # Errors
    ///
    /// [`ExportError::Exists`] and [`ExportError::Io`].
    pub fn create(
        path: &Path,
        existing: Existing,
        format: Format,
        schema: &SchemaRef,
    ) -> Result<Self, ExportError> {
        let cannot = |source| ExportError::io(path, source);
        let mut target = path.to_path_buf();
        let output = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(cannot(is_a_directory()));
            }
            Ok(metadata) if metadata.is_file() => {
                if existing == Existing::Keep {
                    return Err(ExportError::Exists { path: target });
                }
                target = fs::canonicalize(path).map_err(cannot)?;
                let file = temporary(&target).map_err(cannot)?;
                // Like the file that it replaces, where that is possible.
                drop(file.as_file().set_permissions(metadata.permissions()));
                Output::File(file)
            }
            Ok(_) => Output::Special(OpenOptions::new().write(true).open(path).map_err(cannot)?),
            // Whatever else is wrong shows when the temporary file is made.
            Err(_) => Output::File(temporary(path).map_err(cannot)?),
        };
        let writer = Writer::new(format, output, schema).map_err(cannot)?;
        Ok(Self { path: path.to_path_buf(), writer, target, existing })
    }

    /// Writes a batch.
    ///
    /// # Errors
    ///
    /// [`ExportError::Io`]. The file cannot be completed then.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        self.writer.write(batch).map_err(|source| ExportError::io(&self.path, source))
    }

    /// Completes the table, waits until it is on the disk and gives it its name.
    ///
    /// # Errors
    ///
    /// [`ExportError::Exists`] if there is a file of that name by now; [`ExportError::Io`].
    pub fn finish(self) -> Result<(), ExportError> {
        let Self { path, writer, target, existing } = self;
        let cannot = |source| ExportError::io(&path, source);
        let Output::File(file) = writer.finish().map_err(cannot)? else { return Ok(()) };
        file.as_file().sync_all().map_err(cannot)?;
        let result = match existing {
            Existing::Keep => file.persist_noclobber(&target),
            Existing::Replace => file.persist(&target),
        };
        if let Err(error) = result {
            return Err(if error.error.kind() == ErrorKind::AlreadyExists {
                ExportError::Exists { path }
            } else {
                cannot(error.error)
            });
        }
        sync_folder(&target);
        Ok(())
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the rows written so far.
    pub fn rows(&self) -> u64 {
        self.writer.rows()
    }

    /// Returns the bytes that the table takes so far, about.
    pub fn bytes(&self) -> u64 {
        self.writer.bytes()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.as_file_mut().write(bytes),
            Self::Special(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.as_file_mut().flush(),
            Self::Special(file) => file.flush(),
        }
    }
}

/// Makes a file beside `target`, from where it can be renamed at once.
fn temporary(target: &Path) -> io::Result<NamedTempFile> {
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
        file.inspect_err(|error| number = error.raw_os_error())
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
