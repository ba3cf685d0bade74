//! FIX: the first fields of its messages.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{begins_any, check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(230),
    name: "FIX",
    category: Category(16),
    stream: Some(StreamRules::either(Start::Bytes(b"8"), probe)),
    ..Protocol::NEW
};

/// End of a field.
const SOH: u8 = 1;

fn probe(streams: &Streams<'_>) -> Verdict {
    either(message(streams.client), message(streams.server))
}

fn message(stream: &[u8]) -> Verdict {
    let begin = begins_any(stream, &[b"8=FIX"]);
    if begin == Verdict::Match {
        return begin;
    }
    // Other values, of compressing variants, are short and stand before the length.
    check(stream, |reader| {
        if reader.u8()? != b'8' || reader.u8()? != b'=' {
            return Some(false);
        }
        let end = reader.0.iter().take(9).position(|byte| *byte == SOH);
        if end.is_none() && reader.0.len() > 8 || !reader.0.iter().take(8).all(|b| *b < 0x7f) {
            return Some(false);
        }
        reader.take(end?)?;
        Some(reader.u8()? == SOH && reader.u8()? == b'9' && reader.u8()? == b'=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn messages_begin_with_version_and_length() {
        assert_streams(&PROTOCOL, 4000, b"8=FIX.4.4\x019=65\x01", b"");
        assert_streams(&PROTOCOL, 4000, b"", b"8=O\x019=0075\x01");
        assert_eq!(streams(&PROTOCOL, 4000, b"8=GET\n", b""), Verdict::More);
        assert_eq!(streams(&PROTOCOL, 4000, b"8=GET / HTTP/1.1", b""), Verdict::No);
    }
}
