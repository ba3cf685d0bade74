//! Building blocks of probes.

use crate::probe::{Streams, Verdict};
use crate::read::Reader;

/// Checks a stream field by field: `None` from `check` means that bytes are missing.
///
/// Fields joined by `&&` are read one after the other, so the first wrong one answers no.
pub(crate) fn check(stream: &[u8], check: impl FnOnce(&mut Reader<'_>) -> Option<bool>) -> Verdict {
    check(&mut Reader(stream)).map_or(Verdict::More, Verdict::from_match)
}

/// Checks a datagram field by field: missing bytes mean no.
pub(crate) fn check_all(
    payload: &[u8],
    check: impl FnOnce(&mut Reader<'_>) -> Option<bool>,
) -> Verdict {
    Verdict::from_match(check(&mut Reader(payload)).unwrap_or_default())
}

/// Joins the answers of both directions where the bytes of one suffice: no if either is
/// no, a match if either matches.
pub(crate) fn either(client: Verdict, server: Verdict) -> Verdict {
    match (client, server) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Match, _) | (_, Verdict::Match) => Verdict::Match,
        (Verdict::More, Verdict::More) => Verdict::More,
    }
}

/// Joins the answers of both directions where neither suffices alone.
pub(crate) fn both(client: Verdict, server: Verdict) -> Verdict {
    match (client, server) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Match, Verdict::Match) => Verdict::Match,
        (Verdict::More, _) | (_, Verdict::More) => Verdict::More,
    }
}

/// Returns the answer of the client's bytes, for a protocol in which the client sends first: no if
/// only the server has sent any.
pub(crate) fn by_client(streams: &Streams<'_>, probe: impl FnOnce(&[u8]) -> Verdict) -> Verdict {
    if streams.client.is_empty() && !streams.server.is_empty() {
        return Verdict::No;
    }
    probe(streams.client)
}

/// Returns the answer of the server's bytes, for a protocol in which the server sends first: no if
/// only the client has sent any.
pub(crate) fn by_server(streams: &Streams<'_>, probe: impl FnOnce(&[u8]) -> Verdict) -> Verdict {
    if streams.server.is_empty() && !streams.client.is_empty() {
        return Verdict::No;
    }
    probe(streams.server)
}

/// Returns whether `stream` begins with one of `magics`, or may do so once there is more of it.
pub(crate) fn begins_any(stream: &[u8], magics: &[&[u8]]) -> Verdict {
    if magics.iter().any(|magic| stream.starts_with(magic)) {
        Verdict::Match
    } else {
        Verdict::from_more(magics.iter().any(|magic| magic.starts_with(stream)))
    }
}

/// Checks the line at the start of `stream`: no if it has more than `max` bytes, its end included,
/// or anything but printable ASCII and tabs.
pub(crate) fn check_line(stream: &[u8], max: usize, check: impl FnOnce(&[u8]) -> bool) -> Verdict {
    let end = stream.iter().position(|byte| *byte == b'\n');
    let line = stream.get(..end.unwrap_or(stream.len())).unwrap_or_default();
    if line.len() >= max || !line.iter().all(|byte| matches!(byte, b'\t' | b'\r' | b' '..=b'~')) {
        return Verdict::No;
    }
    match end {
        Some(_) => Verdict::from_match(check(line.strip_suffix(b"\r").unwrap_or(line))),
        None => Verdict::More,
    }
}

/// Returns whether `bytes` are printable ASCII, at least one.
pub(crate) fn is_printable(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Returns whether `bytes` are a word of letters, digits and `_.-`.
pub(crate) fn is_word(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
}

/// Returns the text before the first NUL, and reads past it; `None` if there is no NUL.
pub(crate) fn c_string<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let end = reader.0.iter().position(|byte| *byte == 0)?;
    let text = reader.take(end)?;
    reader.u8()?;
    Some(text)
}

/// Returns whether `stream` may be a NUL-terminated text of at most `max` bytes: printable up to
/// the NUL or to the end of what there is.
pub(crate) fn may_be_c_string(stream: &[u8], max: usize) -> bool {
    let end = stream.iter().position(|byte| *byte == 0).unwrap_or(stream.len());
    end <= max && stream.iter().take(end).all(|byte| matches!(byte, b' '..=b'~' | 0x80..))
}
