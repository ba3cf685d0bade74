//! HiSLIP, the control of measuring instruments (IVI-6.1).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(372),
    name: "HiSLIP",
    category: Category(31),
    tcp_ports: &[4880],
    stream: Some(StreamRules::either(Start::Bytes(b"H"), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    // Prologue, kind of message, control code, parameter and a length of 64 bits.
    streams.either(|stream| {
        Some(
            *stream.first()? == b'H'
                && *stream.get(1)? == b'S'
                && *stream.get(2)? <= 32
                && be32(stream, 8)? == 0
                && be32(stream, 12)? < 1 << 24,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn messages_match() {
        let initialize = b"HS\0\0\x01\0zz\0\0\0\0\0\0\0\x07hislip0";
        assert_eq!(streams(&PROTOCOL, 4880, initialize, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 4880, b"HSK ", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 4880, b"HTTP/1.1", b""), Verdict::No);
    }
}
