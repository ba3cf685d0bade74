//! PPTP (RFC 2637): the control connection.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(115),
    name: "PPTP",
    category: Category(2),
    tcp_ports: &[1723],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), probe)),
    ..Protocol::NEW
};

const MAGIC_COOKIE: u32 = 0x1a2b_3c4d;

fn probe(streams: &Streams<'_>) -> Verdict {
    let message = |stream| {
        check(stream, |reader| {
            Some(
                (12..=220).contains(&reader.u16()?)
                    && (1..=2).contains(&reader.u16()?)
                    && reader.u32()? == MAGIC_COOKIE,
            )
        })
    };
    either(message(streams.client), message(streams.server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn messages_have_a_magic_cookie() {
        assert_streams(&PROTOCOL, 1723, b"\0\x9c\0\x01\x1a\x2b\x3c\x4d", b"");
        assert_streams(&PROTOCOL, 1723, b"", b"\0\x9c\0\x01\x1a\x2b\x3c\x4d");
        assert_eq!(streams(&PROTOCOL, 1723, b"\0\x9c\0\x01\x1a\x2b\x3c\x4e", b""), Verdict::No);
    }
}
