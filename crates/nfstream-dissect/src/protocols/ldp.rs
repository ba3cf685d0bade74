//! LDP (RFC 5036).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(409),
    name: "LDP",
    category: Category(14),
    tcp_ports: &[646],
    udp_ports: &[646],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0]),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(is_pdu)
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        is_pdu(payload) == Some(true)
            && be16(payload, 2).map(|len| usize::from(len) + 4) == Some(payload.len()),
    )
}

/// Returns whether a unit of version 1 begins, and in it a message of a known type that fits.
fn is_pdu(bytes: &[u8]) -> Option<bool> {
    let len = || be16(bytes, 2);
    Some(
        be16(bytes, 0)? == 1
            && (14..=4096).contains(&len()?)
            && matches!(
                be16(bytes, 10)? & 0x7fff,
                1 | 0x100 | 0x200..=0x202 | 0x300 | 0x301 | 0x400..=0x404
            )
            && be16(bytes, 12)? >= 4
            && be16(bytes, 12)? <= len()? - 10,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const HELLO: &[u8] = b"\0\x01\0\x16\x0a\0\0\x06\0\0\x01\0\0\x0c\0\0\0\0\x04\0\0\x04\0\x0f\0\0";

    #[test]
    fn messages_match() {
        assert_eq!(datagram(&PROTOCOL, 646, HELLO), Verdict::Match);
        let keepalive = b"\0\x01\0\x0e\x0a\0\0\x06\0\0\x02\x01\0\x04\0\0\0\x02";
        assert_eq!(streams(&PROTOCOL, 646, keepalive, b""), Verdict::Match);
    }

    #[test]
    fn other_lengths_and_types_do_not() {
        assert_eq!(datagram(&PROTOCOL, 646, &HELLO[..25]), Verdict::No);
        assert_eq!(
            streams(&PROTOCOL, 646, b"\0\x01\0\x0e\x0a\0\0\x06\0\0\x05\0\0\x04", b""),
            Verdict::No
        );
    }
}
