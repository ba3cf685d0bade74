//! Armagetron Advanced: messages of 16-bit words and the number of the sender after them.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::Reader;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(104),
    name: "Armagetron",
    category: Category(8),
    datagram: Some(DatagramRules { start: Start::Bytes(&[0, 1]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let fits = is_packet(datagram.payload) == Some(true);
    let usual_port = datagram.has_port_in(4533, 4540);
    if fits && !usual_port && datagram.before() == 0 {
        return Verdict::More;
    }
    Verdict::from_match(fits)
}

/// Returns whether messages of a kind, a number and a length fill the packet up to the sender.
fn is_packet(payload: &[u8]) -> Option<bool> {
    let mut rest = Reader(payload);
    while rest.0.len() > 2 {
        let kind = rest.u16()?;
        rest.u16()?;
        let words = usize::from(rest.u16()?);
        if !(1..=400).contains(&kind) || words > 512 {
            return Some(false);
        }
        rest.take(2 * words)?;
    }
    Some(payload.len() >= 10 && rest.u16()? <= 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams};

    const LOGIN: &[u8] = b"\0\x0b\0\x01\0\x02\0\0\0\x05\0\0";

    #[test]
    fn messages_that_fill_the_packet_match() {
        assert_eq!(datagram(&PROTOCOL, 4534, LOGIN), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 5000, LOGIN), Verdict::More);
        let two = [(FromClient, LOGIN), (FromServer, LOGIN)];
        assert_eq!(datagrams(&PROTOCOL, 5000, &two), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4534, &LOGIN[..11]), Verdict::No);
    }
}
