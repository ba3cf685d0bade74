//! OpenFlow (ONF TS-025), by its greetings.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(374),
    name: "OpenFlow",
    category: Category(14),
    tcp_ports: &[6653],
    stream: Some(StreamRules::either(Start::Range(1, 6), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(6653) || streams.has_port(6633);
    streams.either(|stream| {
        // Version, kind and length; a greeting may hold a bitmap of versions.
        let kind = *stream.get(1)?;
        let len = || be16(stream, 2);
        // Other protocols begin with a 2 or a 3 and the same zeros.
        let version = *stream.first()?;
        Some(
            (matches!(version, 1 | 4..=6) || usual_port)
                && if usual_port {
                    kind <= 35 && len()? >= 8
                } else {
                    kind == 0 && (len()? == 8 || (len()? == 16 && be16(stream, 8)? == 1))
                },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn greetings_match() {
        assert_eq!(streams(&PROTOCOL, 6653, b"\x01\0\0\x08\0\0\0\x01", b""), Verdict::Match);
        let bitmap = b"\x04\0\0\x10\0\0\0\x01\0\x01\0\x08\0\0\0\x10";
        assert_eq!(streams(&PROTOCOL, 7000, bitmap, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 7000, b"\x01\x05\0\x08\0\0\0\x01", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 6653, b"\x07\0\0\x08", b""), Verdict::No);
    }
}
