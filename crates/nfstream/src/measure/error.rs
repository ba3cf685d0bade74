//! The error of a measure.

use std::fmt::{self, Display, Formatter};

use crate::condition::ConditionError;

/// Reason why measures are invalid.
///
/// For a mistake in an expression, the second line shows the expression, and the third marks the
/// place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MeasureError {
    name: Option<String>,
    what: What,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum What {
    Expression(ConditionError),
    Name(&'static str),
    Size(String),
}

impl MeasureError {
    pub(super) fn new(name: &str, error: ConditionError) -> Self {
        Self { name: Some(name.to_owned()), what: What::Expression(error) }
    }

    pub(super) fn bad_name(name: &str, why: &'static str) -> Self {
        Self { name: Some(name.to_owned()), what: What::Name(why) }
    }

    pub(super) fn too_large(why: String) -> Self {
        Self { name: None, what: What::Size(why) }
    }
}

impl Display for MeasureError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or_default();
        match &self.what {
            What::Expression(error) => write!(f, "measure '{name}': {error}"),
            What::Name(why) => write!(f, "name of a measure: '{name}' {why}"),
            What::Size(why) => write!(f, "measures: {why}"),
        }
    }
}

impl std::error::Error for MeasureError {}
