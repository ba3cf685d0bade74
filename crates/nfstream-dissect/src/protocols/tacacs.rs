//! TACACS+ (RFC 8907).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_209),
    name: "TACACS+",
    category: Category(14),
    tcp_ports: &[49],
    stream: Some(StreamRules { client: VERSIONS, server: VERSIONS, ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

const VERSIONS: Start = Start::Bytes(&[0xc0, 0xc1]);

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(49);
    // Version, kind, number of the packet, flags, session and length.
    streams.either(|stream| {
        Some(
            matches!(*stream.first()?, 0xc0 | 0xc1)
                && (1..=3).contains(stream.get(1)?)
                && matches!(*stream.get(2)?, 1 | 2)
                && *stream.get(3)? & !5 == 0
                && (5..1 << 16).contains(&be32(stream, 8)?)
                && (usual_port || be32(stream, 8)? < 512),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn packets_match() {
        let start = b"\xc0\x01\x01\0\x12\x34\x56\x78\0\0\0\x28";
        assert_eq!(streams(&PROTOCOL, 49, start, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 49, b"\xc0\x04\x01\0", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 49, b"\xc0\x01\x01\x02", b""), Verdict::No);
    }
}
