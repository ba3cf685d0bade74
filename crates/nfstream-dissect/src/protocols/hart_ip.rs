//! HART-IP (FieldComm Group TS20085).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(72),
    name: "HART-IP",
    category: Category(31),
    tcp_ports: &[5094],
    udp_ports: &[5094],
    stream: Some(StreamRules::either(Start::Bytes(&[1, 2]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[1, 2]),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    if !streams.has_port(5094) {
        return Verdict::No;
    }
    streams.either(|stream| Some(is_header(stream)? && (8..=1024).contains(&be16(stream, 6)?)))
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        datagram.has_port(5094)
            && is_header(payload) == Some(true)
            && be16(payload, 6).map(usize::from) == Some(payload.len()),
    )
}

/// Returns whether a header begins: version, kind of message, its number and a status.
fn is_header(bytes: &[u8]) -> Option<bool> {
    Some(
        matches!(*bytes.first()?, 1 | 2)
            && matches!(*bytes.get(1)? & 0x0f, 0..=2 | 15)
            && *bytes.get(2)? <= 5
            && *bytes.get(3)? <= 0x5f,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const INITIATE: &[u8] = b"\x01\0\0\0\0\x02\0\x0d\x01\0\x0e\xa6\0";

    #[test]
    fn sessions_match() {
        assert_eq!(datagram(&PROTOCOL, 5094, INITIATE), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 5094, INITIATE, b""), Verdict::Match);
    }

    #[test]
    fn other_lengths_and_ports_do_not() {
        assert_eq!(datagram(&PROTOCOL, 5094, &INITIATE[..12]), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 5095, INITIATE, b""), Verdict::No);
    }
}
