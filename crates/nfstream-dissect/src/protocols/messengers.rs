//! Messengers of the past: OSCAR of AIM and ICQ, MSN, Yahoo.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::{be16, has_magic};

pub(crate) const OSCAR: Protocol = Protocol {
    id: ProtocolId(10_217),
    name: "OSCAR",
    category: Category(9),
    tcp_ports: &[5190],
    stream: Some(StreamRules::either(Start::Bytes(b"*"), oscar)),
    ..Protocol::NEW
};

pub(crate) const MSN: Protocol = Protocol {
    id: ProtocolId(10_218),
    name: "MSN",
    category: Category(9),
    tcp_ports: &[1863],
    stream: Some(StreamRules::either(Start::Bytes(b"VU"), msn)),
    ..Protocol::NEW
};

pub(crate) const YAHOO: Protocol = Protocol {
    id: ProtocolId(70),
    name: "Yahoo",
    category: Category(5),
    stream: Some(StreamRules {
        client: Start::Bytes(b"Y"),
        server: Start::Bytes(b"Y"),
        ..StreamRules::new(|streams: &Streams<'_>| {
            streams.either(|stream| has_magic(stream, b"YMSG"))
        })
    }),
    ..Protocol::NEW
};

fn oscar(streams: &Streams<'_>) -> Verdict {
    // A frame: channel, number and length; channel 1 opens with version 1.
    streams.either(|stream| {
        Some(
            *stream.first()? == b'*'
                && match *stream.get(1)? {
                    1 => be16(stream, 4)? >= 4 && be16(stream, 6)? == 0 && be16(stream, 8)? == 1,
                    2 => be16(stream, 4)? >= 10 && (1..=0x85).contains(&be16(stream, 6)?),
                    _ => false,
                },
        )
    })
}

fn msn(streams: &Streams<'_>) -> Verdict {
    // "VER 1 MSNP15 …" of both ends, "USR …" at a switchboard.
    let greeting = |stream: &[u8]| {
        let head = &stream[..stream.len().min(4)];
        if b"VER ".starts_with(head) {
            let rest = stream.get(4..)?;
            let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
            let version = rest.get(digits..digits + 5)?;
            return Some(digits > 0 && version == b" MSNP");
        }
        Some(false)
    };
    streams.either(greeting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn greetings_match() {
        assert_eq!(streams(&OSCAR, 443, b"*\x01\0\x01\0\x04\0\0\0\x01", b""), Verdict::Match);
        assert_eq!(streams(&MSN, 1863, b"VER 1 MSNP15 CVR0\r\n", b""), Verdict::Match);
        assert_eq!(streams(&YAHOO, 5050, b"YMSG\0\x10\0\0", b""), Verdict::Match);
    }

    #[test]
    fn other_texts_do_not() {
        assert_eq!(streams(&OSCAR, 6379, b"*1\r\n$4\r\nPING\r\n", b""), Verdict::No);
        assert_eq!(streams(&MSN, 1863, b"VERSION 1\r\n", b""), Verdict::No);
        assert_eq!(streams(&MSN, 1863, b"USER", b""), Verdict::No);
    }
}
