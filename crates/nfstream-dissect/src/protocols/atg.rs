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
    let mut bytes = streams.client.iter().skip(1);
    let Some(function) = bytes.next() else { return Verdict::More };
    if !b"IiSs".contains(function) {
        return Verdict::No;
    }
    for _ in 0..5 {
        match bytes.next() {
            Some(digit) if digit.is_ascii_hexdigit() => {}
            Some(_) => return Verdict::No,
            None => return Verdict::More,
        }
    }
    Verdict::Match
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
