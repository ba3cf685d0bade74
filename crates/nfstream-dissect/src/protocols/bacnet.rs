//! BACnet/IP (ASHRAE 135, annex J).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(334),
    name: "BACnet",
    category: Category(31),
    udp_ports: &[47_808],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0x81]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let has_version = |offset: usize| payload.get(offset) == Some(&1);
    let fits = match payload.get(1) {
        Some(0x04) => has_version(10),
        Some(0x09..=0x0b) => has_version(4),
        Some(0x00..=0x0c) => datagram.has_port(47_808),
        _ => false,
    };
    Verdict::from_match(fits && be16(payload, 2).map(usize::from) == Some(payload.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn unicasts_and_broadcasts_match() {
        let who_is = b"\x81\x0b\0\x0c\x01\x20\xff\xff\0\xff\x10\x08";
        assert_eq!(datagram(&PROTOCOL, 47_808, who_is), Verdict::Match);
        let read = b"\x81\x0a\0\x11\x01\x04\0\x05\x01\x0c\x0c\x02\x3f\xff\xff\x19\x4b";
        assert_eq!(datagram(&PROTOCOL, 50_001, read), Verdict::Match);
    }

    #[test]
    fn wrong_lengths_and_versions_do_not() {
        assert_eq!(
            datagram(&PROTOCOL, 47_808, b"\x81\x0b\0\x0d\x01\x20\xff\xff\0\xff\x10\x08"),
            Verdict::No
        );
        assert_eq!(datagram(&PROTOCOL, 47_808, b"\x81\x0b\0\x06\x02\x20"), Verdict::No);
    }
}
