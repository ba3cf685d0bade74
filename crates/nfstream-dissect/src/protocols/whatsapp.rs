//! WhatsApp's connection to its servers: a prefix before the Noise handshake.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(142),
    name: "WhatsApp",
    category: Category(9),
    stream: Some(StreamRules { client: Start::Bytes(b"WE"), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.client_first(opens_connection)
}

/// Returns whether the prefix "WA" with a version begins, perhaps after "ED" with a hint for the
/// choice of a server.
fn opens_connection(stream: &[u8]) -> Option<bool> {
    match *stream.first()? {
        b'E' => Some(*stream.get(1)? == b'D' && *stream.get(2)? == 0 && *stream.get(3)? == 1),
        // After the version, the length of a frame in three bytes.
        _ => Some(
            *stream.get(1)? == b'A'
                && (1..=16).contains(stream.get(2)?)
                && *stream.get(3)? <= 16
                && *stream.get(4)? == 0,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn prefixes_match() {
        assert_eq!(streams(&PROTOCOL, 5222, b"WA\x05\x02\0\0\x24\x12", b""), Verdict::Match);
        assert_eq!(
            streams(&PROTOCOL, 443, b"ED\0\x01\0\0\x04\x08\x05\x08\x02WA", b""),
            Verdict::Match
        );
        assert_eq!(streams(&PROTOCOL, 443, b"WARN", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 443, b"EDIT", b""), Verdict::No);
    }
}
