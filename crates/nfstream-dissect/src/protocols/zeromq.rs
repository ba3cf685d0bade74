//! ZeroMQ: the greeting of ZMTP 2 and 3.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(177),
    name: "ZeroMQ",
    category: Category(16),
    stream: Some(StreamRules::either(Start::Bytes(&[0xff]), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    // The padding is the length of an identity to peers of version 1.
    let greeting = |stream| {
        check(stream, |reader| {
            Some(reader.u8()? == 0xff && reader.u64()? < 256 && reader.u8()? == 0x7f)
        })
    };
    either(greeting(streams.client), greeting(streams.server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn greetings_are_signed() {
        let greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL";
        assert_streams(&PROTOCOL, 5555, greeting, greeting);
        assert_eq!(streams(&PROTOCOL, 5555, b"\xff\0\0\0\0\0\0\0\x01\x7e", b""), Verdict::No);
    }
}
