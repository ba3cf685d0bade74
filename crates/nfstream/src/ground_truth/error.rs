//! Mistakes in a file of rules.

/// Mistake in a file of rules.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GroundTruthError {
    /// A mistake in a cell.
    #[error("line {line}, column '{heading}': {mistake}")]
    Cell {
        /// Line of the rule, from 1.
        line: u64,
        /// Heading of the column.
        heading: String,
        /// The mistake.
        mistake: String,
    },
    /// A name for which there is no column.
    #[error("'{name}' is none of {}", super::HEADINGS.map(|(name, _)| name).join(", "))]
    Column {
        /// The name.
        name: String,
    },
    /// A mistake in a line.
    #[error("line {line}: {mistake}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// The mistake.
        mistake: String,
    },
}
