//! Packet Forwarding Control Protocol of 4G and 5G cores (3GPP TS 29.244).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(405),
    name: "PFCP",
    category: Category(14),
    udp_ports: &[8805],
    datagram: Some(DatagramRules { start: Start::Range(0x20, 0x27), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    // Version 1 with flags, the kind of message and the length after four bytes.
    let payload = datagram.payload;
    let follows_another = payload.first().is_some_and(|flags| flags & 4 != 0);
    let len = be16(payload, 2).map(|len| usize::from(len) + 4);
    let fits = if follows_another {
        len.is_some_and(|len| len <= payload.len())
    } else {
        len == Some(payload.len())
    };
    Verdict::from_match(
        datagram.has_port(8805)
            && matches!(payload.get(1), Some(1..=16 | 50..=57))
            && payload.len() >= 8
            && fits,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn messages_match() {
        let heartbeat = b"\x20\x01\0\x0c\0\0\x01\0\0\x60\0\x04\xe3\x0b\x5f\x6e";
        assert_eq!(datagram(&PROTOCOL, 8805, heartbeat), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 8806, heartbeat), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 8805, &heartbeat[..15]), Verdict::No);
    }
}
