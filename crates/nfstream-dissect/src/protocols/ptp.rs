//! Precision Time Protocol (IEEE 1588).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(358),
    name: "PTPv2",
    category: Category(18),
    udp_ports: &[319, 320],
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        datagram.has_port_in(319, 320)
            && payload.len() >= 34
            && matches!(payload.first().map(|kind| kind & 0x0f), Some(0..=3 | 8..=0x0d))
            && payload.get(1).is_some_and(|version| version & 0x0f == 2)
            && be16(payload, 2).is_some_and(|len| (34..=payload.len()).contains(&len.into())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn messages_of_version_2_match() {
        let mut sync = [0; 44];
        sync[..4].copy_from_slice(&[0, 2, 0, 44]);
        assert_eq!(datagram(&PROTOCOL, 319, &sync), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 321, &sync), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 319, &sync[..43]), Verdict::No);
        sync[1] = 1;
        assert_eq!(datagram(&PROTOCOL, 319, &sync), Verdict::No);
    }
}
