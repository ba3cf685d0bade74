//! A file that appears under its name once it is complete.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

use super::{Output, SinkError};

/// Treatment of an existing file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Existing {
    /// Those of a numbered series stay, and new ones get the next numbers; any other one stays, and
    /// writing fails.
    Continue,
    /// It stays, and writing fails.
    Keep,
    /// It is replaced once the new one is complete.
    Replace,
}

/// Bytes of a file that is not complete.
///
/// The file grows under a temporary name in the same folder. Without [`complete`](Self::complete),
/// it is removed when this value is dropped. A path to a pipe or a device is written directly; a
/// symbolic link stays, and its target is replaced.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    existing: Existing,
    file: Arc<File>,
    /// The file with its temporary name, and the final target of `path`; `None` for a pipe or a
    /// device.
    temporary: Option<(NamedTempFile<Arc<File>>, PathBuf)>,
}

impl Draft {
    /// Creates the file, or opens a pipe or device.
    ///
    /// # Errors
    ///
    /// [`SinkError::Exists`] and [`SinkError::Io`].
    pub fn create(path: &Path, existing: Existing) -> Result<Self, SinkError> {
        let cannot = |source| SinkError::io(path, source);
        let (file, target) = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Err(cannot(is_a_directory())),
            Ok(metadata) if metadata.is_file() => {
                if existing != Existing::Replace {
                    return Err(SinkError::Exists { path: path.to_path_buf() });
                }
                let target = fs::canonicalize(path).map_err(cannot)?;
                let file = temporary(&target).map_err(cannot)?;
                // Permissions of the replaced file, where possible.
                drop(file.as_file().set_permissions(metadata.permissions()));
                (file, target)
            }
            Ok(_) => {
                let file = OpenOptions::new().write(true).open(path).map_err(cannot)?;
                let (path, file) = (path.to_path_buf(), Arc::new(file));
                return Ok(Self { path, existing, file, temporary: None });
            }
            // Any other problem surfaces when the temporary file is created.
            Err(_) => (temporary(path).map_err(cannot)?, path.to_path_buf()),
        };
        let (path, opened) = (path.to_path_buf(), Arc::clone(file.as_file()));
        Ok(Self { path, existing, file: opened, temporary: Some((file, target)) })
    }

    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// [`SinkError::Io`].
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.file.write_all(bytes).map_err(|source| SinkError::io(&self.path, source))
    }

    /// Waits until the bytes are on disk, and gives the file its name.
    ///
    /// # Errors
    ///
    /// [`SinkError::Exists`] and [`SinkError::Io`].
    pub fn complete(self) -> Result<(), SinkError> {
        let cannot = |source| SinkError::io(&self.path, source);
        let Some((file, target)) = self.temporary else { return Ok(()) };
        file.as_file().sync_all().map_err(cannot)?;
        let result = match self.existing {
            Existing::Continue | Existing::Keep => file.persist_noclobber(&target),
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
        Ok(())
    }

    /// Returns a writer of the file's bytes.
    pub(super) fn output(&self) -> Output {
        Box::new(Arc::clone(&self.file))
    }
}

/// Creates a file in the folder of `target`, so that it can be renamed.
fn temporary(target: &Path) -> io::Result<NamedTempFile<Arc<File>>> {
    let name = target.file_name().ok_or_else(is_a_directory)?;
    let mut prefix = OsString::from(".");
    // A name of the maximum length leaves no room for a suffix.
    prefix.push(if name.len() <= 128 { name } else { "nfstream".as_ref() });
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    let mut number = None;
    // With the permissions of any new file, by the user's umask; temporary files are private by
    // default.
    let open = |path: &Path| {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        file.map(Arc::new).inspect_err(|error| number = error.raw_os_error())
    };
    let named = builder.make_in(folder(target), open);
    // `tempfile` would include the temporary name in its error message.
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

/// Returns the folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
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
