//! Results of models: columns that a [`Scorer`] computes from the others once a record is final.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::measured::cell::{MISSING, float};
use super::{Column, Declaration, Presence, Record, Value};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Models,
    shorthand: None,
    about: "The class and the scores that each model returns; `docs/models.md` explains their \
            names.",
    columns: &[],
};

/// Source of further columns of records, such as a model. It runs after the merge, in the thread
/// that advances the run.
pub trait Scorer: Debug + Send + Sync {
    /// Returns the columns, the results of a record in order.
    fn columns(&self) -> &[&'static Column];

    /// Sets the results of records, which do not depend on the other records.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] if a model fails, which ends the run.
    fn score(&self, records: &mut [Record]) -> Result<(), ScoreError>;
}

/// Failure of a model.
#[derive(Clone, Debug, thiserror::Error)]
#[error("model {model} failed: {message}")]
pub struct ScoreError {
    /// Name of the model.
    pub model: String,
    /// Message of the interpreter.
    pub message: String,
}

/// Type of a result.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Scored {
    /// A class, one of these texts; a record has its number.
    Class(Vec<String>),
    /// A floating-point number; null unless it is finite.
    Float,
    /// A whole number.
    Whole,
}

/// Result of a model among those of a record.
#[derive(Debug)]
pub struct Score {
    /// Type of the result.
    pub scored: Scored,
    place: usize,
}

/// Name, type and place of a column.
type Key = (String, Scored, usize);

impl Column {
    /// Returns the column of the result at `place`. Columns live as long as the process, and the
    /// same result has the same column.
    #[cfg_attr(not(feature = "models"), allow(dead_code, reason = "no model is ever read"))]
    pub(crate) fn scored(name: &str, scored: Scored, place: usize) -> &'static Self {
        static COLUMNS: LazyLock<Mutex<HashMap<Key, &'static Column>>> =
            LazyLock::new(Mutex::default);
        let mut columns = COLUMNS.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let score = &*Box::leak(Box::new(Score { scored: scored.clone(), place }));
            &*Box::leak(Box::new(Self::of_score(name.to_owned().leak(), score)))
        };
        columns.entry((name.to_owned(), scored.clone(), place)).or_insert_with(make)
    }
}

impl Score {
    /// Returns Arrow's name for the type.
    pub const fn type_name(&self) -> &'static str {
        match self.scored {
            Scored::Class(_) => "dictionary<string>",
            Scored::Float => "double",
            Scored::Whole => "int64",
        }
    }

    /// Returns whether the result is text.
    pub const fn is_text(&self) -> bool {
        matches!(self.scored, Scored::Class(_))
    }

    /// Returns the result of a record.
    pub(crate) fn value(&self, record: &Record) -> Value {
        match (&self.scored, self.cell(record)) {
            (_, None) => Value::Null,
            (Scored::Class(_), Some(_)) => {
                let mut text = String::new();
                self.write_class(self.code(record), &mut text);
                Value::Text(text)
            }
            (Scored::Float, Some(cell)) => Value::Float(float(cell)),
            (Scored::Whole, Some(cell)) => Value::Integer(cell),
        }
    }

    /// Returns the result of a record in one word, `None` if there is none.
    pub(crate) fn cell(&self, record: &Record) -> Option<i64> {
        let scores = record.scores.as_deref()?;
        scores.get(self.place).copied().filter(|cell| *cell != MISSING)
    }

    /// Returns the number of a record's class, beyond those of all classes if there is none.
    pub(crate) fn code(&self, record: &Record) -> u32 {
        self.cell(record).and_then(|cell| u32::try_from(cell).ok()).unwrap_or(u32::MAX)
    }

    /// Appends the class with this number, nothing if there is none.
    pub(crate) fn write_class(&self, code: u32, text: &mut String) {
        if let Scored::Class(classes) = &self.scored
            && let Some(class) = usize::try_from(code).ok().and_then(|code| classes.get(code))
        {
            text.push_str(class);
        }
    }
}
