//! What is wrong with a condition, and where.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;

/// What is wrong with a condition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    message: String,
    text: String,
    /// The letters that are to blame, if some are.
    place: Option<Range<usize>>,
}

impl Fault {
    /// Returns a fault of the whole of `text`.
    pub(super) fn new(text: &str, message: String) -> Self {
        Self { message, text: text.to_owned(), place: None }
    }

    /// Returns the fault with the letters to blame.
    pub(super) fn at(self, place: Range<usize>) -> Self {
        Self { place: Some(place), ..self }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        // What has lines of its own shows where it is by itself.
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

impl std::error::Error for Fault {}
