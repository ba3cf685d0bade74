//! Nagios Remote Plugin Executor, versions 2 to 4 (NRPE_PROTOCOL.txt of the project).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_205),
    name: "NRPE",
    category: Category(14),
    tcp_ports: &[5666],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    if !streams.has_port(5666) {
        return Verdict::No;
    }
    // Version, kind of packet (query, response, more of it, error), a CRC and a result.
    streams.either(|stream| {
        Some(
            matches!(be16(stream, 0)?, 2..=4)
                && matches!(be16(stream, 2)?, 1..=4)
                && (be16(stream, 2)? == 1 || be16(stream, 8)? <= 4),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn queries_and_responses_match() {
        assert_eq!(
            streams(&PROTOCOL, 5666, b"\0\x02\0\x01\x12\x34\x56\x78\0\0_NRPE", b""),
            Verdict::Match
        );
        assert_eq!(
            streams(&PROTOCOL, 5666, b"", b"\0\x03\0\x02\x12\x34\x56\x78\0\0"),
            Verdict::Match
        );
        assert_eq!(streams(&PROTOCOL, 5666, b"\0\x05\0\x01", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 5667, b"\0\x02\0\x01", b""), Verdict::No);
    }
}
