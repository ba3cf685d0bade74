//! Java's remote method invocation and its debug wire.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::{by_client, check, either};

pub(crate) const RMI: Protocol = Protocol {
    id: ProtocolId(416),
    name: "JRMI",
    category: Category(16),
    tcp_ports: &[1099],
    stream: Some(StreamRules { client: Start::Bytes(b"J"), ..StreamRules::new(rmi) }),
    ..Protocol::NEW
};

pub(crate) const JDWP: Protocol = Protocol {
    id: ProtocolId(10_123),
    name: "JDWP",
    category: Category(16),
    stream: Some(StreamRules::either(Start::Bytes(b"J"), jdwp)),
    ..Protocol::NEW
};

/// Checks magic number, version and protocol (stream, single operation, multiplexed).
fn rmi(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            Some(
                reader.u32()? == u32::from_be_bytes(*b"JRMI")
                    && (1..=2).contains(&reader.u16()?)
                    && (0x4b..=0x4d).contains(&reader.u8()?),
            )
        })
    })
}

fn jdwp(streams: &Streams<'_>) -> Verdict {
    let hello = b"JDWP-Handshake";
    either(begins(streams.client, hello), begins(streams.server, hello))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn handshakes_are_decisive() {
        assert_streams(&RMI, 1098, b"JRMI\0\x02\x4b", b"");
        assert_streams(&JDWP, 8000, b"JDWP-Handshake", b"JDWP-Handshake");
        assert_eq!(streams(&RMI, 1099, b"JRMI\0\x02\x4a", b""), Verdict::No);
    }
}
