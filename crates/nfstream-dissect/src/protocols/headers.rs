//! Heads of text messages as HTTP, RTSP and SIP have them: a first line and headers.

use memchr::memchr;

/// Longest head that is read.
pub(crate) const MAX_HEAD: usize = 8192;

/// Messages of a stream that are read.
const MAX_MESSAGES: usize = 32;

/// A first line and the headers after it, as far as they have come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    /// First line.
    pub(crate) first: &'a [u8],
    /// Bytes of the headers.
    headers: &'a [u8],
    /// Bytes after the empty line.
    pub(crate) body: &'a [u8],
    /// Whether the empty line has come, or no more is read.
    pub(crate) complete: bool,
}

impl<'a> Head<'a> {
    /// Returns the head at the start of a stream, `None` before the end of the first line.
    pub(crate) fn parse(stream: &'a [u8]) -> Option<Self> {
        let read = &stream[..stream.len().min(MAX_HEAD)];
        let first_end = memchr(b'\n', read)?;
        let first = trim(&read[..first_end]);
        let headers = &read[first_end + 1..];
        let mut offset = 0;
        while let Some(len) = memchr(b'\n', &headers[offset..]) {
            if trim(&headers[offset..offset + len]).is_empty() {
                let body = &stream[first_end + 1 + offset + len + 1..];
                return Some(Self { first, headers: &headers[..offset], body, complete: true });
            }
            offset += len + 1;
        }
        Some(Self { first, headers, body: &[], complete: stream.len() >= MAX_HEAD })
    }

    /// Returns the value of the first header of that name, in any case of letters.
    pub(crate) fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.lines().find_map(|(header, value)| {
            header.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
        })
    }

    /// Returns names and values of the headers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut rest = self.headers;
        let lines = std::iter::from_fn(move || {
            let line = match memchr(b'\n', rest) {
                None if rest.is_empty() => return None,
                None => std::mem::take(&mut rest),
                Some(end) => {
                    let line = &rest[..end];
                    rest = &rest[end + 1..];
                    line
                }
            };
            Some(line)
        });
        lines.filter_map(|line| {
            let colon = memchr(b':', line)?;
            Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()))
        })
    }

    /// Returns the body up to a length, or `None` before it has come.
    pub(crate) fn body_start(&self, max: usize) -> Option<&'a [u8]> {
        self.body.get(..self.content_len().min(max)).filter(|_| self.complete)
    }

    /// Returns the length of the body that the head announces, in SIP also by its short form.
    fn content_len(&self) -> usize {
        let len = self.header("content-length").or_else(|| self.header("l"));
        len.and_then(|len| std::str::from_utf8(len).ok()?.parse().ok()).unwrap_or(0)
    }
}

/// Returns the messages of a stream of which head and body have come, the body without the next
/// message.
pub(crate) fn messages(stream: &[u8]) -> impl Iterator<Item = Head<'_>> {
    let mut rest = stream;
    let next = move || {
        // Empty lines keep a connection alive.
        while let [b'\r' | b'\n', after @ ..] = rest {
            rest = after;
        }
        let mut head = Head::parse(rest).filter(|head| head.complete)?;
        let (body, after) = head.body.split_at_checked(head.content_len())?;
        (head.body, rest) = (body, after);
        Some(head)
    };
    std::iter::from_fn(next).take(MAX_MESSAGES)
}

fn trim(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_at_an_empty_line() {
        let head = Head::parse(b"A B\r\nX-One:  1 \r\nx-two:2\r\n\r\nbody").unwrap();
        assert!(head.complete);
        assert_eq!(head.first, b"A B");
        assert_eq!(head.header("x-one"), Some(&b"1"[..]));
        assert_eq!(head.header("X-TWO"), Some(&b"2"[..]));
        assert_eq!(head.body, b"body");
    }

    #[test]
    fn messages_follow_their_bodies() {
        let stream = b"A\r\nContent-Length: 2\r\n\r\nab\r\nB\r\n\r\nC\r\nl: 9\r\n\r\nshort";
        let found: Vec<_> = messages(stream).map(|head| (head.first, head.body)).collect();
        assert_eq!(found, [(&b"A"[..], &b"ab"[..]), (b"B", b"")]);
    }

    #[test]
    fn a_head_without_end_is_incomplete() {
        let head = Head::parse(b"A B\nOne: 1\n").unwrap();
        assert!(!head.complete);
        assert_eq!(head.header("one"), Some(&b"1"[..]));
        assert!(Head::parse(b"A B").is_none());
    }
}
