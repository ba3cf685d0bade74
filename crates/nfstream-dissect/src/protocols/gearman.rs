//! Gearman: the header of its packets.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(394),
    name: "Gearman",
    category: Category(16),
    tcp_ports: &[4730],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), probe)),
    ..Protocol::NEW
};

const REQUEST: u32 = u32::from_be_bytes(*b"\0REQ");
const RESPONSE: u32 = u32::from_be_bytes(*b"\0RES");

fn probe(streams: &Streams<'_>) -> Verdict {
    let packet = |stream, magic| {
        check(stream, |reader| Some(reader.u32()? == magic && (1..=42).contains(&reader.u32()?)))
    };
    either(packet(streams.client, REQUEST), packet(streams.server, RESPONSE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn packets_have_a_magic_number_and_a_type() {
        assert_streams(&PROTOCOL, 4731, b"\0REQ\0\0\0\x01", b"\0RES\0\0\0\x0a");
        assert_eq!(streams(&PROTOCOL, 4730, b"\0REQ\0\0\0\0", b""), Verdict::No);
    }
}
