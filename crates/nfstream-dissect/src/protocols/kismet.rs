//! Clients and drones of Kismet, the sniffer of wireless networks.

use crate::label::{Category, ProtocolId};
use crate::probe::Streams;
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::has_magic;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(309),
    name: "Kismet",
    category: Category(14),
    tcp_ports: &[2501],
    stream: Some(StreamRules {
        server: Start::Bytes(b"*"),
        ..StreamRules::new(|streams: &Streams<'_>| {
            streams.server_first(|stream| has_magic(stream, b"*KISMET: "))
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
    fn the_greeting_of_the_server_matches() {
        assert_eq!(streams(&PROTOCOL, 2501, b"", b"*KISMET: 0.0.0 1144004381\n"), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 2501, b"", b"*OK\n"), Verdict::No);
    }
}
