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
        let length = be16(stream, 4)?;
        if be16(stream, 2)? != 0 || !(2..=254).contains(&length) {
            return Some(false);
        }
        let code = *stream.get(7)?;
        if usual_port { Some(code != 0) } else { has_length(code, length, stream) }
    })
}

/// Returns whether a message of `length` bytes, its unit included, is as long as its function
/// makes it.
fn has_length(code: u8, length: u16, message: &[u8]) -> Option<bool> {
    let counted =
        |offset: usize, before: u16| Some(u16::from(*message.get(offset)?) + before == length);
    Some(match code {
        // Requests name an address and a number; responses count their bytes.
        1..=4 => length == 6 || counted(8, 3)?,
        5 | 6 => length == 6,
        15 | 16 => length == 6 || counted(12, 7)?,
        // An exception: the function with its highest bit set and a code.
        0x81..=0x90 => length == 3,
        UMAS_FUNCTION => length >= 4,
        _ => false,
    })
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
    use crate::packet::TCP;
    use crate::protocols::testing::{endpoints, streams};

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

    #[test]
    fn umas_is_found_inside() {
        let client = b"\0\0\0\0\0\x04\0\x5a\0\x02";
        let endpoints = endpoints(TCP, 502);
        let mut finding = Finding::default();
        let streams = Streams { endpoints: &endpoints, client, server: b"", swapped: false };
        assert_eq!(parse(&streams, &mut finding), Need::Done);
        assert_eq!(finding.application(), Some(UMAS.id));
    }
}
