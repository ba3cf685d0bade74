//! Redundancy of routers by Cisco: HSRP (RFC 2281) and GLBP.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const HSRP: Protocol = Protocol {
    id: ProtocolId(282),
    name: "HSRP",
    category: Category(14),
    udp_ports: &[1985, 2029],
    datagram: Some(DatagramRules { start: Start::Range(0, 4), ..DatagramRules::new(hsrp) }),
    ..Protocol::NEW
};

pub(crate) const GLBP: Protocol = Protocol {
    id: ProtocolId(452),
    name: "GLBP",
    category: Category(14),
    udp_ports: &[3222],
    datagram: Some(DatagramRules { start: Start::Bytes(&[1]), ..DatagramRules::new(glbp) }),
    ..Protocol::NEW
};

fn hsrp(datagram: &Datagram<'_>) -> Verdict {
    if !datagram.has_port(1985) && !datagram.has_port(2029) {
        return Verdict::No;
    }
    Verdict::from_match(match *datagram.payload {
        // Version 0: operation and state.
        [0, 0..=2, 0 | 1 | 2 | 4 | 8 | 16, ..] => datagram.payload.len() >= 20,
        // Advertisements of version 0.
        [0, 3, 0, 1, ..] => datagram.payload.len() >= 16,
        // Version 2: fields of a type and a length, the group's state first.
        [1, 40, 2, 0..=3, 0..=6, ..] => datagram.payload.len() >= 42,
        [2, 4, ..] => datagram.payload.len() >= 6,
        _ => false,
    })
}

fn glbp(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        datagram.has_port(3222) && payload.len() >= 12 && payload.starts_with(&[1, 0]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    const HELLO: &[u8] = b"\0\0\x10\x03\x0a\x5a\x0a\0cisco\0\0\0\x0a\x1c\xa8\xfe";

    #[test]
    fn hellos_match_at_their_ports() {
        assert_eq!(datagram(&HSRP, 1985, HELLO), Verdict::Match);
        assert_eq!(datagram(&HSRP, 1986, HELLO), Verdict::No);
        assert_eq!(
            datagram(&HSRP, 1985, b"\0\0\x03\x03\x0a\x5a\x0a\0cisco\0\0\0\0\0\0\0"),
            Verdict::No
        );
        let glbp = b"\x01\0\0\x0a\0\0\0\x07\xb4\0\x01\x02\x01\x1c";
        assert_eq!(datagram(&GLBP, 3222, glbp), Verdict::Match);
        assert_eq!(datagram(&GLBP, 3222, &glbp[..11]), Verdict::No);
    }
}
