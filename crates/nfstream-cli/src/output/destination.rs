//! Standard output, or a file that is either written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::Error;
use crate::input::Input;
use crate::io::Io;

/// Where flows go.
#[derive(Debug)]
pub(crate) enum Destination {
    /// A file with a temporary name, which goes away with this unless it is finished.
    File { file: NamedTempFile, path: PathBuf, existing: Existing },
    /// A pipe or a device: written as it is.
    Special { file: File, path: PathBuf },
    /// Standard output.
    Stdout,
}

/// What is done with a file that is there already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Existing {
    /// It stays.
    Keep,
    /// It is replaced.
    Replace,
}

impl Destination {
    /// Returns the destination that `path` names; nothing is changed there yet.
    pub(crate) fn new(
        path: Option<&Path>,
        existing: Existing,
        input: &Input,
    ) -> Result<Self, Error> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self::Stdout);
        };
        let target = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(cannot_write(path, ErrorKind::IsADirectory.into()));
            }
            Ok(metadata) if metadata.is_file() => {
                // Behind a symbolic link it is the file that is replaced, not the link.
                let target = path.canonicalize().map_err(|source| cannot_write(path, source))?;
                let is_target = |input: &PathBuf| input.canonicalize().is_ok_and(|i| i == target);
                if input.paths.iter().any(is_target) {
                    return Err(Error::TargetIsInput { path: path.to_path_buf() });
                }
                if existing == Existing::Keep {
                    return Err(Error::Exists { path: path.to_path_buf() });
                }
                target
            }
            Ok(_) => {
                let file = OpenOptions::new().write(true).open(path);
                let file = file.map_err(|source| cannot_write(path, source))?;
                return Ok(Self::Special { file, path: path.to_path_buf() });
            }
            // Whatever else is wrong shows when the temporary file is made.
            Err(_) => path.to_path_buf(),
        };
        let file = temporary(&target).map_err(|source| cannot_write(path, source))?;
        Ok(Self::File { file, path: target, existing })
    }

    /// Writes `data`.
    pub(crate) fn write(&mut self, data: &[u8], io: &mut Io<'_>) -> Result<(), Error> {
        match self {
            Self::File { file, path, .. } => {
                file.as_file_mut().write_all(data).map_err(|source| cannot_write(path, source))
            }
            Self::Special { file, path } => match file.write_all(data) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Error::ClosedPipe),
                result => result.map_err(|source| cannot_write(path, source)),
            },
            Self::Stdout => {
                let stdout = &mut io.stdout.writer;
                stdout.write_all(data).and_then(|()| stdout.flush()).map_err(Error::stdout)
            }
        }
    }

    /// Gives a file its name, once all of it is on the disk.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let Self::File { file, path, existing } = self else { return Ok(()) };
        file.as_file().sync_all().map_err(|source| cannot_write(&path, source))?;
        let result = match existing {
            Existing::Keep => file.persist_noclobber(&path),
            Existing::Replace => file.persist(&path),
        };
        match result {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                Err(Error::Exists { path })
            }
            Err(error) => Err(cannot_write(&path, error.error)),
        }
    }

    /// Returns the name of the file, unless it is standard output.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } | Self::Special { path, .. } => Some(path),
            Self::Stdout => None,
        }
    }
}

/// Makes a file beside `target`, from where it can be renamed at once.
fn temporary(target: &Path) -> io::Result<NamedTempFile> {
    let name = target.file_name().ok_or(ErrorKind::InvalidInput)?;
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Like any new file, as the user's mask allows; temporary files are private otherwise.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder).map_err(|error| {
        // The message would name the temporary file, which says nothing to the user.
        let cause = error.get_ref().and_then(|named| named.source()?.downcast_ref::<io::Error>());
        let code = cause.and_then(io::Error::raw_os_error);
        code.map_or(error, io::Error::from_raw_os_error)
    })
}

fn cannot_write(path: &Path, source: io::Error) -> Error {
    Error::Path { path: path.to_path_buf(), action: "cannot be written", source }
}
