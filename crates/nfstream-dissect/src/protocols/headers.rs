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
        self.headers([name])[0]
    }

    /// Returns the values of the first headers of these names, in any case of letters, from one
    /// pass over the lines.
    pub(crate) fn headers<const N: usize>(&self, names: [&str; N]) -> [Option<&'a [u8]>; N] {
        let mut values = [None; N];
        for line in self.lines() {
            let line = line.trim_ascii_start();
            for (value, name) in values.iter_mut().zip(names) {
                if value.is_none() {
                    *value = value_of(line, name);
                }
            }
        }
        values
    }

    /// Returns the lines of the headers.
    fn lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.headers;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            Some(line)
        })
    }

    /// Returns the body up to a length, or `None` before it has come.
    pub(crate) fn body_start(&self, max: usize) -> Option<&'a [u8]> {
        self.body.get(..self.content_len().min(max)).filter(|_| self.complete)
    }

    /// Returns the length of the body that the head announces, in SIP also by its short form.
    fn content_len(&self) -> usize {
        let [long, short] = self.headers(["content-length", "l"]);
        let len = long.or(short);
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

/// Returns the value of a header line that begins with `name`, in any case of letters.
#[inline]
fn value_of<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    // Nearly all lines differ in the first letter.
    let [first, ..] = line else { return None };
    let [letter, ..] = name.as_bytes() else { return None };
    if (first ^ letter) & !0x20 != 0 {
        return None;
    }
    let (start, rest) = line.split_at_checked(name.len())?;
    let [b':', value @ ..] = rest.trim_ascii_start() else { return None };
    start.eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii())
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
        assert_eq!(head.headers(["x-two", "x", "x-one"]), [Some(&b"2"[..]), None, Some(b"1")]);
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
