//! Real-time publish and subscribe of DDS (OMG DDSI-RTPS).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(359),
    name: "RTPS",
    category: Category(16),
    udp_ports: &[7400, 7401],
    datagram: Some(DatagramRules { start: Start::Bytes(b"R"), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(
        matches!(*datagram.payload, [b'R', b'T', b'P', b'S' | b'X', 1 | 2, ..])
            && datagram.payload.len() >= 20,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn headers_match() {
        assert_eq!(datagram(&PROTOCOL, 7400, b"RTPS\x02\x02\x01\x0f0123456789ab"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 7400, b"RTPS\x02\x02\x01\x0f"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 7400, b"RTSP/1.0 200 OK\r\n\r\n\r\n"), Verdict::No);
    }
}
