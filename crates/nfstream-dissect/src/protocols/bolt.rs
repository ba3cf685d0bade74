//! Bolt, the protocol of Neo4j: its handshake.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::by_client;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_120),
    name: "Bolt",
    category: Category(11),
    tcp_ports: &[7687],
    stream: Some(StreamRules { client: Start::Bytes(&[0x60]), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| begins(stream, &[0x60, 0x60, 0xb0, 0x17]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn handshakes_have_a_magic_number() {
        assert_streams(&PROTOCOL, 7687, b"\x60\x60\xb0\x17\0\0\x04\x05", b"");
        assert_eq!(streams(&PROTOCOL, 7687, b"\x60\x60\x06", b""), Verdict::No);
    }
}
