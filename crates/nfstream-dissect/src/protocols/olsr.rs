//! OLSR, versions 1 and 2 (RFC 3626, 5444).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_203),
    name: "OLSR",
    category: Category(14),
    udp_ports: &[698],
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    // Length and number of the packet; kind, validity and size of its first message.
    let payload = datagram.payload;
    let message = be16(payload, 6).map(usize::from);
    Verdict::from_match(
        datagram.has_port(698)
            && be16(payload, 0).map(usize::from) == Some(payload.len())
            && payload.get(4).is_some_and(|kind| *kind != 0)
            && message.is_some_and(|len| len >= 12 && len + 4 <= payload.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    const HELLO: &[u8] = b"\0\x14\0\x01\x01\x86\0\x10\x0a\0\0\x01\x01\0\0\0\0\0\x05\x03";

    #[test]
    fn packets_match() {
        assert_eq!(datagram(&PROTOCOL, 698, HELLO), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 698, &HELLO[..19]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 699, HELLO), Verdict::No);
    }
}
