//! Citrix: the greetings of ICA and of its Common Gateway Protocol.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{begins_any, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(132),
    name: "Citrix",
    category: Category(14),
    tcp_ports: &[1494, 2598],
    stream: Some(StreamRules::either(Start::Bytes(FIRST), probe)),
    ..Protocol::NEW
};

const FIRST: &[u8] = &[0x7f, 0x07, 0x1a];
const GREETINGS: &[&[u8]] = &[b"\x7f\x7fICA\0", b"\x07\x07ICA\0", b"\x1aCGP/01"];

fn probe(streams: &Streams<'_>) -> Verdict {
    either(begins_any(streams.client, GREETINGS), begins_any(streams.server, GREETINGS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn greetings_are_decisive() {
        assert_streams(&PROTOCOL, 1494, b"", b"\x7f\x7fICA\0\x7f\x7fICA\0");
        assert_streams(&PROTOCOL, 2598, b"\x1aCGP/01", b"");
        assert_eq!(streams(&PROTOCOL, 1494, b"", b"\x7fELF"), Verdict::No);
    }
}
