//! Service Request Transport Protocol of GE controllers, as published analyses describe it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_210),
    name: "GE-SRTP",
    category: Category(31),
    tcp_ports: &[18_245],
    stream: Some(StreamRules {
        client: Start::Bytes(&[0, 2, 8]),
        server: Start::Bytes(&[1, 3]),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

/// Bytes of each message.
const MESSAGE: usize = 56;

fn probe(streams: &Streams<'_>) -> Verdict {
    if streams.server_port() != 18_245 {
        return Verdict::No;
    }
    streams.either(|stream| {
        // A connection begins with an empty message, which the server answers with a 1.
        let head = &stream[..stream.len().min(MESSAGE)];
        let (kind, rest) = head.split_first()?;
        match kind {
            0 if rest.iter().any(|byte| *byte != 0) => Some(false),
            0 => (head.len() == MESSAGE).then_some(true),
            _ => Some(*rest.first()? == 0),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn the_empty_message_matches_at_its_port() {
        assert_eq!(streams(&PROTOCOL, 18_245, &[0; MESSAGE], b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 18_245, b"", b"\x01\0\0"), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 18_245, b"\0\0\x01", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 18_246, &[0; MESSAGE], b""), Verdict::No);
    }
}
