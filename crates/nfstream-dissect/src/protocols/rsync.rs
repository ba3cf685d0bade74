//! rsync: the greeting of its daemon.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::either;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(166),
    name: "RSYNC",
    category: Category(4),
    tcp_ports: &[873],
    stream: Some(StreamRules::either(Start::Bytes(b"@"), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    either(begins(streams.client, b"@RSYNCD:"), begins(streams.server, b"@RSYNCD:"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn both_ends_greet() {
        assert_streams(&PROTOCOL, 8730, b"@RSYNCD: 31.0\n", b"@RSYNCD: 30.0\n");
        assert_eq!(streams(&PROTOCOL, 873, b"@RSYNC\n", b""), Verdict::No);
    }
}
