//! Locator/ID Separation Protocol (RFC 9300, 9301).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(236),
    name: "LISP",
    category: Category(13),
    udp_ports: &[4341, 4342],
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

/// Bytes of the header of data, before the packet inside.
const HEADER: usize = 8;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let is_data = || {
        let version = payload.get(HEADER).map(|byte| byte >> 4);
        datagram.has_port(4341) && matches!(version, Some(4 | 6)) && payload.len() >= HEADER + 20
    };
    // Requests, replies, registrations, notifications, information and what wraps them.
    let is_control = || {
        let kind = payload.first().map(|byte| byte >> 4);
        datagram.has_port(4342) && matches!(kind, Some(1..=5 | 7 | 8)) && payload.len() >= 12
    };
    Verdict::from_match(is_data() || is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn data_and_control_match() {
        let mut data = [0; 28];
        data[8] = 0x45;
        assert_eq!(datagram(&PROTOCOL, 4341, &data), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4341, &data[..27]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 4342, b"\x38\0\x01\x01\0\0\0\0\0\0\0\x01"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4342, b"\x68\0\x01\x01\0\0\0\0\0\0\0\x01"), Verdict::No);
    }
}
