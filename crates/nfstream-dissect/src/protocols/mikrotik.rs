//! MikroTik's neighbour discovery.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::Reader;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(437),
    name: "Mikrotik",
    category: Category(14),
    tcp_ports: &[8291],
    udp_ports: &[5678],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.has_port(5678) && fits(datagram.payload).is_some())
}

/// Returns `Some` for a request, or an announcement whose fields fill it exactly.
fn fits(payload: &[u8]) -> Option<()> {
    let mut rest = Reader(payload);
    rest.take(4)?;
    while !rest.is_empty() {
        let kind = rest.u16()?;
        let value = rest.vector16()?;
        let is_known = match kind {
            1 => value.len() == 6,
            10 => value.len() == 4,
            15 => value.len() == 16,
            17 => value.len() == 4,
            _ => kind <= 0x20,
        };
        if !is_known {
            return None;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn requests_and_announcements_match() {
        assert_eq!(datagram(&PROTOCOL, 5678, b"\0\0\0\0"), Verdict::Match);
        let named = b"\0\0\xa9\x1d\0\x01\0\x06\x4c\x5e\x0c\0\0\x01\0\x05\0\x02R1";
        assert_eq!(datagram(&PROTOCOL, 5678, named), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 5678, &named[..19]), Verdict::No);
    }
}
