//! Riot Games: the pings of its data centres and the opening of a game.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(302),
    name: "RiotGames",
    category: Category(8),
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

/// End of a ping.
const TRAILER: &[u8] = b"\xaa\xaa\xaa\xaa\xbb\xbb\xbb\xbb";
/// Bytes of a datagram that opens a game.
const OPENING: usize = 53;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    if payload.len() == 36 && payload.ends_with(TRAILER) {
        return Verdict::Match;
    }
    // Numbers of both ends, a 1 and zeros; the answer begins with the sender's number.
    let opens = |bytes: &[u8]| {
        bytes.get(8) == Some(&1) && bytes.get(9..20).is_some_and(|zeros| zeros == [0; 11])
    };
    if datagram.endpoints.client.port() < 1024 || !datagram.has_port_in(5000, 8999) {
        return Verdict::No;
    }
    if payload.len() == OPENING && opens(payload) && datagram.before() < 8 {
        return Verdict::More;
    }
    Verdict::from_match(datagram.answered().is_some_and(|first| {
        first.len() == OPENING
            && opens(first.bytes())
            && payload.len() > 8
            && first.bytes().get(4..8) == payload.get(..4)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams};

    #[test]
    fn pings_match() {
        let ping = [&[7; 28], TRAILER].concat();
        assert_eq!(datagram(&PROTOCOL, 8181, &ping), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 8181, &ping[1..]), Verdict::No);
    }

    #[test]
    fn an_answer_to_an_opening_matches() {
        let mut opening = [0; OPENING];
        opening[..9].copy_from_slice(b"\xa4\x9f\x9c\x31\xa0\x32\x42\x04\x01");
        let answer = b"\xa0\x32\x42\x04\x01\0\0\0\x78\x29";
        let exchange = [(FromClient, &opening[..]), (FromClient, &opening), (FromServer, answer)];
        assert_eq!(datagrams(&PROTOCOL, 7194, &exchange), Verdict::Match);
        let other = [(FromClient, &opening[..]), (FromServer, &answer[1..])];
        assert_eq!(datagrams(&PROTOCOL, 7194, &other), Verdict::No);
    }
}
