//! Errors of tables.

use std::io;

use arrow_schema::ArrowError;

/// Why a table cannot be made.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Values do not fit the columns that were declared for them.
    #[error("values do not fit their columns")]
    Batch {
        /// Arrow's error.
        #[from]
        source: ArrowError,
    },
    /// Two columns have one name.
    #[error("two columns are called '{name}'")]
    DuplicateColumn {
        /// The name.
        name: String,
    },
    /// A key has a length that BLAKE2b does not take.
    #[error("key must have 1 to 64 bytes, not {len}")]
    KeyLength {
        /// Bytes of the key.
        len: usize,
    },
    /// The system gives no random numbers.
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
        /// The names that there are.
        columns: Vec<String>,
    },
}
