//! KNXnet/IP (ISO 22510).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(410),
    name: "KNXnet_IP",
    category: Category(31),
    tcp_ports: &[3671],
    udp_ports: &[3671],
    stream: Some(StreamRules::either(Start::Bytes(&[6]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[6]),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| Some(is_header(stream)? && (6..=512).contains(&be16(stream, 4)?)))
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        is_header(payload) == Some(true)
            && be16(payload, 4).map(usize::from) == Some(payload.len()),
    )
}

/// Returns whether a header begins: its size, version 1.0 and a family of services.
fn is_header(bytes: &[u8]) -> Option<bool> {
    Some(
        *bytes.first()? == 6
            && *bytes.get(1)? == 0x10
            && matches!(*bytes.get(2)?, 2..=7 | 9)
            && *bytes.get(3)? < 0x80,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const DESCRIPTION: &[u8] = b"\x06\x10\x02\x03\0\x0e\x08\x01\0\0\0\0\0\0";

    #[test]
    fn requests_match() {
        assert_eq!(datagram(&PROTOCOL, 3671, DESCRIPTION), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 3671, DESCRIPTION, b""), Verdict::Match);
    }

    #[test]
    fn wrong_lengths_and_services_do_not() {
        assert_eq!(datagram(&PROTOCOL, 3671, &DESCRIPTION[..13]), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 3671, b"\x06\x10\x08\x03\0\x0e", b""), Verdict::No);
    }
}
