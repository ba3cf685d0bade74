//! Nodes of the Nano currency (its public protocol description).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(420),
    name: "Nano",
    category: Category(106),
    tcp_ports: &[7075],
    udp_ports: &[7075],
    stream: Some(StreamRules::either(Start::Bytes(b"R"), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(b"R"),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(is_message)
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(is_message(datagram.payload) == Some(true))
}

/// Returns whether a header begins: network, highest, used and lowest version, kind of message.
fn is_message(bytes: &[u8]) -> Option<bool> {
    let version = |place: usize| bytes.get(place).copied();
    Some(
        *bytes.first()? == b'R'
            && matches!(*bytes.get(1)?, b'A' | b'B' | b'C' | b'X')
            && (7..=0x40).contains(&version(2)?)
            && version(3)? <= version(2)?
            && version(4)? <= version(3)?
            && version(4)? > 0
            && *bytes.get(5)? <= 0x14,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    #[test]
    fn headers_match() {
        assert_eq!(streams(&PROTOCOL, 7075, b"RC\x14\x14\x12\x0a\x05\0", b""), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 7075, b"RC\x14\x14\x12\x02\x05\0"), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 7075, b"RC\x12\x14\x12\x0a", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 7075, b"RCPT TO", b""), Verdict::No);
    }
}
