//! Message sessions announced in SIP (RFC 4975).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_213),
    name: "MSRP",
    category: Category(9),
    tcp_ports: &[2855],
    stream: Some(StreamRules::either(Start::Bytes(b"M"), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    const NAME: &[u8] = b"MSRP ";
    streams.either(|stream| {
        let head = &stream[..stream.len().min(NAME.len())];
        if !NAME.starts_with(head) {
            return Some(false);
        }
        // A transaction, then a method or a status.
        let transaction = stream.get(NAME.len()..)?;
        let space = transaction.iter().take(32).position(|byte| !byte.is_ascii_alphanumeric());
        match space {
            None if transaction.len() >= 32 => Some(false),
            None => None,
            Some(place) => Some(place >= 3 && transaction.get(place) == Some(&b' ')),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn requests_and_responses_match() {
        assert_eq!(streams(&PROTOCOL, 2855, b"MSRP a786hjs2 SEND\r\n", b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 2855, b"", b"MSRP a786hjs2 200 OK\r\n"), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 2855, b"MSRP/1.0 ", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 2855, b"MSG hello", b""), Verdict::No);
    }
}
