//! The functions of conditions.

use std::cell::RefCell;

use cel::common::types::{CelBool, CelString, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError};
use regex::Regex;

use super::budget;

/// Compiled patterns that a thread keeps; an expression has one or two.
const PATTERNS: usize = 16;

/// Steps charged to the budget for compiling a pattern.
const PATTERN_STEPS: u64 = 10_000;

thread_local! {
    /// Patterns that this thread has compiled, which takes longer than a search.
    static KNOWN: RefCell<Vec<(String, Regex)>> = const { RefCell::new(Vec::new()) };
}

/// Returns the standard library of the language.
///
/// `matches` replaces the one of the crate `cel`, which compiles the pattern for every flow.
pub(super) fn environment() -> Env {
    let mut environment = Env::stdlib();
    let added = environment
        .add_overload("matches", "matches", vec![STRING_TYPE, STRING_TYPE], matches)
        .and_then(|()| {
            let id = "string_matches";
            environment.add_member_overload("matches", id, STRING_TYPE, vec![STRING_TYPE], matches)
        });
    let added = added.and_then(|()| budget::declare(&mut environment));
    added.expect("declared once, without the crate's feature for it");
    environment
}

/// Returns the reason why a pattern is invalid, `None` for a valid one.
pub(super) fn pattern_error(pattern: &str) -> Option<String> {
    let error = Regex::new(pattern).err()?;
    let text = error.to_string();
    // The lines before repeat the pattern.
    let last = text.lines().last().unwrap_or_default();
    Some(last.trim_start_matches("error: ").to_owned())
}

fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = |place: usize| arguments.get(place)?.downcast_ref::<CelString<'_>>();
    let (Some(text), Some(pattern)) = (text(0), text(1)) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let is_match = KNOWN.with_borrow_mut(|known| {
        let pattern = pattern.inner();
        let place = match known.iter().position(|(of, _)| of == pattern) {
            Some(place) => place,
            None => {
                budget::charge(PATTERN_STEPS)?;
                let regex = Regex::new(pattern)
                    .map_err(|error| ExecutionError::function_error("matches", error))?;
                if known.len() == PATTERNS {
                    known.clear();
                }
                known.push((pattern.to_owned(), regex));
                known.len() - 1
            }
        };
        Ok(known[place].1.is_match(text.inner()))
    });
    is_match.map(|is_match| CowVal::owned(CelBool::from(is_match)))
}
