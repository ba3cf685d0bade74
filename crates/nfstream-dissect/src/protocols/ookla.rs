//! Ookla's measurement of throughput: the greetings over TCP.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::has_magic;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(191),
    name: "Ookla",
    category: Category(14),
    stream: Some(StreamRules::either(Start::Bytes(b"H"), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    // "HI", perhaps with an identifier, and "HELLO" with a version and its number in parentheses.
    streams.either(|stream| match *stream.get(1)? {
        b'I' => Some(matches!(*stream.get(2)?, b'\n' | b'\r' | b' ')),
        b'E' => {
            if !has_magic(stream, b"HELLO ")? {
                return Some(false);
            }
            let version = stream.get(6..)?.iter().take(16);
            let end = version.clone().position(|byte| !byte.is_ascii_digit() && *byte != b'.');
            match end {
                None if version.len() == 16 => Some(false),
                None => None,
                Some(0) => Some(false),
                Some(end) => Some(*stream.get(6 + end)? == b' ' && *stream.get(7 + end)? == b'('),
            }
        }
        _ => Some(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn greetings_match() {
        assert_eq!(streams(&PROTOCOL, 8080, b"HI 5d1c\n", b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 8080, b"", b"HELLO 2.8 (2.8.0) 2019\n"), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 8080, b"HELO example.org\r\n", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 8080, b"", b"HELLO there (you)\n"), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 8080, b"HTTP/1.1", b""), Verdict::No);
    }
}
