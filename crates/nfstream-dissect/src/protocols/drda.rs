//! DRDA, the protocol of Db2 and Derby: the structures that its data streams consist of.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(227),
    name: "DRDA",
    category: Category(11),
    tcp_ports: &[446],
    stream: Some(StreamRules::either(Start::Range(0, 0x7f), probe)),
    ..Protocol::NEW
};

const MAGIC: u8 = 0xd0;

fn probe(streams: &Streams<'_>) -> Verdict {
    let structure = |stream| {
        check(stream, |reader| {
            let len = reader.u16()?;
            if len < 10 || reader.u8()? != MAGIC || !matches!(reader.u8()? & 0x8f, 1..=5) {
                return Some(false);
            }
            reader.u16()?;
            Some(reader.u16()? == len - 6 && (0x1000..0x3000).contains(&reader.u16()?))
        })
    };
    either(structure(streams.client), structure(streams.server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn lengths_agree() {
        assert_streams(&PROTOCOL, 50_001, b"\0\x89\xd0\x41\0\x01\0\x83\x10\x41", b"");
        assert_eq!(
            streams(&PROTOCOL, 50_000, b"\0\x89\xd0\x41\0\x01\0\x84\x10\x41", b""),
            Verdict::No
        );
    }
}
