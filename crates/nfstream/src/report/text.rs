//! Text from packets in the page: short, visible, and never markup.

use std::borrow::Cow;

use crate::host::visible;

/// Maximum length of a cell's text in bytes. Names in certificates can be longer.
const LONGEST: usize = 512;

/// Returns untrusted text for the page: control characters and those that change the direction of
/// text are escaped, and truncated text ends with an ellipsis and its length.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return visible(text);
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let start = text.get(..end).unwrap_or_default();
    Cow::Owned(format!("{}… ({} bytes)", visible(start), text.len()))
}

/// Returns the numbers of a list as text, without the empty places at its end.
pub(super) fn list(numbers: &[i64]) -> String {
    let numbers: Vec<_> = trimmed(numbers).iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

/// Returns a list without the empty places at its end.
pub(super) fn trimmed(numbers: &[i64]) -> &[i64] {
    let len = numbers.iter().rposition(|number| *number != -1).map_or(0, |last| last + 1);
    numbers.get(..len).unwrap_or_default()
}

/// Returns JSON that can stand in a script element: no character in it can end the element, begin
/// another or a comment.
pub(super) fn inert(json: &str) -> String {
    let mut inert = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        match character {
            // Outside strings, JSON has none of them.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                inert.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => inert.push(other),
        }
    }
    inert
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn inert_json_has_the_same_value_and_no_markup(text in ".*") {
            let json = serde_json::Value::from(text);
            let inert = inert(&json.to_string());
            let is_inert = !inert.contains(['<', '>', '&', '\u{2028}', '\u{2029}']);
            prop_assert!(is_inert);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&inert).unwrap(), json);
        }

        #[test]
        fn shown_text_is_short_and_has_no_controls(text in any::<String>(), repeat in 0_usize..200) {
            let text = text.repeat(repeat);
            let shown = shown(&text);
            prop_assert!(!shown.contains(crate::host::is_control));
            // An escape has at most ten letters.
            prop_assert!(shown.len() <= 10 * LONGEST + 40);
        }
    }

    #[test]
    fn long_text_is_cut_with_its_length() {
        let text = "ä".repeat(40_000);
        assert!(shown(&text).ends_with("ä… (80000 bytes)"));
        assert_eq!(shown("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn lists_lose_empty_places() {
        assert_eq!(list(&[0, -1, 5, -1, -1]), "0, -1, 5");
        assert_eq!(list(&[-1]), "");
    }
}
