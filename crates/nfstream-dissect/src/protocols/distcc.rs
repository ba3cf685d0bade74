//! distcc: tokens of four letters, each with a number in eight hexadecimal digits.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::Reader;
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_234),
    name: "distcc",
    category: Category(15),
    tcp_ports: &[3632],
    stream: Some(StreamRules::either(Start::Bytes(b"D"), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    either(
        // The version of the protocol, then the number of arguments or the working directory.
        check(streams.client, |reader| {
            Some(token(reader, b"DIST")? && (token(reader, b"ARGC")? || token(reader, b"CDIR")?))
        }),
        check(streams.server, |reader| Some(token(reader, b"DONE")? && token(reader, b"STAT")?)),
    )
}

/// Reads a token; returns whether it has this name.
fn token(reader: &mut Reader<'_>, name: &[u8; 4]) -> Option<bool> {
    let letters = name.iter().zip(reader.0).all(|(letter, byte)| letter == byte);
    let digits = reader.0.iter().take(12).skip(4).all(u8::is_ascii_hexdigit);
    if !letters || !digits {
        return Some(false);
    }
    reader.take(12)?;
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn requests_and_results_are_tokens() {
        let request = b"DIST00000003ARGC00000004ARGV00000003gcc";
        assert_streams(&PROTOCOL, 3632, request, b"DONE00000003STAT00000000");
        assert_streams(&PROTOCOL, 3633, b"", b"DONE00000003STAT00000000SERR00000000");
        for other in [&b"DIST0000000xARGC00000004"[..], b"DIST00000003ARGV00000004", b"DISTANCE"] {
            assert_eq!(streams(&PROTOCOL, 3632, other, b""), Verdict::No);
        }
    }
}
