//! What can go wrong when a table is written.

use std::io;
use std::path::{Path, PathBuf};

/// Why a table cannot be written.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is a file already, and it is to be kept.
    #[error("{}: exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A key has a length that BLAKE2b does not take.
    #[error("key must have 1 to 64 bytes, not {len}")]
    KeyLength {
        /// Bytes of the key.
        len: usize,
    },
    /// The system gives no random numbers.
    #[error("no random key can be had from the system")]
    Random {
        /// What the system says.
        source: io::Error,
    },
    /// The thread that writes panicked: a bug of ours; or it cannot be started.
    #[error("the thread that writes failed")]
    Thread {
        /// What it said.
        source: io::Error,
    },
    /// There is no such column.
    #[error("no column '{name}'; there are {}", columns.join(", "))]
    UnknownColumn {
        /// The name that was given.
        name: String,
        /// The names that there are.
        columns: Vec<String>,
    },
}

impl ExportError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }
}
