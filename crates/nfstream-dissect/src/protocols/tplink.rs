//! TP-Link's smart home protocol: JSON, each byte combined with the one before it by XOR, the first
//! with 171 (public analyses of its smart plugs).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{be16, be32};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(332),
    name: "TPLINK_SHP",
    category: Category(31),
    tcp_ports: &[9999],
    udp_ports: &[9999],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0xd0, 2]),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        Some(
            *stream.first()? == 0
                && be32(stream, 0)? >= 2
                && is_object(stream.get(4..)?, MIN_OBJECT)?,
        )
    })
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    // Newer devices answer a discovery with a header of 16 bytes.
    let is_discovery = || {
        datagram.has_port(20_002)
            && payload.starts_with(&[2, 0, 0, 1])
            && be16(payload, 4).map(|len| usize::from(len) + 16) == Some(payload.len())
    };
    Verdict::from_match(is_object(payload, MIN_OBJECT) == Some(true) || is_discovery())
}

/// Bytes of a short object, such as `{"a":{}}`.
const MIN_OBJECT: usize = 6;

/// Returns whether the first `len` bytes are those of a JSON object with a key.
fn is_object(bytes: &[u8], len: usize) -> Option<bool> {
    let mut key = 171;
    for (place, byte) in bytes.iter().take(len).enumerate() {
        let clear = key ^ byte;
        key = *byte;
        let fits = match place {
            0 => clear == b'{',
            1 => clear == b'"',
            2 => clear.is_ascii_alphabetic(),
            _ => clear.is_ascii_graphic(),
        };
        if !fits {
            return Some(false);
        }
    }
    (bytes.len() >= len).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    fn hidden(text: &[u8]) -> Vec<u8> {
        text.iter()
            .scan(171, |key, byte| {
                *key ^= byte;
                Some(*key)
            })
            .collect()
    }

    #[test]
    fn commands_match() {
        let command = hidden(br#"{"system":{"get_sysinfo":{}}}"#);
        assert_eq!(datagram(&PROTOCOL, 9999, &command), Verdict::Match);
        let mut stream = b"\0\0\0\x1d".to_vec();
        stream.extend(command);
        assert_eq!(streams(&PROTOCOL, 9999, &stream, b""), Verdict::Match);
    }

    #[test]
    fn other_texts_do_not() {
        assert_eq!(datagram(&PROTOCOL, 9999, &hidden(b"[\"system\"]")), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 9999, &hidden(b"{\"a")), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 9999, br#"{"system":{}}"#), Verdict::No);
    }
}
