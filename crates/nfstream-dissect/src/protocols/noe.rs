//! NOE, the signalling of Alcatel-Lucent's telephones, by its transport UA/UDP.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::Reader;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(160),
    name: "NOE",
    category: Category(10),
    udp_ports: &[32_000, 32_512],
    datagram: Some(DatagramRules { start: Start::Range(0, 7), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

const CONNECT: u8 = 0;
const KEEPALIVE: u8 = 4;
const KEEPALIVE_ACK: u8 = 5;
const NACK: u8 = 6;
const DATA: u8 = 7;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let usual_port = PROTOCOL.udp_ports.iter().any(|port| datagram.has_port(*port));
    let payload = datagram.payload;
    let other = datagram.answered().map_or(&[][..], |head| head.bytes());
    match *payload {
        // A keepalive and its answer, alone in their datagrams.
        [KEEPALIVE | KEEPALIVE_ACK] if usual_port => Verdict::Match,
        [KEEPALIVE] if other == [KEEPALIVE_ACK] => Verdict::Match,
        [KEEPALIVE_ACK] if other == [KEEPALIVE] => Verdict::Match,
        [KEEPALIVE | KEEPALIVE_ACK] => {
            Verdict::from_more(other.is_empty() && datagram.before() < 2)
        }
        [CONNECT, ref parameters @ ..] if usual_port => {
            Verdict::from_match(are_parameters(parameters) == Some(true))
        }
        // Acceptance, release and its acceptance; the number that is missing.
        [1..=3] if usual_port => Verdict::Match,
        [NACK, _, _] if usual_port => Verdict::Match,
        [DATA, ..] if usual_port => Verdict::from_match(is_data(payload)),
        _ => Verdict::No,
    }
}

/// Returns whether parameters with a kind and a length fill the rest.
fn are_parameters(parameters: &[u8]) -> Option<bool> {
    let mut reader = Reader(parameters);
    while !reader.is_empty() {
        let kind = reader.u8()?;
        let value = reader.vector8()?;
        if kind > 15 || !(1..=4).contains(&value.len()) {
            return Some(false);
        }
    }
    Some(!parameters.is_empty())
}

/// Returns whether two numbers stand before messages with lengths, or before none.
fn is_data(payload: &[u8]) -> bool {
    match payload.get(5..) {
        Some([]) => true,
        Some([low, high, rest @ ..]) => {
            usize::from(u16::from_le_bytes([*low, *high])) <= rest.len()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams};

    #[test]
    fn telephones_connect_and_show_that_they_live() {
        assert_eq!(datagram(&PROTOCOL, 32_512, b"\x04"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 32_512, b"\0\0\x01\x01\x01\x01\x05"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 32_512, b"\x07\0\x01\0\x02\x02\0\x15\0"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 32_512, b"\x07\0\x01\0\x02\x09\0\x15\0"), Verdict::No);
        let signs = [(FromClient, &b"\x04"[..]), (FromServer, b"\x05")];
        assert_eq!(datagrams(&PROTOCOL, 40_001, &signs), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 40_001, b"\0\0\x01\x01"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 40_001, b"\x04\0"), Verdict::No);
    }
}
