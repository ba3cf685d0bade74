//! MongoDB: the header of its wire protocol.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(60),
    name: "MongoDB",
    category: Category(11),
    tcp_ports: &[27_017],
    stream: Some(StreamRules::new(probe)),
    ..Protocol::NEW
};

/// Longest message.
const MAX_LEN: u32 = 48_000_000;
const REPLY: u32 = 1;
const QUERY: u32 = 2004;
const COMPRESSED: u32 = 2012;
const MESSAGE: u32 = 2013;

fn probe(streams: &Streams<'_>) -> Verdict {
    either(message(streams.client, true), message(streams.server, false))
}

fn message(stream: &[u8], is_client: bool) -> Verdict {
    check(stream, |reader| {
        let len = reader.le32()?;
        if !(16..=MAX_LEN).contains(&len) {
            return Some(false);
        }
        reader.le32()?;
        reader.le32()?;
        let code = reader.le32()?;
        Some(match code {
            REPLY => !is_client && len >= 36 && reader.le32()? <= 0x0f,
            // Flags, then the name of a collection.
            QUERY => is_client && reader.le32()? <= 0xff && matches!(reader.u8()?, b' '..=b'~'),
            1000 | 2001 | 2002 | 2005..=2007 | 2010 => is_client && reader.le32()? <= 3,
            2011 => true,
            // The code of the message inside, its length and the compressor.
            COMPRESSED => {
                matches!(reader.le32()?, REPLY | 2001..=2013)
                    && reader.le32()? <= MAX_LEN
                    && reader.u8()? <= 3
            }
            // Checksum, more to come and exhaust are allowed; sections have a kind.
            MESSAGE => reader.le32()? & !0x0001_0003 == 0 && reader.u8()? <= 1,
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    fn message(code: u16, rest: &[u8]) -> Vec<u8> {
        let [low, high] = code.to_le_bytes();
        [&[0x3a, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, low, high, 0, 0][..], rest].concat()
    }

    #[test]
    fn codes_and_flags_are_checked() {
        assert_streams(&PROTOCOL, 27_018, &message(2004, b"\0\0\0\0admin.$cmd\0"), b"");
        assert_streams(&PROTOCOL, 27_018, &message(2013, b"\0\0\0\0\0"), b"");
        assert_streams(&PROTOCOL, 27_018, b"", &message(1, b"\x08\0\0\0"));
        assert_eq!(streams(&PROTOCOL, 27_018, &message(1, b"\x08\0\0\0"), b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 27_018, &message(2013, b"\x08\0\0\0\0"), b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 27_018, &message(2014, b""), b""), Verdict::No);
    }
}
