//! OPC UA connections over TCP (IEC 62541-6).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::le32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(360),
    name: "OPC-UA",
    category: Category(31),
    tcp_ports: &[4840],
    stream: Some(StreamRules {
        client: Start::Bytes(b"HOMCER"),
        server: Start::Bytes(b"AEOMCR"),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(is_message)
}

/// Returns whether a message begins: its type, the kind of chunk and a size that fits them.
fn is_message(bytes: &[u8]) -> Option<bool> {
    const TYPES: [&[u8]; 7] = [b"HEL", b"ACK", b"ERR", b"RHE", b"OPN", b"MSG", b"CLO"];
    let head = &bytes[..bytes.len().min(3)];
    if !TYPES.iter().any(|kind| kind.starts_with(head)) {
        return Some(false);
    }
    let chunk = *bytes.get(3)?;
    let size = || le32(bytes, 4);
    Some(match bytes.first_chunk()? {
        b"HEL" => chunk == b'F' && (32..=32 + 4096).contains(&size()?),
        b"ACK" => chunk == b'F' && size()? == 28,
        b"ERR" | b"RHE" => chunk == b'F' && (16..=8192).contains(&size()?),
        _ => b"FCA".contains(&chunk) && (12..1 << 24).contains(&size()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn hello_and_acknowledge_match() {
        assert_eq!(streams(&PROTOCOL, 4840, b"HELF\x38\0\0\0", b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 4840, b"", b"ACKF\x1c\0\0\0"), Verdict::Match);
    }

    #[test]
    fn text_does_not() {
        assert_eq!(streams(&PROTOCOL, 4840, b"HELP", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 4840, b"HELFire!", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 4840, b"HELO example.org", b""), Verdict::No);
    }
}
