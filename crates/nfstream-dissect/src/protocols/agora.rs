//! Agora's real-time network: a handshake with the tags of early QUIC.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start};
use crate::read::{le16, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(171),
    name: "SD-RTN",
    category: Category(1),
    udp_ports: &[8130],
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0]),
        parse: DatagramParser::Each(parse),
        ..DatagramRules::new(probe)
    }),
    ..Protocol::NEW
};

/// Offset of the first tag.
const TAG: usize = 13;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let is_tag = matches!(
        payload.get(TAG..TAG + 3),
        Some(b"SNI" | b"PEI" | b"PRO" | b"SCF" | b"STK" | b"VER")
    );
    Verdict::from_match(
        is_tag
            && payload.get(6).is_some_and(|kind| (0x20..0x30).contains(kind))
            && le16(payload, TAG + 4).is_some_and(|len| usize::from(len) < payload.len()),
    )
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    // The length of the name stands after a tag of four bytes.
    let payload = datagram.payload;
    if payload.get(TAG..TAG + 4) == Some(b"SNI\0")
        && let Some(len) = le16(payload, TAG + 4)
        && let Some(name) = payload.get(TAG + 6..TAG + 6 + usize::from(len))
    {
        finding.metadata().host = text(name);
    }
    Progress::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Direction, UDP};
    use crate::probe::History;
    use crate::protocols::testing::{datagram, endpoints};

    #[test]
    fn tags_match() {
        let hello = b"\0\x5a\x38\x4c\0\0\x21\0\0\0\0\0\x04SNI\0\x0d\0edge.agora.io";
        assert_eq!(datagram(&PROTOCOL, 8130, hello), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 8130, &hello[..15]), Verdict::No);
        let mut other = hello.to_vec();
        other[13] = b'X';
        assert_eq!(datagram(&PROTOCOL, 8130, &other), Verdict::No);
    }

    #[test]
    fn the_name_of_the_server_is_read() {
        let mut finding = Finding::default();
        parse(
            &Datagram {
                endpoints: &endpoints(UDP, 8130),
                direction: Direction::FromClient,
                payload: b"\0\x5a\x38\x4c\0\0\x21\0\0\0\0\0\x04SNI\0\x0d\0edge.agora.iorest",
                history: &History::default(),
            },
            &mut finding,
        );
        assert_eq!(&*finding.metadata().host, "edge.agora.io");
    }
}
