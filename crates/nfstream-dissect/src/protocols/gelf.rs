//! Graylog Extended Log Format over UDP.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_208),
    name: "GELF",
    category: Category(18),
    tcp_ports: &[12_201],
    udp_ports: &[12_201],
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0x1e, 0x1f, 0x78, b'{']),
        ..DatagramRules::new(probe)
    }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(match payload {
        // A chunk: eight bytes of a number, place and count.
        [0x1e, 0x0f, _, _, _, _, _, _, _, _, place, count, _, ..] => {
            place < count && (2..=128).contains(count)
        }
        [0x1f, 0x8b, 8, ..] | [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => datagram.has_port(12_201),
        [b'{', ..] => {
            let contains = |key: &[u8]| payload.windows(key.len()).any(|text| text == key);
            contains(b"\"short_message\"") && contains(b"\"version\"")
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn messages_and_chunks_match() {
        let message = br#"{"version":"1.1","host":"a","short_message":"b"}"#;
        assert_eq!(datagram(&PROTOCOL, 5555, message), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 5555, b"\x1e\x0f12345678\0\x02x"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 5555, b"\x1e\x0f12345678\x02\x02x"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 5555, br#"{"version":"1.1"}"#), Verdict::No);
    }
}
