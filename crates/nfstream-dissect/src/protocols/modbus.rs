//! Modbus over TCP (Modbus Messaging on TCP/IP Implementation Guide) and Schneider's UMAS in it.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(44),
    name: "Modbus",
    category: Category(31),
    tcp_ports: &[502],
    stream: Some(StreamRules { parse: Some(parse), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

/// Function code 0x5a of Modbus, with a protocol of its own inside.
pub(crate) const UMAS: Protocol =
    Protocol { id: ProtocolId(364), name: "UMAS", category: Category(31), ..Protocol::NEW };

const UMAS_FUNCTION: u8 = 0x5a;

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(502);
    streams.either(|stream| {
        let length = || be16(stream, 4);
        Some(
            be16(stream, 2)? == 0
                && (2..=254).contains(&length()?)
                && is_function(*stream.get(7)?, length()?, usual_port),
        )
    })
}

/// Returns whether a message of `length` bytes, its unit included, may have the function code.
fn is_function(code: u8, length: u16, usual_port: bool) -> bool {
    match code {
        1..=6 => length == 6 || length >= 4,
        7 | 11 | 12 | 17 => length == 2 || length >= 3,
        8 => length >= 6,
        15 | 16 | 20..=24 | 43 | UMAS_FUNCTION => length >= 3,
        // An exception: the function with its highest bit set and a code.
        0x81..=0xda => length == 3,
        _ => usual_port && code != 0,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    if [streams.client, streams.server].iter().any(|stream| stream.get(7) == Some(&UMAS_FUNCTION)) {
        finding.set_application(UMAS.id);
    }
    Need::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    const READ: &[u8] = b"\0\x01\0\0\0\x06\x01\x03\0\x01\0\x01";
    const EXCEPTION: &[u8] = b"\0\x01\0\0\0\x03\x01\x83\x02";

    #[test]
    fn requests_and_answers_match() {
        assert_eq!(streams(&PROTOCOL, 502, READ, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 1502, READ, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 502, b"", EXCEPTION), Verdict::Match);
    }

    #[test]
    fn other_protocol_numbers_and_functions_do_not() {
        assert_eq!(streams(&PROTOCOL, 502, b"\0\x01\0\x01\0\x06\x01\x03", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 502, b"\0\x01\0\0\0\x06\x01\0", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 1502, b"\0\x01\0\0\0\x09\x01\x84", b""), Verdict::No);
    }
}
