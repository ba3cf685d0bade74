//! Discord's voice: the discovery of addresses and the pings before the media (its developer
//! documentation, "Voice Connections").

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(58),
    name: "Discord",
    category: Category(15),
    datagram: Some(DatagramRules { start: Start::Bytes(&[0, 0x13]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(match payload {
        // Request or response, the length of the rest, a source, an address and a port.
        [0, 1, 0, 70, _, _, _, _, address @ ..] => {
            payload.len() == 74 && address.iter().take(64).all(|byte| *byte == 0)
        }
        [0, 2, 0, 70, _, _, _, _, address @ ..] => {
            let text = |byte: &u8| byte.is_ascii_hexdigit() || b".:\0".contains(byte);
            payload.len() == 74 && address.iter().take(64).all(text)
        }
        [0x13, 0x37, 0xca, 0xfe, ..] => payload.len() == 8,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn discovery_and_pings_match() {
        let mut request = [0; 74];
        request[..8].copy_from_slice(&[0, 1, 0, 70, 0, 1, 2, 3]);
        assert_eq!(datagram(&PROTOCOL, 50_003, &request), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 50_004, b"\x13\x37\xca\xfe\x0e\0\0\0"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 50_003, &request[..73]), Verdict::No);
        request[20] = 7;
        assert_eq!(datagram(&PROTOCOL, 50_003, &request), Verdict::No);
    }
}
