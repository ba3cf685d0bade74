//! Measurements of the Brazilian EAQ ("Entidade Aferidora da Qualidade de Banda Larga").

use crate::label::{Category, ProtocolId};
use crate::packet::Direction;
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(190),
    name: "EAQ",
    category: Category(14),
    udp_ports: &[6000],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

/// Bytes of every datagram.
const LEN: usize = 16;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let endpoints = datagram.endpoints;
    if endpoints.server.port() != 6000 || endpoints.client.port() == 6000 || payload.len() != LEN {
        return Verdict::No;
    }
    // Numbers from 0 on, each sent back with the first twelve bytes unchanged.
    if datagram.before() == 0 {
        return if be32(payload, 0) == Some(0) { Verdict::More } else { Verdict::No };
    }
    let history = datagram.history;
    let echoes = datagram.direction == Direction::FromServer
        && history
            .last(Direction::FromClient)
            .is_some_and(|sent| sent.bytes().get(..12) == payload.get(..12));
    let next = history.last(datagram.direction).is_some_and(|last| {
        be32(last.bytes(), 0).map(|number| number.wrapping_add(1)) == be32(payload, 0)
    });
    Verdict::from_match(echoes || next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::datagrams;

    const FIRST: &[u8] = b"\0\0\0\0\0\0\x0d\xda\0\x01\x4b\x07\0\0\x90\0";
    const ECHO: &[u8] = b"\0\0\0\0\0\0\x0d\xda\0\x01\x4b\x07\0\0\x60\0";

    #[test]
    fn an_echo_matches() {
        assert_eq!(datagrams(&PROTOCOL, 6000, &[(FromClient, FIRST)]), Verdict::More);
        let exchange = [(FromClient, FIRST), (FromServer, ECHO)];
        assert_eq!(datagrams(&PROTOCOL, 6000, &exchange), Verdict::Match);
        let other = [(FromClient, FIRST), (FromServer, &[0; 16][..])];
        assert_eq!(datagrams(&PROTOCOL, 6000, &other), Verdict::No);
    }
}
