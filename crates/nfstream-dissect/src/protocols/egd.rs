//! Ethernet Global Data of GE controllers (GEH-6840).

use std::net::IpAddr;

use crate::label::{Category, ProtocolId};
use crate::packet::Direction;
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(149),
    name: "EthernetGlobalData",
    category: Category(31),
    udp_ports: &[18_246],
    datagram: Some(DatagramRules { start: Start::Bytes(&[13]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

/// Returns whether the producer that the header names is the sender.
fn is_from_its_producer(datagram: &Datagram<'_>) -> bool {
    let sender = match datagram.direction {
        Direction::FromClient => datagram.endpoints.client.ip(),
        Direction::FromServer => datagram.endpoints.server.ip(),
    };
    matches!(sender, IpAddr::V4(sender) if datagram.payload.get(4..8) == Some(&sender.octets()))
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        (datagram.has_port(18_246) || is_from_its_producer(datagram))
            && payload.starts_with(&[13, 1])
            && (32..=1432).contains(&payload.len())
            && payload.get(28..32) == Some(&[0; 4]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn data_match_at_their_port_or_from_their_producer() {
        let mut data = [0; 40];
        data[..8].copy_from_slice(&[13, 1, 1, 0, 192, 0, 2, 1]);
        assert_eq!(datagram(&PROTOCOL, 18_246, &data), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 18_247, &data), Verdict::Match);
        data[7] = 9;
        assert_eq!(datagram(&PROTOCOL, 18_246, &data), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 18_247, &data), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 18_246, &data[..31]), Verdict::No);
    }
}
