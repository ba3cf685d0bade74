//! Text from files and packets, made safe for a terminal.

use std::borrow::Cow;
use std::path::Path;

/// Returns whether a character controls the terminal or the direction of the surrounding text.
pub fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// Returns untrusted text with escapes, as in `\u{1b}`, in place of characters that control the
/// terminal.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_control(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Returns the beginning of an untrusted text, such as the answer of a server, as one line that is
/// safe to show.
pub fn brief(text: &str) -> String {
    const MOST: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    visible(&line.chars().take(MOST).collect::<String>()).into_owned()
}

/// Returns a path as text that is safe to show.
pub fn visible_path(path: &Path) -> String {
    visible(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_escaped_and_other_text_stays() {
        assert_eq!(visible("größe 文 a\\b"), "größe 文 a\\b");
        assert_eq!(visible("a\u{1b}[31m\n\u{9b}2J"), "a\\u{1b}[31m\\u{a}\\u{9b}2J");
        assert_eq!(visible("gpj.\u{202e}exe\u{7f}"), "gpj.\\u{202e}exe\\u{7f}");
    }

    #[test]
    fn a_brief_text_is_one_line() {
        assert_eq!(brief("<html>\n  no\u{1b}[2Jthing\r\n"), "<html> no\\u{1b}[2Jthing");
        assert_eq!(brief(&"ß".repeat(1 << 20)), "ß".repeat(300));
        assert_eq!(brief(" \n"), "");
    }
}
