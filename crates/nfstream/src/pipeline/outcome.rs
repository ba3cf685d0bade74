//! Steps of an engine, and how a run ends.

use super::error::RunError;
use crate::features::Record;

/// Outcome of a run.
#[derive(Debug, Default)]
pub(super) enum Outcome {
    /// The input was read to its end.
    #[default]
    Complete,
    /// Reading failed. The records of all flows up to that point precede the error.
    Failed(RunError),
}

/// Result of one step of an engine.
#[derive(Debug, Default)]
pub(super) struct Advance {
    /// The next records, possibly none.
    pub(super) records: Vec<Record>,
    /// Outcome of the run, `None` while there is more to come.
    pub(super) outcome: Option<Outcome>,
}

impl Outcome {
    /// Returns the error, if it is one.
    pub(super) fn failure(self) -> Option<RunError> {
        match self {
            Self::Complete => None,
            Self::Failed(error) => Some(error),
        }
    }
}
