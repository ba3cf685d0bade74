//! Cassandra: the start of a session in its native protocol.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(264),
    name: "Cassandra",
    category: Category(11),
    tcp_ports: &[7000, 9042],
    stream: Some(StreamRules {
        client: Start::Bytes(&[1, 2, 3, 4, 5, 0x41, 0x42]),
        server: Start::Bytes(&[0x81, 0x82, 0x83, 0x84, 0x85, 0xc1, 0xc2]),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

const ERROR: u8 = 0x00;
const STARTUP: u8 = 0x01;
const READY: u8 = 0x02;
const AUTHENTICATE: u8 = 0x03;
const OPTIONS: u8 = 0x05;
const SUPPORTED: u8 = 0x06;
const QUERY: u8 = 0x07;
const RESULT: u8 = 0x08;
const PREPARE: u8 = 0x09;
const MAX_LEN: u32 = 4096;

fn probe(streams: &Streams<'_>) -> Verdict {
    either(frame(streams.client, true), frame(streams.server, false))
}

fn frame(stream: &[u8], is_client: bool) -> Verdict {
    check(stream, |reader| {
        let version = reader.u8()? & 0x7f;
        if reader.u8()? & !0x1f != 0 {
            return Some(false);
        }
        // Numbers of streams have had two bytes since version 3.
        let stream = if version < 3 { reader.u8()?.into() } else { reader.u16()? };
        let opcode = reader.u8()?;
        let len = reader.u32()?;
        if stream > 1024 || len > MAX_LEN {
            return Some(false);
        }
        match (is_client, opcode) {
            (true, OPTIONS) => Some(len == 0),
            // A map of texts that has the version of the query language.
            (true, STARTUP) => Some(
                len >= 22
                    && (1..16).contains(&reader.u16()?)
                    && (4..64).contains(&reader.u16()?)
                    && reader.u8()?.is_ascii_uppercase(),
            ),
            // A query, of a session that has begun before.
            (true, QUERY | PREPARE) => {
                if len <= 12 {
                    return Some(false);
                }
                let fits = (8..=len - 4).contains(&reader.u32()?);
                Some(fits && reader.take(6)?.iter().all(|byte| matches!(byte, b' ' | b'A'..=b'z')))
            }
            (false, RESULT) => Some(len >= 4 && (1..=5).contains(&reader.u32()?)),
            (false, READY) => Some(len == 0),
            (false, SUPPORTED) => Some((1..64).contains(&reader.u16()?)),
            // The name of a class.
            (false, AUTHENTICATE) => {
                Some((4..256).contains(&reader.u16()?) && reader.u8()?.is_ascii_lowercase())
            }
            (false, ERROR) => Some(len >= 6 && reader.u32()? < 0x3000),
            _ => Some(false),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn sessions_begin_with_options_or_startup() {
        assert_streams(&PROTOCOL, 9043, b"\x04\0\0\0\x05\0\0\0\0", b"");
        let startup = b"\x04\0\0\x01\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION\0\x053.3.1";
        assert_streams(&PROTOCOL, 9043, startup, b"");
        assert_streams(&PROTOCOL, 9043, b"", b"\x84\0\0\0\x06\0\0\0\x34\0\x02\0\x0bCOMPR");
        assert_eq!(streams(&PROTOCOL, 9043, b"\x04\0\0\0\x05\0\0\0\x01", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 9043, b"\x04\0\0\0\x09\0\0\0\0", b""), Verdict::No);
    }
}
