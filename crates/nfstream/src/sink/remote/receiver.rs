//! Interface of the protocols that destinations speak.

use std::error::Error;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

/// The other end of a destination.
///
/// Every call may block, for a limited time. After a failure the connection is made again.
pub(super) trait Receiver: Send {
    /// Connects, and checks what can be checked before the first row.
    ///
    /// # Errors
    ///
    /// [`Failure`] if rows cannot be sent.
    fn connect(&mut self, schema: &SchemaRef) -> Result<(), Failure>;

    /// Sends all rows of `batch`.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the receiver may not have all rows.
    fn send(&mut self, batch: &RecordBatch) -> Result<Sent, Failure>;

    /// Ends the connection after the last row.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the receiver may not have all rows.
    fn close(&mut self) -> Result<(), Failure>;

    /// Returns the most rows that one [`send`](Self::send) takes.
    fn most_rows(&self) -> usize;

    /// Returns whether it is a path on this machine, which the process needs permission to use.
    fn is_local_path(&self) -> bool {
        false
    }

    /// Returns whether it takes columns that need numbers of their own.
    fn numbers_columns(&self) -> bool {
        false
    }
}

/// Outcome of sending rows.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Bytes on the wire, about.
    pub(super) bytes: u64,
    /// Rows that the receiver refused, and its reason.
    pub(super) rejected: Option<(u64, String)>,
}

/// Reason why rows cannot be sent.
#[derive(Debug)]
pub(super) struct Failure {
    /// Whether another attempt would fail in the same way.
    pub(super) is_permanent: bool,
    pub(super) source: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// Returns a failure that another attempt may avoid.
    pub(super) fn temporary(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { is_permanent: false, source: source.into() }
    }

    /// Returns a failure that every attempt would have.
    pub(super) fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { is_permanent: true, source: source.into() }
    }
}

/// Returns an error in the form of other messages: in lower case and without the system's number.
pub(super) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        // An acronym as in "I/O error" keeps its case.
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

impl From<std::io::Error> for Failure {
    fn from(source: std::io::Error) -> Self {
        Self::temporary(source)
    }
}
