//! Tailscale: the discovery messages between peers, by their magic number.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(24),
    name: "Tailscale",
    category: Category(2),
    udp_ports: &[41_641],
    datagram: Some(DatagramRules { start: Start::Bytes(b"T"), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

/// The letters `TS` and a speech balloon in UTF-8.
const MAGIC: &[u8] = b"TS\xf0\x9f\x92\xac";
/// Bytes of the magic number, a public key, a nonce and the tag of the shortest message.
const SHORTEST: usize = 6 + 32 + 24 + 16;

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(payload.starts_with(MAGIC) && payload.len() >= SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn discovery_has_a_magic_number() {
        assert_eq!(datagram(&PROTOCOL, 4000, &[MAGIC, &[7; 86]].concat()), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4000, MAGIC), Verdict::No);
    }
}
