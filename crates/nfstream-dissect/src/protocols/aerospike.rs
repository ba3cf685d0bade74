//! Aerospike: the header of its messages.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_121),
    name: "Aerospike",
    category: Category(11),
    stream: Some(StreamRules::either(Start::Bytes(&[VERSION]), probe)),
    ..Protocol::NEW
};

const VERSION: u8 = 2;
const INFO: u8 = 1;
const ADMIN: u8 = 2;
const MESSAGE: u8 = 3;
const MESSAGE_HEADER: u8 = 22;

fn probe(streams: &Streams<'_>) -> Verdict {
    let message = |stream| {
        check(stream, |reader| {
            reader.u8()?;
            let kind = reader.u8()?;
            // The length has six bytes, the upper three of which are zero.
            if !(INFO..=MESSAGE).contains(&kind) || reader.u24()? != 0 {
                return Some(false);
            }
            let len = reader.u24()?;
            Some(match kind {
                INFO => len > 2 && reader.u8()?.is_ascii_lowercase(),
                ADMIN => len >= 16 && reader.u8()? == 0,
                _ => len >= 22 && reader.u8()? == MESSAGE_HEADER,
            })
        })
    };
    either(message(streams.client), message(streams.server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn messages_state_kind_and_length() {
        assert_streams(&PROTOCOL, 3001, b"\x02\x01\0\0\0\0\0\x06build\n", b"");
        assert_streams(&PROTOCOL, 3001, b"\x02\x03\0\0\0\0\0\x40\x16\x03", b"");
        assert_eq!(streams(&PROTOCOL, 3000, b"\x02\x04\0\0\0", b""), Verdict::No);
    }
}
