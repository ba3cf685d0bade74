//! Elasticsearch and OpenSearch: the transport protocol between nodes.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(330),
    name: "Elasticsearch",
    category: Category(18),
    stream: Some(StreamRules::either(Start::Bytes(b"E"), probe)),
    ..Protocol::NEW
};

/// Length of a ping, which has nothing else.
const PING: u32 = u32::MAX;
/// Versions are decimal, such as 6080099; OpenSearch sets bit 27.
const MAX_VERSION: u32 = 0x0fff_ffff;

fn probe(streams: &Streams<'_>) -> Verdict {
    let message = |stream| {
        check(stream, |reader| {
            if reader.u16()? != u16::from_be_bytes(*b"ES") {
                return Some(false);
            }
            let len = reader.u32()?;
            if len == PING {
                return Some(true);
            }
            // The number of the request, which counts up, and its kind: request or response, error,
            // compressed, handshake.
            let plausible =
                (13..1 << 30).contains(&len) && reader.u64()? >> 48 == 0 && reader.u8()? <= 0x0f;
            Some(plausible && (1..=MAX_VERSION).contains(&reader.u32()?))
        })
    };
    either(message(streams.client), message(streams.server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn messages_have_a_magic_number_and_a_status() {
        assert_streams(&PROTOCOL, 9301, b"ES\0\0\0\x34\0\0\0\0\0\0\0\x01\x08\0\x5c\xc6\x63", b"");
        assert_streams(&PROTOCOL, 9301, b"", b"ES\xff\xff\xff\xff");
        let other = b"ES\0\0\0\x34\0\0\0\0\0\0\0\x01\x40\0\x5c\xc6\x63";
        assert_eq!(streams(&PROTOCOL, 9300, other, b""), Verdict::No);
    }
}
