//! Avast antivirus: its lookups of signatures, by their magic number.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(307),
    name: "AVAST",
    category: Category(14),
    stream: Some(StreamRules::either(Start::Bytes(b"N"), probe)),
    ..Protocol::NEW
};

const MAGIC: u32 = 0x4e4f_5341;

fn probe(streams: &Streams<'_>) -> Verdict {
    let message = |stream| {
        check(stream, |reader| Some(reader.u32()? == MAGIC && (16..4096).contains(&reader.u16()?)))
    };
    either(message(streams.client), message(streams.server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn messages_have_a_magic_number_and_a_length() {
        assert_streams(&PROTOCOL, 80, b"NOSA\0\x60\x01\x01", b"NOSA\0\x10\x01\x02");
        assert_eq!(streams(&PROTOCOL, 80, b"NOSA\0\x01\x01\x01", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 80, b"NICK", b""), Verdict::No);
    }
}
