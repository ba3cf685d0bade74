//! Forwarding of LoRaWAN packets by gateways (Semtech's packet forwarder protocol).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_212),
    name: "LoRaWAN",
    category: Category(31),
    udp_ports: &[1700],
    datagram: Some(DatagramRules { start: Start::Bytes(&[1, 2]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    // Version, a random token and the kind; gateways add their number, data are JSON.
    let payload = datagram.payload;
    let json = |offset: usize| {
        payload.get(offset..).is_some_and(|json| json.starts_with(b"{\"") && json.ends_with(b"}"))
    };
    let fits = match payload.get(3) {
        Some(0) => json(12),
        Some(3) => json(4),
        Some(1 | 4) => payload.len() == 4 && datagram.has_port(1700),
        Some(2) => payload.len() == 12 && datagram.has_port(1700),
        Some(5) => (payload.len() == 12 || json(12)) && datagram.has_port(1700),
        _ => false,
    };
    Verdict::from_match(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn packets_match() {
        let push = b"\x02\x12\x34\0\xaa\xbb\xcc\xff\xfe\xdd\xee\xff{\"stat\":{}}";
        assert_eq!(datagram(&PROTOCOL, 1780, push), Verdict::Match);
        let pull = b"\x02\x12\x34\x02\xaa\xbb\xcc\xff\xfe\xdd\xee\xff";
        assert_eq!(datagram(&PROTOCOL, 1700, pull), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 1780, pull), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 1780, &push[..20]), Verdict::No);
    }
}
