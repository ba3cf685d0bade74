//! Measures: the user's own columns, computed by a compiled program.
//!
//! The module `measure` compiles expressions into a [`Program`]. This module executes the program
//! for each packet and computes the results when they are read.

pub(crate) mod cell;
mod distinct;
mod field;
mod frequencies;
mod moments;
mod operator;
mod output;
mod program;
mod quantiles;

use super::{Declaration, Measurement, Plan, Presence, Sample};

pub use field::{FIELDS, Field, Scalar};
pub(crate) use field::{Part, Source};
pub(crate) use operator::Operator;
pub use output::Output;
pub(crate) use output::{Finish, Items, Reading, Result};
pub use program::Program;
pub(crate) use program::{Register, Registers, Step, Update};

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Measures,
    shorthand: None,
    about: "One column for each measure, under its name.",
    columns: &[],
};

/// Maximum capacity, in words, of a list whose memory is reused.
const REUSED: usize = 512;

/// State of all measures of one flow.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    words: Vec<i64>,
    lists: Vec<Vec<i64>>,
    /// Bytes of both.
    bytes: usize,
}

impl State {
    /// Returns the words at `at`, zeros if there are none.
    fn chunk<const N: usize>(&self, at: usize) -> [i64; N] {
        self.words.get(at..).and_then(|words| words.first_chunk()).copied().unwrap_or([0; N])
    }
}

impl Measurement for State {
    fn grows(_: &Plan) -> bool {
        true
    }

    /// Returns the bytes of the state.
    fn memory(&self) -> usize {
        self.bytes
    }

    fn begin(&mut self, plan: &Plan, _: &Sample<'_>) {
        let Some(program) = plan.program else { return };
        self.words.clear();
        self.words.extend_from_slice(&program.words);
        self.lists.resize_with(program.lists, Vec::new);
        self.lists.iter_mut().for_each(Vec::clear);
        let lists: usize = self.lists.iter().map(Vec::capacity).sum();
        let headers = self.lists.capacity() * size_of::<Vec<i64>>();
        self.bytes = (self.words.capacity() + lists) * size_of::<i64>() + headers;
    }

    fn clear(&mut self) {
        self.bytes = 0;
        for list in self.lists.iter_mut().filter(|list| list.capacity() > REUSED) {
            *list = Vec::new();
        }
    }
}
