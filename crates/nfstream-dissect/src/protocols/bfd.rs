//! Bidirectional Forwarding Detection (RFC 5880, 5881, 5883, 7130).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(401),
    name: "BFD",
    category: Category(14),
    udp_ports: &[3784, 3785, 4784, 6784],
    datagram: Some(DatagramRules { start: Start::Range(0x20, 0x3f), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let usual_port =
        [3784, 3785, 4784, 6784].iter().any(|port| datagram.endpoints.server.port() == *port);
    // Multipoint is reserved; a multiplier and a discriminator are never 0.
    Verdict::from_match(
        usual_port
            && payload.len() >= 24
            && payload.get(1).is_some_and(|flags| flags & 1 == 0)
            && payload.get(2).is_some_and(|multiplier| *multiplier > 0)
            && payload.get(3).is_some_and(|len| usize::from(*len) == payload.len())
            && payload.get(4..8).is_some_and(|discriminator| discriminator != [0; 4]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    const DOWN: &[u8] = b"\x20\x40\x03\x18\0\0\0\x01\0\0\0\0\0\x0f\x42\x40\0\x0f\x42\x40\0\0\0\0";

    #[test]
    fn control_packets_match() {
        assert_eq!(datagram(&PROTOCOL, 3784, DOWN), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 3786, DOWN), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 3784, &DOWN[..23]), Verdict::No);
    }
}
