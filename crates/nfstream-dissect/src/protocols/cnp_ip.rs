//! LonTalk over IP (EIA/CEA-852).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(422),
    name: "CNP-IP",
    category: Category(31),
    udp_ports: &[1628, 1629],
    datagram: Some(DatagramRules { start: Start::Range(0, 8), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    // Length, version, kind of packet, size of an extended header; 20 bytes in all.
    let payload = datagram.payload;
    Verdict::from_match(
        datagram.has_port_in(1628, 1629)
            && payload.len() >= 20
            && be16(payload, 0).map(usize::from) == Some(payload.len())
            && payload.get(2) == Some(&1)
            && matches!(payload.get(3), Some(0x01..=0x08 | 0x60..=0x7f)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn packets_match() {
        let mut packet = [0; 24];
        packet[..4].copy_from_slice(&[0, 24, 1, 1]);
        assert_eq!(datagram(&PROTOCOL, 1628, &packet), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 1630, &packet), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 1628, &packet[..23]), Verdict::No);
    }
}
