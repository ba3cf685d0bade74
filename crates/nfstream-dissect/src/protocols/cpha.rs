//! Check Point's cluster control protocol.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(53),
    name: "CPHA",
    category: Category(14),
    udp_ports: &[8116],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0x1a]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.has_port(8116) && datagram.payload.starts_with(&[0x1a, 0x90]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn the_magic_number_matches_at_its_port() {
        assert_eq!(datagram(&PROTOCOL, 8116, b"\x1a\x90\x0c\x31\x27\x85"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 8117, b"\x1a\x90\x0c\x31\x27\x85"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 8116, b"\x1a\x91\x0c\x31\x27\x85"), Verdict::No);
    }
}
