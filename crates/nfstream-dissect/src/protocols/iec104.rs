//! Telecontrol over TCP (IEC 60870-5-104).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(245),
    name: "IEC60870",
    category: Category(31),
    tcp_ports: &[2404],
    stream: Some(StreamRules::either(Start::Bytes(&[0x68]), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(2404);
    streams.either(|stream| is_apdu(stream, usual_port))
}

/// Returns whether a frame begins: start byte, length and one of the three control formats.
fn is_apdu(bytes: &[u8], usual_port: bool) -> Option<bool> {
    let len = || bytes.get(1).copied();
    let control = || bytes.get(2..6)?.first_chunk::<4>().copied();
    Some(
        *bytes.first()? == 0x68
            && (4..=253).contains(&len()?)
            && match control()? {
                // Unnumbered: start, stop or test of the transfer.
                [0x07 | 0x0b | 0x13 | 0x23 | 0x43 | 0x83, 0, 0, 0] => len()? == 4,
                // Supervisory: an acknowledgement.
                [1, 0, low, _] if low & 1 == 0 => len()? == 4,
                // Information: a type of objects and the cause of their transmission.
                [first, _, third, _] if first & 1 == 0 && third & 1 == 0 => {
                    usual_port
                        && len()? >= 10
                        && (1..=127).contains(bytes.get(6)?)
                        && (1..=47).contains(&(bytes.get(8)? & 0x3f))
                }
                _ => false,
            },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn the_three_formats_match() {
        assert_eq!(streams(&PROTOCOL, 2404, b"\x68\x04\x07\0\0\0", b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 2404, b"", b"\x68\x04\x01\0\x04\0"), Verdict::Match);
        let interrogation = b"\x68\x0e\0\0\0\0\x64\x01\x06\0\x01\0\0\0\0\x14";
        assert_eq!(streams(&PROTOCOL, 2404, interrogation, b""), Verdict::Match);
    }

    #[test]
    fn other_controls_and_lengths_do_not() {
        assert_eq!(streams(&PROTOCOL, 2404, b"\x68\x04\x05\0\0\0", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 2404, b"\x68\x05\x07\0\0\0", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 80, b"http://example.org", b""), Verdict::No);
    }
}
