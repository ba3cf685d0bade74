//! Errors of the parser and the interpreter, in the words of conditions.

use cel::{ExecutionError, ParseErrors};

use super::error::ConditionError;

/// Words of other languages and their counterparts here.
const WORDS: [(&str, &str); 5] = [
    ("and", "write '&&' instead of 'and'"),
    ("or", "write '||' instead of 'or'"),
    ("not", "write '!' instead of 'not'"),
    ("like", "write text.matches(pattern) or text.contains(part) instead of 'like'"),
    ("is", "write '==' instead of 'is'"),
];

/// Returns the first error of the parser.
pub(super) fn error(text: &str, errors: &ParseErrors) -> ConditionError {
    let Some(error) = errors.errors.iter().min_by_key(|error| error.pos) else {
        return ConditionError::new(text, "cannot be read".to_owned());
    };
    let column = usize::try_from(error.pos.1 - 1).unwrap_or_default();
    let is_end = text.chars().skip(column).all(char::is_whitespace);
    let message = match hint(text, column) {
        _ if is_end => "ends too early".to_owned(),
        Some(hint) => hint.to_owned(),
        None => {
            let message = error.msg.trim_start_matches("Syntax error: ");
            // The rest lists every token that the grammar allows.
            let short = message.split(" expecting ").next().unwrap_or(message);
            format!("cannot be read from here on: {short}")
        }
    };
    let found = ConditionError::new(text, message);
    if error.pos.0 == 1 { found.at(column..column + 1) } else { found }
}

/// Returns the error of an evaluation for one flow.
pub(super) fn failure(text: &str, flow: u64, error: &ExecutionError) -> ConditionError {
    let what = match error {
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "makes a number that is too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "reads past the end of a list".to_owned(),
        other => format!("fails: {other}"),
    };
    ConditionError::new(text, format!("{what} for flow {flow}; guard it with a condition and '&&'"))
}

/// Returns the error of an evaluation that takes more than `most` steps for one flow.
pub(super) fn too_many_steps(text: &str, flow: u64, most: u64) -> ConditionError {
    let what = format!("takes more than {most} steps for flow {flow}; nest fewer list visits");
    ConditionError::new(text, what)
}

/// Returns advice for a mistake at character number `column`.
fn hint(text: &str, column: usize) -> Option<&'static str> {
    let rest: String = text.chars().skip(column).collect();
    let before: String = text.chars().take(column).collect();
    let is_single = |text: &str| text.starts_with('=') && !text.starts_with("==");
    if is_single(&rest) && !before.ends_with(['=', '!', '<', '>']) {
        return Some("use '==' to compare");
    }
    if rest.starts_with(['.', ':']) && before.ends_with(|c: char| c.is_ascii_hexdigit()) {
        return Some("put addresses in quotes, like all text");
    }
    let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let word = word.to_ascii_lowercase();
    WORDS.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours)
}
