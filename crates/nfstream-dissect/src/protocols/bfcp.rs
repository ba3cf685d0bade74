//! Binary Floor Control Protocol (RFC 8855).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{be16, be32};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(32),
    name: "BFCP",
    category: Category(26),
    stream: Some(StreamRules::either(Start::Bytes(&[0x20, 0x30]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Range(0x40, 0x50),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

/// Bytes of the common header.
const HEADER: usize = 12;

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        let words = usize::from(be16(stream, 2)?);
        if !is_primitive(*stream.get(1)?) || words > 64 {
            return Some(false);
        }
        has_attributes(stream, HEADER + 4 * words)
    })
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    // Version 2 is that of datagrams; a responder flag may be set.
    let payload = datagram.payload;
    let fits = matches!(payload.first(), Some(0x40 | 0x50))
        && payload.get(1).is_some_and(|primitive| is_primitive(*primitive))
        && be16(payload, 2).map(|words| HEADER + 4 * usize::from(words)) == Some(payload.len());
    Verdict::from_match(fits && has_attributes(payload, payload.len()) == Some(true))
}

/// Returns whether the number is that of a primitive.
const fn is_primitive(number: u8) -> bool {
    matches!(number, 1..=18)
}

/// Returns whether a conference is named and attributes fill the message up to `end`.
fn has_attributes(message: &[u8], end: usize) -> Option<bool> {
    if be32(message, 4)? == 0 {
        return Some(false);
    }
    let message = message.get(..end)?;
    let mut at = HEADER;
    while at < end {
        let kind = message.get(at)? >> 1;
        let len = usize::from(*message.get(at + 1)?);
        if !(1..=18).contains(&kind) || len < 2 {
            return Some(false);
        }
        at += len.next_multiple_of(4);
    }
    Some(at == end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    /// A request of floor 1.
    const REQUEST: &[u8] = b"\x20\x01\0\x01\0\0\0\x01\0\x02\x05\x04\x05\x04\0\x01";

    #[test]
    fn messages_match() {
        assert_eq!(streams(&PROTOCOL, 5070, REQUEST, b""), Verdict::Match);
        let mut request = REQUEST.to_vec();
        request[0] = 0x40;
        assert_eq!(datagram(&PROTOCOL, 5070, &request), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 5070, &request[..15]), Verdict::No);
    }

    #[test]
    fn other_primitives_and_attributes_do_not() {
        assert_eq!(streams(&PROTOCOL, 5070, b"\x20\x20\0\x01", b""), Verdict::No);
        assert_eq!(
            streams(&PROTOCOL, 5070, b"\x20\x01\0\x01\0\0\0\x01\0\x02\x05\x04\xff\x04\0\x01", b""),
            Verdict::No
        );
    }
}
