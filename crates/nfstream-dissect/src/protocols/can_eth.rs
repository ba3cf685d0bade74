//! CAN frames in datagrams (CAN-ETH).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(352),
    name: "Controller_Area_Network",
    category: Category(18),
    udp_ports: &[11_898],
    datagram: Some(DatagramRules { start: Start::Bytes(b"I"), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.payload.starts_with(b"ISO11898"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn the_name_of_the_standard_matches() {
        assert_eq!(datagram(&PROTOCOL, 11_898, b"ISO11898\x01\0\0"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 11_898, b"ISO11899\x01\0\0"), Verdict::No);
    }
}
