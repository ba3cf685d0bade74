//! Cisco Meraki devices and their cloud.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(66),
    name: "MerakiCloud",
    category: Category(14),
    udp_ports: &[7351],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0xfe]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.payload.starts_with(&[0xfe, 0xf7, 0x28, 0x91]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn the_prefix_matches() {
        assert_eq!(datagram(&PROTOCOL, 7351, b"\xfe\xf7\x28\x91\x0d\x01\0\x2e"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 7351, b"\xfe\xf7\x28\x90"), Verdict::No);
    }
}
