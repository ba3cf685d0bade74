//! Errors of writing a table.

use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};

use crate::host::visible_path;
use crate::table::TableError;

/// Why a table cannot be written.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The file exists and must be kept.
    #[error("{}: already exists", visible_path(path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The caller interrupted a wait for the destination.
    #[error("writing was interrupted")]
    Interrupted,
    /// A file cannot be written.
    #[error("{}: cannot be written", visible_path(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The sink was used before it was opened or after its end: a bug of its caller.
    #[error("the table is not open")]
    NotOpen,
    /// A destination other than a file failed.
    #[error("{name}: cannot be written")]
    Other {
        /// Name of the destination.
        name: String,
        /// Its error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stream of bytes cannot be written.
    #[error("the stream cannot be written")]
    Stream {
        /// The system's error.
        source: io::Error,
    },
    /// The rows cannot be built.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A destination did not get all rows.
    #[error("{name}: {unsent} flows were not sent, {sent} were")]
    Undelivered {
        /// URL of the destination.
        name: String,
        /// Rows that were sent.
        sent: u64,
        /// Rows that were not sent.
        unsent: u64,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A destination cannot be reached, or does not take the table.
    #[error("{name}")]
    Unreachable {
        /// URL of the destination.
        name: String,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The writing thread panicked, which is a bug, or cannot be started.
    #[error("the writing thread failed")]
    Thread {
        /// The panic's message, or the system's error.
        source: io::Error,
    },
}

impl SinkError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }

    /// Returns the error for a panic of the writing thread.
    pub(super) fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Thread { source: io::Error::other(text.unwrap_or("no message").to_owned()) }
    }
}
