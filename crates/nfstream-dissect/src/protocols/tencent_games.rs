//! Tencent's games: the connection protocol of its cloud for them (TGCP), as public analyses give
//! it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(395),
    name: "TencentGames",
    category: Category(8),
    stream: Some(StreamRules::either(Start::Bytes(&[0x33]), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    // A magic number, the versions of head and body, a command.
    streams.either(|stream| {
        Some(
            *stream.first()? == 0x33
                && *stream.get(1)? == 0x66
                && (1..=0x40).contains(&be16(stream, 2)?)
                && (1..=0x40).contains(&be16(stream, 4)?)
                && matches!(be16(stream, 6)? >> 12, 1..=9),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn the_magic_number_matches() {
        assert_eq!(
            streams(&PROTOCOL, 8013, b"\x33\x66\0\x0b\0\x0a\x10\x01\0", b""),
            Verdict::Match
        );
        assert_eq!(streams(&PROTOCOL, 8013, b"\x33\x66\0\0", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 8013, b"3D model", b""), Verdict::No);
    }
}
