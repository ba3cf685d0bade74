//! SAP HANA: the request with which a session of its SQL protocol begins.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::by_client;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_145),
    name: "HANA",
    category: Category(11),
    tcp_ports: &[30_015],
    stream: Some(StreamRules { client: Start::Bytes(&[0xff]), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

/// Checks the filler, product version 4.20 and protocol version 4.1.
fn probe(streams: &Streams<'_>) -> Verdict {
    const INITIATION: &[u8] = b"\xff\xff\xff\xff\x04\x20\0\x04\x01\0\0";
    by_client(streams, |stream| begins(stream, INITIATION))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn sessions_begin_with_versions() {
        assert_streams(
            &PROTOCOL,
            30_015,
            b"\xff\xff\xff\xff\x04\x20\0\x04\x01\0\0\x01\x01\x01",
            b"",
        );
        assert_eq!(streams(&PROTOCOL, 30_015, b"\xff\xff\xff\xff\x05", b""), Verdict::No);
    }
}
