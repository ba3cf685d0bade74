//! ClickHouse: the greetings of its native protocol.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::{check, either, is_printable};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(419),
    name: "ClickHouse",
    category: Category(11),
    stream: Some(StreamRules {
        client: Start::Bytes(&[0]),
        server: Start::Bytes(&[0, 2]),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

/// First revision that drivers name in use: three bytes of a variable-length number.
const REVISIONS: std::ops::Range<u32> = 54_000..60_000;

fn probe(streams: &Streams<'_>) -> Verdict {
    let client = check(streams.client, |reader| {
        reader.u8()?;
        let len = usize::from(reader.u8()?);
        if !(4..64).contains(&len) || !reader.0.first().is_none_or(u8::is_ascii_alphanumeric) {
            return Some(false);
        }
        if !is_printable(reader.take(len)?) || reader.u8()? >= 0x80 || reader.u8()? >= 0x80 {
            return Some(false);
        }
        let [low, middle, high] = [reader.u8()?, reader.u8()?, reader.u8()?].map(u32::from);
        let revision = low & 0x7f | (middle & 0x7f) << 7 | high << 14;
        Some(low >= 0x80 && middle >= 0x80 && REVISIONS.contains(&revision))
    });
    let server = match streams.server.first() {
        // An exception in place of a greeting says nothing.
        Some(2) => Verdict::More,
        _ => begins(streams.server, b"\0\x0aClickHouse"),
    };
    either(client, server)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn both_ends_greet() {
        assert_streams(&PROTOCOL, 9001, b"\0\x11ClickHouse client\x18\x02\xcd\xa9\x03\0", b"");
        assert_streams(&PROTOCOL, 9001, b"", b"\0\x0aClickHouse\x18");
        assert_eq!(streams(&PROTOCOL, 9001, b"\0\x11\0\0", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 9001, b"\0\x05aaaaa\x01\x01\x01", b""), Verdict::More);
        assert_eq!(streams(&PROTOCOL, 9001, b"\0\x05aaaaa\x01\x01\x01\x01\x01", b""), Verdict::No);
    }
}
