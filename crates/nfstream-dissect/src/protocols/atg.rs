//! Automatic tank gauges (Veeder-Root TLS).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(423),
    name: "ATG",
    category: Category(31),
    tcp_ports: &[10_001],
    stream: Some(StreamRules { client: Start::Bytes(&[1]), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    // Start of heading, then a letter and five digits: a function and a tank.
    streams.client_first(|stream| {
        if !b"IiSs".contains(stream.get(1)?) {
            return Some(false);
        }
        let digits = stream.get(2..)?;
        if !digits.iter().take(5).all(u8::is_ascii_hexdigit) {
            return Some(false);
        }
        (digits.len() >= 5).then_some(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn functions_match() {
        assert_eq!(streams(&PROTOCOL, 10_001, b"\x01I20100\r\n", b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 10_001, b"\x01I2x", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 10_001, b"I20100\r\n", b""), Verdict::No);
    }
}
