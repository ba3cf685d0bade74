//! Parsed expression whose types are not checked yet, for other languages with the same syntax.

use cel::{Env, IdedExpr, Program};

use super::error::ConditionError;
use super::{LONGEST, functions, syntax};

thread_local! {
    /// Environment of this thread: creating one takes longer than parsing.
    static ENVIRONMENT: Env = functions::environment();
}

/// A parsed expression.
pub(crate) struct Parsed<'a> {
    text: &'a str,
    program: Program,
}

impl<'a> Parsed<'a> {
    /// Parses `text`.
    ///
    /// # Errors
    ///
    /// [`ConditionError`] for a text that is too long, and for a mistake in its syntax.
    pub(crate) fn new(text: &'a str) -> Result<Self, ConditionError> {
        if text.len() > LONGEST {
            let message = format!("has {} bytes; at most {LONGEST} are allowed", text.len());
            return Err(ConditionError::new("", message));
        }
        let program = ENVIRONMENT.with(|environment| environment.compile(text));
        let program = program.map_err(|errors| syntax::error(text, &errors))?;
        Ok(Self { text, program })
    }

    /// Returns the expression.
    pub(crate) fn expression(&self) -> &IdedExpr {
        self.program.expression()
    }

    /// Returns an error about a part of the expression.
    pub(crate) fn error(&self, part: &IdedExpr, message: String) -> ConditionError {
        let error = ConditionError::new(self.text, message);
        let place = self.program.source_info().offset_for(part.id);
        let place = place.and_then(|(start, last)| {
            Some(usize::try_from(start).ok()?..usize::try_from(last).ok()? + 1)
        });
        let end = self.text.chars().count();
        match place.filter(|place| place.start < place.end && place.end <= end) {
            Some(place) => error.at(place),
            None => error,
        }
    }
}
