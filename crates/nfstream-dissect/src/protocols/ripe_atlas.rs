//! RIPE Atlas: the measurements of its probes name the project.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(417),
    name: "RipeAtlas",
    category: Category(14),
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

const GREETING: &[u8] = b"http://atlas.ripe.net";

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    // A counter may come before the text.
    let beginning = datagram.payload.get(..GREETING.len() + 16).unwrap_or(datagram.payload);
    Verdict::from_match(beginning.windows(GREETING.len()).any(|part| part == GREETING))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn measurements_name_the_project() {
        let hello = b"http://atlas.ripe.net Atlas says Hi!";
        assert_eq!(datagram(&PROTOCOL, 33_434, hello), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 33_434, b"http://www.ripe.net/"), Verdict::No);
    }
}
