//! VNC: the version messages of the RFB protocol (RFC 6143, section 7.1.1).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::either;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(89),
    name: "VNC",
    category: Category(12),
    tcp_ports: &[5900, 5901, 5800],
    stream: Some(StreamRules::either(Start::Bytes(b"R"), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    either(version(streams.client), version(streams.server))
}

/// Checks `RFB xxx.yyy` and a line feed.
fn version(stream: &[u8]) -> Verdict {
    const SHAPE: &[u8] = b"RFB 000.000\n";
    let fits = stream.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == shape,
    });
    match fits {
        false => Verdict::No,
        true if stream.len() < SHAPE.len() => Verdict::More,
        true => Verdict::Match,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn either_end_states_its_version() {
        assert_streams(&PROTOCOL, 5905, b"", b"RFB 003.008\n");
        assert_streams(&PROTOCOL, 5905, b"RFB 003.889\n", b"");
    }

    #[test]
    fn other_text_is_not_vnc() {
        assert_eq!(streams(&PROTOCOL, 5900, b"", b"RFB 3.8\n"), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 5900, b"RFC 003.008\n", b""), Verdict::No);
    }
}
