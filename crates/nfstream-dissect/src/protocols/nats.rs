//! NATS: the first lines of server and client.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::either;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(68),
    name: "Nats",
    category: Category(16),
    tcp_ports: &[4222],
    stream: Some(StreamRules {
        client: Start::Bytes(b"C"),
        server: Start::Bytes(b"I"),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    either(begins(streams.client, b"CONNECT {"), begins(streams.server, b"INFO {\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn lines_carry_objects() {
        assert_streams(&PROTOCOL, 4223, b"CONNECT {\"verbose\":false}\r\n", b"INFO {\"server_id\"");
        assert_eq!(streams(&PROTOCOL, 4222, b"CONNECT example.org:443", b""), Verdict::No);
    }
}
