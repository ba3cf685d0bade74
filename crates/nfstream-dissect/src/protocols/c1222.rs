//! Meters that speak ANSI C12.22.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(397),
    name: "ANSI_C1222",
    category: Category(31),
    tcp_ports: &[1153],
    udp_ports: &[1153],
    stream: Some(StreamRules::either(Start::Bytes(&[0x60]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0x60]),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    if !streams.has_port(1153) {
        return Verdict::No;
    }
    streams.either(is_association)
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.has_port(1153) && is_association(datagram.payload) == Some(true))
}

/// Returns whether an ACSE unit begins: its tag, a length and one of its elements.
fn is_association(bytes: &[u8]) -> Option<bool> {
    let element = match *bytes.get(1)? {
        0..=0x7f => 2,
        0x81 => 3,
        0x82 => 4,
        _ => return Some(false),
    };
    Some(
        *bytes.first()? == 0x60
            && matches!(
                *bytes.get(element)?,
                0x8b | 0xa1 | 0xa2 | 0xa4 | 0xa6..=0xa8 | 0xac | 0xbe
            ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const IDENTIFICATION: &[u8] = b"\x60\x81\x1c\xa2\x0d\x06\x0b";

    #[test]
    fn associations_match_at_their_port() {
        assert_eq!(streams(&PROTOCOL, 1153, IDENTIFICATION, b""), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 1153, IDENTIFICATION), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 389, IDENTIFICATION), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 1153, b"\x60\x03\x02\x01\x01"), Verdict::No);
    }
}
