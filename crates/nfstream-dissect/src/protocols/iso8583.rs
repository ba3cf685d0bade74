//! ISO 8583: financial messages, known by the type of a request and that of its answer.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::Reader;
use crate::shape::{both, check};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_124),
    name: "ISO8583",
    category: Category(110),
    stream: Some(StreamRules::either(Start::Range(0, 7), probe)),
    ..Protocol::NEW
};

/// Checks both directions: one alone shows too little.
fn probe(streams: &Streams<'_>) -> Verdict {
    let message = |stream, is_request| check(stream, |reader| message(reader, is_request));
    both(message(streams.client, true), message(streams.server, false))
}

/// Checks a length of two bytes and the type in digits.
fn message(reader: &mut Reader<'_>, is_request: bool) -> Option<bool> {
    let len = usize::from(reader.u16()?);
    if !(20..2048).contains(&len) {
        return Some(false);
    }
    let version = reader.u8()?;
    let class = reader.u8()?;
    let function = reader.u8()?;
    let origin = reader.u8()?;
    let answers = matches!(function, b'1' | b'3');
    if !matches!(version, b'0'..=b'2')
        || !matches!(class, b'1'..=b'8')
        || !matches!(function, b'0'..=b'4')
        || !matches!(origin, b'0'..=b'5')
        || answers == is_request
    {
        return Some(false);
    }
    reader.take(len - 4)?;
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn requests_have_answers() {
        let request = b"\0\x1c0800822000000000000004000000";
        let answer = b"\0\x1c0810822000000000000004000000";
        assert_eq!(streams(&PROTOCOL, 5000, request, answer), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 5000, request, b""), Verdict::More);
        assert_eq!(streams(&PROTOCOL, 5000, request, request), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 5000, b"\0\x1cGET ", b""), Verdict::No);
    }
}
