//! Dialogues in lines: commands of a client and replies of a server.

use crate::probe::Verdict;

/// Lines of a stream that are read.
const MAX_LINES: usize = 200;

/// A line and the offset after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// The line without its end.
    pub(crate) text: &'a [u8],
    /// Offset in the stream of the next line.
    pub(crate) next: usize,
}

impl<'a> Line<'a> {
    /// Returns what follows `command`, in any case of letters, and a space.
    pub(crate) fn argument(&self, command: &str) -> Option<&'a [u8]> {
        let (word, rest) = self.text.split_at_checked(command.len())?;
        let rest = match rest {
            [] => rest,
            [b' ', rest @ ..] => rest,
            _ => return None,
        };
        word.eq_ignore_ascii_case(command.as_bytes()).then(|| rest.trim_ascii())
    }
}

/// Returns the whole lines of a stream.
pub(crate) fn lines(stream: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut offset = 0;
    let next = move || {
        let rest = stream.get(offset..)?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let text = &rest[..end];
        offset += end + 1;
        Some(Line { text: text.strip_suffix(b"\r").unwrap_or(text), next: offset })
    };
    std::iter::from_fn(next).take(MAX_LINES)
}

/// Returns the first line of a stream: text of less than `max` bytes. Without its end, or if it
/// cannot be text, the verdict on it.
pub(crate) fn first_line(stream: &[u8], max: usize) -> Result<&[u8], Verdict> {
    let end = stream.iter().take(max).position(|byte| *byte == b'\n');
    let read = stream.len().min(max);
    let line = &stream[..end.unwrap_or(read)];
    if line.iter().any(|byte| byte.is_ascii_control() && !b"\r\t".contains(byte)) {
        return Err(Verdict::No);
    }
    match end {
        Some(_) => Ok(line.strip_suffix(b"\r").unwrap_or(line)),
        None if stream.len() < max => Err(Verdict::More),
        None => Err(Verdict::No),
    }
}

/// Returns whether a stream begins with one of `commands` in any case of letters, with a space or
/// the end of the line after it.
pub(crate) fn begins_command(stream: &[u8], commands: &[&str]) -> Verdict {
    let mut more = false;
    for command in commands {
        let len = stream.len().min(command.len());
        if !stream[..len].eq_ignore_ascii_case(&command.as_bytes()[..len]) {
            continue;
        }
        match stream.get(command.len()) {
            Some(b' ' | b'\r' | b'\n') => return Verdict::Match,
            Some(_) => {}
            None => more = true,
        }
    }
    if more { Verdict::More } else { Verdict::No }
}

/// Returns whether a stream begins with one of `texts`, in any case of letters.
pub(crate) fn begins_text(stream: &[u8], texts: &[&str]) -> Verdict {
    let agrees = |text: &&str| {
        let len = stream.len().min(text.len());
        stream[..len].eq_ignore_ascii_case(&text.as_bytes()[..len])
    };
    let agreeing = texts.iter().copied().filter(agrees);
    match agreeing.map(str::len).min() {
        Some(len) if len <= stream.len() => Verdict::Match,
        Some(_) => Verdict::More,
        None => Verdict::No,
    }
}

/// Returns whether a stream begins with the three digits of `code` and a space or hyphen.
pub(crate) fn begins_reply(stream: &[u8], code: &[u8; 3]) -> Verdict {
    let len = stream.len().min(3);
    if stream[..len] != code[..len] {
        return Verdict::No;
    }
    match stream.get(3) {
        Some(b' ' | b'-') => Verdict::Match,
        Some(_) => Verdict::No,
        None => Verdict::More,
    }
}

/// Returns whether `word` occurs in `line` in any case of letters.
pub(crate) fn mentions(line: &[u8], word: &str) -> bool {
    line.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_end_at_a_space_or_line() {
        assert_eq!(begins_command(b"ehlo me", &["EHLO"]), Verdict::Match);
        assert_eq!(begins_command(b"EHL", &["EHLO"]), Verdict::More);
        assert_eq!(begins_command(b"EHLOX", &["EHLO"]), Verdict::No);
    }

    #[test]
    fn first_lines_are_text() {
        assert_eq!(first_line(b"one\r\ntwo", 10), Ok(&b"one"[..]));
        assert_eq!(first_line(b"one", 10), Err(Verdict::More));
        assert_eq!(first_line(b"one\n", 3), Err(Verdict::No));
        assert_eq!(first_line(b"o\0e\n", 10), Err(Verdict::No));
    }

    #[test]
    fn arguments_follow_their_command() {
        let all: Vec<_> = lines(b"USER me \r\nPASS\nrest").collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].argument("user"), Some(&b"me"[..]));
        assert_eq!(all[1].argument("PASS"), Some(&b""[..]));
        assert_eq!(all[1].next, 15);
    }
}
