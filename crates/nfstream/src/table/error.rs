//! Errors of tables.

use std::io;

use arrow_schema::ArrowError;

/// Why a table cannot be built.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Values do not fit their columns.
    #[error("values do not fit their columns")]
    Batch {
        /// Arrow's error.
        #[from]
        source: ArrowError,
    },
    /// Two columns have the same name.
    #[error("two columns are called '{name}'")]
    DuplicateColumn {
        /// The name.
        name: String,
    },
    /// The length of a key is not supported by BLAKE2b.
    #[error("key must have 1 to 64 bytes, not {len}")]
    KeyLength {
        /// Bytes of the key.
        len: usize,
    },
    /// The system provides no random numbers.
    #[error("the system provides no random key")]
    Random {
        /// The system's error.
        source: io::Error,
    },
    /// There is no such column.
    #[error("no column '{name}'; there are {}", columns.join(", "))]
    UnknownColumn {
        /// The name that was given.
        name: String,
        /// The existing names.
        columns: Vec<String>,
    },
}
