//! Logs of Nest devices: Weave messages (OpenWeave) of nodes with Nest's prefix.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, StreamRules};
use crate::read::le16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(43),
    name: "NestLogSink",
    category: Category(13),
    tcp_ports: &[11_095],
    stream: Some(StreamRules::new(probe)),
    ..Protocol::NEW
};

/// The upper bytes of a node's number, in the order of the wire: 18-B4-30, Nest's OUI.
const NEST: &[u8] = &[0x30, 0xb4, 0x18];

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        // Length, version 1 with both node numbers present, the number of the message, the nodes.
        Some(
            le16(stream, 0)? >= 24
                && le16(stream, 2)? & 0xf300 == 0x1300
                && (stream.get(13..16)? == NEST || stream.get(21..24)? == NEST),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    const SESSION: &[u8] =
        b"\x11\x02\0\x13\x08\x03\0\0\x36\x9e\x27\0\0\x30\xb4\x18\x04\0\0\0\x02\x30\xb4\x18\x11";

    #[test]
    fn messages_of_nest_match() {
        assert_eq!(streams(&PROTOCOL, 11_095, SESSION, b""), Verdict::Match);
        let mut other = SESSION.to_vec();
        (other[13], other[21]) = (0, 0);
        assert_eq!(streams(&PROTOCOL, 11_095, &other, b""), Verdict::No);
    }
}
