//! TriStation of Triconex safety controllers, as published analyses of the TRITON malware describe
//! it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::le16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(455),
    name: "TriStation",
    category: Category(31),
    udp_ports: &[1501, 1502],
    datagram: Some(DatagramRules { start: Start::Range(1, 9), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    // Kind, length of the data, data and a checksum of two bytes.
    let payload = datagram.payload;
    Verdict::from_match(
        datagram.has_port_in(1501, 1502)
            && payload.get(1) == Some(&0)
            && le16(payload, 2).map(|len| usize::from(len) + 6) == Some(payload.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn a_connection_request_matches() {
        let request = b"\x01\0\0\0\x00\x14";
        assert_eq!(datagram(&PROTOCOL, 1502, request), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 1503, request), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 1502, &request[..5]), Verdict::No);
    }
}
