//! Measurements of RIPE Atlas, which name themselves.

use memchr::memchr2_iter;

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(417),
    name: "RipeAtlas",
    category: Category(14),
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    const NAMES: [&[u8]; 2] = [b"http://atlas.ripe.net", b"Atlas says Hi!"];
    /// Bytes of numbers and times before the name, at most.
    const MOST_BEFORE: usize = 32;
    let payload = datagram.payload;
    let head = payload.get(..MOST_BEFORE).unwrap_or(payload);
    let names = |place: usize| {
        let text = payload.get(place..).unwrap_or_default();
        NAMES.iter().any(|name| text.starts_with(name))
    };
    Verdict::from_match(memchr2_iter(b'h', b'A', head).any(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn the_name_matches() {
        let packet = b"\0\0\x01\x02http://atlas.ripe.net Atlas says Hi!";
        assert_eq!(datagram(&PROTOCOL, 33_434, packet), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 33_434, b"http://atlas.example"), Verdict::No);
    }
}
