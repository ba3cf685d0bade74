//! The error of a condition and its place in the text.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;

/// Reason why a condition is invalid, or cannot be evaluated for a flow.
///
/// The second line of its text shows the expression, and the third marks the place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConditionError {
    message: String,
    text: String,
    place: Option<Range<usize>>,
}

impl ConditionError {
    /// Returns an error about the whole of `text`.
    pub(super) fn new(text: &str, message: String) -> Self {
        Self { message, text: text.to_owned(), place: None }
    }

    /// Returns the error with the characters to mark.
    pub(super) fn at(self, place: Range<usize>) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Returns the message alone, on one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the place of the mistake, counted in characters; `None` for the whole expression.
    pub fn place(&self) -> Option<Range<usize>> {
        self.place.clone()
    }
}

impl Display for ConditionError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        // Marks would be misplaced below a text of several lines.
        if self.text.contains('\n') {
            return Ok(());
        }
        if !self.text.is_empty() {
            write!(f, "\n  {}", self.text)?;
        }
        if let Some(place) = &self.place {
            write!(f, "\n  {:1$}{2}", "", place.start, "^".repeat(place.len().max(1)))?;
        }
        Ok(())
    }
}

impl std::error::Error for ConditionError {}
