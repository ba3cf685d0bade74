//! Dropbox's discovery of its clients in a network.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(121),
    name: "Dropbox",
    category: Category(13),
    udp_ports: &[17_500],
    datagram: Some(DatagramRules { start: Start::Bytes(b"{"), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    const KEYS: [&[u8]; 2] = [b"\"host_int\"", b"\"namespaces\""];
    let payload = datagram.payload;
    let has_key = || KEYS.iter().any(|key| payload.windows(key.len()).any(|text| text == *key));
    Verdict::from_match(datagram.has_port(17_500) && has_key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn announcements_match() {
        let announcement = br#"{"version": [2, 0], "port": 17500, "host_int": 12}"#;
        assert_eq!(datagram(&PROTOCOL, 17_500, announcement), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 17_501, announcement), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 17_500, br#"{"version": 1}"#), Verdict::No);
    }
}
