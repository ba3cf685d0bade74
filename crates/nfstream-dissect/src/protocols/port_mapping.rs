//! Mappings of ports by home routers: NAT-PMP (RFC 6886) and PCP (RFC 6887) after it.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start};

pub(crate) const NAT_PMP: Protocol = Protocol {
    id: ProtocolId(312),
    name: "NAT-PMP",
    category: Category(14),
    udp_ports: &[5350, 5351],
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0, 2]),
        parse: DatagramParser::Each(parse),
        ..DatagramRules::new(probe)
    }),
    ..Protocol::NEW
};

/// Version 2, of the same ports.
pub(crate) const PCP: Protocol =
    Protocol { id: ProtocolId(10_204), name: "PCP", category: Category(14), ..Protocol::NEW };

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let len = payload.len();
    Verdict::from_match(
        datagram.has_port_in(5350, 5351)
            && match *payload {
                [0, 0, ..] => len == 2,
                [0, 1 | 2, 0, 0, ..] => len == 12,
                [0, 128, ..] => len == 12 || len == 8,
                [0, 129 | 130, ..] => len == 16 || len == 8,
                [2, 0..=3 | 128..=131, ..] => len >= 24 && len.is_multiple_of(4) && len <= 1100,
                _ => false,
            },
    )
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    if datagram.payload.first() == Some(&2) {
        finding.set_application(PCP.id);
    }
    Progress::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn requests_of_both_versions_match() {
        assert_eq!(datagram(&NAT_PMP, 5351, b"\0\0"), Verdict::Match);
        assert_eq!(
            datagram(&NAT_PMP, 5351, b"\0\x01\0\0\x1a\xe1\x1a\xe1\0\0\x1c\x20"),
            Verdict::Match
        );
        let mut announce = [0; 24];
        announce[0] = 2;
        assert_eq!(datagram(&NAT_PMP, 5351, &announce), Verdict::Match);
        assert_eq!(datagram(&NAT_PMP, 5351, &announce[..23]), Verdict::No);
        assert_eq!(datagram(&NAT_PMP, 5351, b"\0\0\0"), Verdict::No);
    }
}
