//! Cisco's IPsec over UDP, and the ports of its clients.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(161),
    name: "CiscoVPN",
    category: Category(2),
    tcp_ports: &[8008, 10_000],
    udp_ports: &[10_000],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0xfe]), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(
        datagram.has_port(10_000) && datagram.payload.starts_with(&[0xfe, 0x57, 0x7e, 0x2b]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn datagrams_begin_with_a_fixed_index() {
        assert_eq!(datagram(&PROTOCOL, 10_000, b"\xfe\x57\x7e\x2b\0\0"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 10_001, b"\xfe\x57\x7e\x2b\0\0"), Verdict::No);
    }
}
