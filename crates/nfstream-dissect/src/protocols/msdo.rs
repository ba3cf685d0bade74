//! Delivery Optimization of Windows: its peers greet each other by the name of the protocol.

use crate::label::{Category, ProtocolId};
use crate::probe::Streams;
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::has_magic;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(448),
    name: "MSDO",
    category: Category(19),
    tcp_ports: &[7680],
    stream: Some(StreamRules {
        client: Start::Bytes(&[14]),
        server: Start::Bytes(&[14]),
        ..StreamRules::new(|streams: &Streams<'_>| {
            streams.either(|stream| has_magic(stream, b"\x0eSwarm protocol"))
        })
    }),
    ..Protocol::NEW
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Verdict;
    use crate::protocols::testing::streams;

    #[test]
    fn the_greeting_matches() {
        assert_eq!(streams(&PROTOCOL, 7680, b"\x0eSwarm protocol\0\0\0", b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 7680, b"\x0eSwarm of bees", b""), Verdict::No);
    }
}
