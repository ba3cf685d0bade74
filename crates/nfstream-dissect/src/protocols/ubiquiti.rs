//! Ubiquiti's discovery of access points, versions 1 and 2.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(31),
    name: "UBNTAC2",
    category: Category(14),
    udp_ports: &[10_001],
    datagram: Some(DatagramRules { start: Start::Bytes(&[1, 2]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        datagram.has_port(10_001)
            && payload.get(1).is_some_and(|command| *command <= 0x0b)
            && be16(payload, 2).map(|len| usize::from(len) + 4) == Some(payload.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn requests_and_announcements_match() {
        assert_eq!(datagram(&PROTOCOL, 10_001, b"\x01\0\0\0"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 10_001, b"\x02\x06\0\x03\x16\0\0"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 10_001, b"\x02\x06\0\x04\x16\0\0"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 10_002, b"\x01\0\0\0"), Verdict::No);
    }
}
