//! What the parser and the interpreter say, in words for those who typed the condition.

use cel::{ExecutionError, ParseErrors};

use super::fault::Fault;

/// Words of other languages, and what they are here.
const WORDS: [(&str, &str); 5] = [
    ("and", "'&&' stands for 'and'"),
    ("or", "'||' stands for 'or'"),
    ("not", "'!' stands for 'not'"),
    ("like", "text.matches(pattern) or text.contains(part) stands for 'like'"),
    ("is", "'==' stands for 'is'"),
];

/// Returns the first thing that the parser did not understand.
pub(super) fn fault(text: &str, errors: &ParseErrors) -> Fault {
    let Some(error) = errors.errors.iter().min_by_key(|error| error.pos) else {
        return Fault::new(text, "cannot be read".to_owned());
    };
    let column = usize::try_from(error.pos.1 - 1).unwrap_or_default();
    let is_end = text.chars().skip(column).all(char::is_whitespace);
    let message = match hint(text, column) {
        _ if is_end => "ends too early".to_owned(),
        Some(hint) => hint.to_owned(),
        None => {
            let message = error.msg.trim_start_matches("Syntax error: ");
            // What the parser expects instead is a list of all that its grammar names.
            let short = message.split(" expecting ").next().unwrap_or(message);
            format!("cannot be read from here on: {short}")
        }
    };
    let fault = Fault::new(text, message);
    if error.pos.0 == 1 { fault.at(column..column + 1) } else { fault }
}

/// Returns what went wrong with one flow.
pub(super) fn failure(text: &str, flow: u64, error: &ExecutionError) -> Fault {
    let what = match error {
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "makes a number that is too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "asks for more of a list than there is".to_owned(),
        other => format!("fails: {other}"),
    };
    Fault::new(
        text,
        format!("{what} for flow {flow}; a condition before it, with '&&', prevents that"),
    )
}

/// Returns what was probably meant near the letter number `column`.
fn hint(text: &str, column: usize) -> Option<&'static str> {
    let rest: String = text.chars().skip(column).collect();
    let before: String = text.chars().take(column).collect();
    let is_single = |text: &str| text.starts_with('=') && !text.starts_with("==");
    if is_single(&rest) && !before.ends_with(['=', '!', '<', '>']) {
        return Some("'==' compares, '=' means nothing");
    }
    if rest.starts_with(['.', ':']) && before.ends_with(|c: char| c.is_ascii_hexdigit()) {
        return Some("addresses stand in quotes, as all text does");
    }
    let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let word = word.to_ascii_lowercase();
    WORDS.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours)
}
