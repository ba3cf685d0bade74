//! Wake-on-LAN: six bytes of ones and sixteen times an address.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_153),
    name: "WakeOnLAN",
    category: Category(14),
    datagram: Some(DatagramRules { start: Start::Bytes(&[0xff]), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let Some((ones, rest)) = datagram.payload.split_at_checked(6) else { return Verdict::No };
    let address = rest.get(..6).unwrap_or_default();
    let mut copies = rest.chunks_exact(6).take(16);
    Verdict::from_match(ones == [0xff; 6] && rest.len() >= 96 && copies.all(|copy| copy == address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn addresses_repeat() {
        let packet = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1].repeat(16)].concat();
        assert_eq!(datagram(&PROTOCOL, 9, &packet), Verdict::Match);
        let mut other = packet;
        other[101] = 7;
        assert_eq!(datagram(&PROTOCOL, 9, &other), Verdict::No);
    }
}
