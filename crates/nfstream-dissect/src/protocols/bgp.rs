//! BGP (RFC 4271).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(13),
    name: "BGP",
    category: Category(14),
    tcp_ports: &[179, 2605],
    stream: Some(StreamRules::either(Start::Bytes(&[0xff]), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        let marker = &stream[..stream.len().min(16)];
        if marker.iter().any(|byte| *byte != 0xff) {
            return Some(false);
        }
        Some((19..=4096).contains(&be16(stream, 16)?) && (1..=5).contains(stream.get(18)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn messages_match() {
        let mut keepalive = [0xff; 19];
        keepalive[16..].copy_from_slice(&[0, 19, 4]);
        assert_eq!(streams(&PROTOCOL, 179, &keepalive, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 179, b"", &keepalive), Verdict::Match);
        keepalive[18] = 6;
        assert_eq!(streams(&PROTOCOL, 179, &keepalive, b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 179, b"\xff\xff\0", b""), Verdict::No);
    }
}
