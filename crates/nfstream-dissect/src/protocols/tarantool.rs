//! Tarantool: the greeting of the server.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::by_server;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_146),
    name: "Tarantool",
    category: Category(11),
    tcp_ports: &[3301],
    stream: Some(StreamRules { server: Start::Bytes(b"T"), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    by_server(streams, |stream| begins(stream, b"Tarantool "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn servers_name_themselves() {
        assert_streams(&PROTOCOL, 3301, b"", b"Tarantool 2.11.0 (Binary) ");
        assert_eq!(streams(&PROTOCOL, 3301, b"", b"Tar"), Verdict::More);
        assert_eq!(streams(&PROTOCOL, 3301, b"", b"Text"), Verdict::No);
    }
}
