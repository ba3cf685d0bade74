//! Firebird and InterBase: the request for a connection.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{by_client, check};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_144),
    name: "Firebird",
    category: Category(11),
    tcp_ports: &[3050],
    stream: Some(StreamRules { client: Start::Bytes(&[0]), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

const CONNECT: u32 = 1;
const ATTACH: u32 = 19;
const CREATE: u32 = 20;
const SERVICE_ATTACH: u32 = 82;

/// Checks operation, purpose, version and architecture of the client.
fn probe(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            Some(
                reader.u32()? == CONNECT
                    && matches!(reader.u32()?, 0 | ATTACH | CREATE | SERVICE_ATTACH)
                    && (2..=3).contains(&reader.u32()?)
                    && (1..=64).contains(&reader.u32()?)
                    && (1..1024).contains(&reader.u32()?),
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn connections_state_their_purpose() {
        let connect = b"\0\0\0\x01\0\0\0\x13\0\0\0\x03\0\0\0\x01\0\0\0\x0b/shop.fdb";
        assert_streams(&PROTOCOL, 3050, connect, b"");
        assert_eq!(streams(&PROTOCOL, 3050, b"\0\0\0\x01\0\0\0\x12", b""), Verdict::No);
    }
}
