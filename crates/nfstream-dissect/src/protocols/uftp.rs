//! UFTP, the multicast file transfer (protocol versions 4 and 5).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(373),
    name: "UFTP",
    category: Category(7),
    udp_ports: &[1044],
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0x40, 0x50]),
        ..DatagramRules::new(probe)
    }),
    ..Protocol::NEW
};

/// Bytes of the header before that of a message.
const HEADER: usize = 16;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    // The function stands in both headers; the message's length counts words.
    let payload = datagram.payload;
    let function = payload.get(1).filter(|function| (1..=19).contains(*function));
    let words = payload.get(HEADER + 1).map(|words| usize::from(*words));
    Verdict::from_match(
        function.is_some()
            && payload.get(HEADER) == function
            && words.is_some_and(|words| words > 0 && HEADER + 4 * words <= payload.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn both_headers_must_agree() {
        let mut announce = [0; 28];
        (announce[0], announce[1], announce[16], announce[17]) = (0x50, 1, 1, 3);
        assert_eq!(datagram(&PROTOCOL, 1044, &announce), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 1044, &announce[..27]), Verdict::No);
        announce[16] = 2;
        assert_eq!(datagram(&PROTOCOL, 1044, &announce), Verdict::No);
    }
}
