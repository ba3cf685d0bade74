//! Diagnostics of vehicles over IP (ISO 13400-2).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{be16, be32};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_211),
    name: "DoIP",
    category: Category(31),
    tcp_ports: &[13_400],
    udp_ports: &[13_400],
    stream: Some(StreamRules { client: VERSIONS, server: VERSIONS, ..StreamRules::new(probe) }),
    datagram: Some(DatagramRules { start: VERSIONS, ..DatagramRules::new(probe_datagram) }),
    ..Protocol::NEW
};

const VERSIONS: Start = Start::Bytes(&[1, 2, 3, 0xff]);

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(is_message)
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let len = be32(payload, 4).and_then(|len| usize::try_from(len).ok());
    Verdict::from_match(
        is_message(payload) == Some(true) && len.map(|len| len + 8) == Some(payload.len()),
    )
}

/// Returns whether a header begins: the version, its inverse, a type of payload and its length.
fn is_message(bytes: &[u8]) -> Option<bool> {
    Some(
        *bytes.get(1)? == !*bytes.first()?
            && matches!(be16(bytes, 2)?, 0..=8 | 0x4001..=0x4004 | 0x8001..=0x8003)
            && be32(bytes, 4)? < 1 << 24,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    #[test]
    fn requests_match() {
        assert_eq!(datagram(&PROTOCOL, 13_400, b"\xff\0\0\x01\0\0\0\0"), Verdict::Match);
        let activation = b"\x02\xfd\0\x05\0\0\0\x07\x0e\0\0\0\0\0\0";
        assert_eq!(streams(&PROTOCOL, 13_400, activation, b""), Verdict::Match);
    }

    #[test]
    fn other_inverses_and_types_do_not() {
        assert_eq!(datagram(&PROTOCOL, 13_400, b"\xff\x01\0\x01\0\0\0\0"), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 13_400, b"\x02\xfd\x10\0\0\0\0\0", b""), Verdict::No);
    }
}
