//! AMQP 0-9-1 and 1.0: the protocol header, and the server's first method.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(192),
    name: "AMQP",
    category: Category(16),
    tcp_ports: &[5672],
    stream: Some(StreamRules {
        client: Start::Bytes(b"A"),
        server: Start::Bytes(b"A\x01"),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

const MAGIC: u32 = u32::from_be_bytes(*b"AMQP");
/// `connection.start`.
const START: u32 = 0x000a_000a;

fn probe(streams: &Streams<'_>) -> Verdict {
    let header = |stream| check(stream, |reader| Some(reader.u32()? == MAGIC && reader.u8()? <= 3));
    let server = match streams.server.first() {
        // A method frame on channel 0.
        Some(1) => check(streams.server, |reader| {
            reader.u8()?;
            Some(
                reader.u16()? == 0
                    && (8..1 << 16).contains(&reader.u32()?)
                    && reader.u32()? == START
                    && reader.u8()? <= 1
                    && reader.u8()? <= 9,
            )
        }),
        _ => header(streams.server),
    };
    either(header(streams.client), server)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn headers_and_start_are_decisive() {
        assert_streams(&PROTOCOL, 5673, b"AMQP\0\0\x09\x01", b"");
        assert_streams(&PROTOCOL, 5673, b"AMQP\x03\x01\0\0", b"AMQP\x03\x01\0\0");
        assert_streams(&PROTOCOL, 5673, b"", b"\x01\0\0\0\0\x01\xfc\0\x0a\0\x0a\0\x09");
        assert_eq!(streams(&PROTOCOL, 5672, b"", b"\x01\0\0\0\0\x01\xfc\0\x0a\0\x0b"), Verdict::No);
    }
}
