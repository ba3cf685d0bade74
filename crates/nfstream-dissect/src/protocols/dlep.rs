//! Dynamic Link Exchange Protocol (RFC 8175).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(400),
    name: "DLEP",
    category: Category(14),
    tcp_ports: &[854],
    udp_ports: &[854],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(b"D"),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    if streams.server_port() != 854 {
        return Verdict::No;
    }
    // Kind, length and the first data item, which must fit.
    streams.either(|stream| {
        let len = || be16(stream, 2);
        Some(
            (1..=16).contains(&be16(stream, 0)?)
                && (len()? == 0
                    || (len()? >= 4
                        && (1..=21).contains(&be16(stream, 4)?)
                        && be16(stream, 6)? <= len()? - 4)),
        )
    })
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        payload.starts_with(b"DLEP")
            && be16(payload, 6).map(|len| usize::from(len) + 8) == Some(payload.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    #[test]
    fn signals_and_messages_match() {
        let discovery = b"DLEP\0\x01\0\x05\0\x04\0\x01\0";
        assert_eq!(datagram(&PROTOCOL, 854, discovery), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 854, &discovery[..12]), Verdict::No);
        let session = b"\0\x01\0\x08\0\x05\0\x04\0\0\xea\x60";
        assert_eq!(streams(&PROTOCOL, 854, session, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 854, b"\0\x01\0\x08\0\x05\0\x05", b""), Verdict::No);
    }
}
