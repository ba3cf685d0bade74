//! RTMP (Adobe's specification 1.0): the handshake.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(174),
    name: "RTMP",
    category: Category(1),
    tcp_ports: &[1935],
    stream: Some(StreamRules::either(Start::Bytes(&[VERSION]), probe)),
    ..Protocol::NEW
};

const VERSION: u8 = 3;
/// Bytes of the version and of the first part of the handshake, of both ends.
const FIRST_PART: usize = 1 + 1536;

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.server_port() == 1935;
    streams.either(|stream| {
        if *stream.first()? != VERSION {
            return Some(false);
        }
        // A time, then zeros or the version of a player, then random bytes.
        let player = be32(stream, 5)?;
        let is_known = player == 0 || matches!(player >> 24, 1..=32 | 0x80);
        if !is_known || usual_port {
            return Some(is_known);
        }
        // At another port both ends must have sent their first part.
        let complete = streams.client.len() >= FIRST_PART && streams.server.len() >= FIRST_PART;
        complete.then_some(be32(stream, 1)? >> 24 == 0 || player != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn the_handshake_matches() {
        assert_eq!(streams(&PROTOCOL, 1935, b"\x03\0\0\0\x01\0\0\0\0random", b""), Verdict::Match);
        let mut part = vec![7; FIRST_PART];
        part[..9].copy_from_slice(b"\x03\0\0\0\x01\0\0\0\0");
        assert_eq!(streams(&PROTOCOL, 8080, &part, b""), Verdict::More);
        assert_eq!(streams(&PROTOCOL, 8080, &part, &part), Verdict::Match);
    }

    #[test]
    fn other_versions_do_not() {
        assert_eq!(streams(&PROTOCOL, 1935, b"\x04\0\0\0\0\0\0\0\0", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 1935, b"\x03\0\0\x13\x0e\xe0\0\0\0", b""), Verdict::No);
    }
}
