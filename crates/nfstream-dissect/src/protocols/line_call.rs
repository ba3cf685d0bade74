//! Calls of LINE: datagrams that begin with their own length.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(316),
    name: "LineCall",
    category: Category(10),
    datagram: Some(DatagramRules { start: Start::Range(0xd0, 0xdf), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

/// Bytes before those that a length counts.
const HEADER: usize = 4;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    if !has_length(payload, payload.len()) {
        return Verdict::No;
    }
    // A second datagram must agree, of either end; one end counts its datagrams.
    let history = datagram.history;
    if let Some(last) = history.last(datagram.direction) {
        let number = |bytes: &[u8]| be16(bytes, 2);
        return Verdict::from_match(
            has_length(last.bytes(), last.len())
                && number(last.bytes()).map(|number| number.wrapping_add(1)) == number(payload),
        );
    }
    match datagram.answered() {
        Some(other) => Verdict::from_match(has_length(other.bytes(), other.len())),
        None => Verdict::More,
    }
}

/// Returns whether the lower eleven bits of the first two bytes are the length.
fn has_length(head: &[u8], len: usize) -> bool {
    be16(head, 0).is_some_and(|word| word >> 12 == 0xd && usize::from(word & 0x7ff) + HEADER == len)
        && len >= 24
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams};

    fn numbered(number: u8) -> [u8; 132] {
        let mut payload = [0; 132];
        payload[..4].copy_from_slice(&[0xd0, 128, 0, number]);
        payload
    }

    #[test]
    fn two_agreeing_datagrams_match() {
        let (first, second) = (numbered(1), numbered(2));
        assert_eq!(datagram(&PROTOCOL, 29_070, &first), Verdict::More);
        let sent = [(FromClient, &first[..]), (FromClient, &second)];
        assert_eq!(datagrams(&PROTOCOL, 29_070, &sent), Verdict::Match);
        let answered = [(FromClient, &first[..]), (FromServer, &first)];
        assert_eq!(datagrams(&PROTOCOL, 29_070, &answered), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 29_070, &first[..131]), Verdict::No);
    }
}
