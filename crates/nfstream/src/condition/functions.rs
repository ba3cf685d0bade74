//! The functions of conditions.

use std::cell::RefCell;
use std::net::IpAddr;

use cel::common::types::{CelBool, CelInt, CelString, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError};
use regex::Regex;

use super::budget;
use super::networks::is_private;
use crate::host;
use crate::packet::Subnet;
use crate::time::TimeUnit;

/// Maximum number of compiled patterns that a thread keeps; an expression has one or two.
const PATTERNS: usize = 16;

/// Steps charged to the budget for compiling a pattern.
const PATTERN_STEPS: u64 = 10_000;

thread_local! {
    /// Patterns that this thread has compiled; compiling takes longer than a search.
    static KNOWN: RefCell<Vec<(String, Regex)>> = const { RefCell::new(Vec::new()) };
}

/// Returns the standard library of the language.
///
/// Its `matches` replaces that of the crate `cel`, which compiles the pattern for every flow.
pub(super) fn environment() -> Env {
    let mut environment = Env::stdlib();
    let added = environment
        .add_overload("matches", "matches", vec![STRING_TYPE, STRING_TYPE], matches)
        .and_then(|()| {
            let id = "string_matches";
            environment.add_member_overload("matches", id, STRING_TYPE, vec![STRING_TYPE], matches)
        });
    let added = added.and_then(|()| budget::declare(&mut environment));
    let added = added.and_then(|()| declare_ours(&mut environment));
    added.expect("declared once, without the crate's feature for it");
    environment
}

/// Declares the functions that the standard library lacks.
fn declare_ours(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_overload("is_private", "is_private", vec![STRING_TYPE], in_private)?;
    environment.add_overload("net", "net", vec![STRING_TYPE, STRING_TYPE], in_network)?;
    environment.add_overload("lower", "lower", vec![STRING_TYPE], lower)?;
    environment.add_member_overload("lower", "string_lower", STRING_TYPE, Vec::new(), lower)?;
    for unit in TimeUnit::ALL {
        let now = match unit {
            TimeUnit::Milliseconds => now_ms,
            TimeUnit::Microseconds => now_us,
            TimeUnit::Nanoseconds => now_ns,
        };
        environment.add_overload(now_in(unit), now_in(unit), Vec::new(), now)?;
    }
    Ok(())
}

/// Returns the name of the function for the current time in `unit`, which no expression can name.
pub(super) const fn now_in(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Milliseconds => "@now_ms",
        TimeUnit::Microseconds => "@now_us",
        TimeUnit::Nanoseconds => "@now_ns",
    }
}

/// Returns the reason why a pattern is invalid, `None` for a valid one.
pub(super) fn pattern_error(pattern: &str) -> Option<String> {
    let error = Regex::new(pattern).err()?;
    let text = error.to_string();
    // The earlier lines repeat the pattern.
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

fn text<'a>(arguments: &'a [CowVal<'_, '_>], place: usize) -> Result<&'a str, ExecutionError> {
    let text = arguments.get(place).and_then(|value| value.downcast_ref::<CelString<'_>>());
    text.map(CelString::inner).ok_or_else(ExecutionError::missing_argument_or_target)
}

/// Parses the address in the first argument; other text, such as an anonymised one, is in no
/// network.
fn address(arguments: &[CowVal<'_, '_>]) -> Result<Option<IpAddr>, ExecutionError> {
    text(arguments, 0).map(|text| text.parse().ok())
}

fn boolean<'b, 'v>(value: bool) -> CowVal<'b, 'v> {
    CowVal::owned(CelBool::from(value))
}

fn in_private<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(boolean(address(&arguments)?.is_some_and(is_private)))
}

fn in_network<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let network = text(&arguments, 1)?;
    let network = Subnet::parse(network)
        .ok_or_else(|| ExecutionError::function_error("net", "no network"))?;
    Ok(boolean(address(&arguments)?.is_some_and(|address| network.contains(address))))
}

fn lower<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(CowVal::owned(CelString::from(text(&arguments, 0)?.to_lowercase())))
}

fn now<'b, 'v>(unit: TimeUnit) -> CowVal<'b, 'v> {
    CowVal::owned(CelInt::from(host::now().ticks(unit)))
}

fn now_ms<'b, 'v>(_: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(now(TimeUnit::Milliseconds))
}

fn now_us<'b, 'v>(_: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(now(TimeUnit::Microseconds))
}

fn now_ns<'b, 'v>(_: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(now(TimeUnit::Nanoseconds))
}
