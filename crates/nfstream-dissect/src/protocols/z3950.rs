//! Z39.50: the request for a session and its answer, in BER.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(260),
    name: "Z3950",
    category: Category(14),
    tcp_ports: &[210],
    stream: Some(StreamRules {
        client: Start::Bytes(&[INIT_REQUEST]),
        server: Start::Bytes(&[INIT_RESPONSE]),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

const INIT_REQUEST: u8 = 0xb4;
const INIT_RESPONSE: u8 = 0xb5;
const REFERENCE: u8 = 0x82;
const VERSION: u8 = 0x83;
const OPTIONS: u8 = 0x84;

fn probe(streams: &Streams<'_>) -> Verdict {
    let message = |stream| {
        check(stream, |reader| {
            reader.u8()?;
            match reader.u8()? {
                0x81 => reader.take(1)?,
                0x82 => reader.take(2)?,
                0x08..=0x80 => &[],
                _ => return Some(false),
            };
            let mut tag = reader.u8()?;
            if tag == REFERENCE {
                reader.vector8()?;
                tag = reader.u8()?;
            }
            if tag != VERSION || !(2..=4).contains(&reader.vector8()?.len()) {
                return Some(false);
            }
            Some(reader.u8()? == OPTIONS)
        })
    };
    either(message(streams.client), message(streams.server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn sessions_begin_with_versions_and_options() {
        assert_streams(&PROTOCOL, 9991, b"\xb4\x58\x83\x02\0\xe0\x84\x03\0\xc1\xa2", b"");
        assert_streams(&PROTOCOL, 9991, b"", b"\xb5\x59\x83\x02\0\xe0\x84\x03\0\xc1\x82");
        assert_eq!(streams(&PROTOCOL, 210, b"\xb4\x58\x84\x02", b""), Verdict::No);
    }
}
