//! Service Location Protocol (RFC 2165, 2608).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{Reader, be16};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(347),
    name: "Service_Location_Protocol",
    category: Category(16),
    tcp_ports: &[427],
    udp_ports: &[427],
    stream: Some(StreamRules::either(Start::Bytes(&[1, 2]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[1, 2]),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(427);
    streams.either(|stream| {
        Some(
            usual_port
                && is_header(stream)?
                && (16..1 << 20).contains(&Reader(stream.get(2..)?).u24()?),
        )
    })
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let len = match payload.first() {
        Some(1) => be16(payload, 2).map(u32::from),
        _ => Reader(payload.get(2..).unwrap_or_default()).u24(),
    };
    let fits = len.and_then(|len| usize::try_from(len).ok()) == Some(payload.len());
    Verdict::from_match(
        fits && payload.len() >= 12
            && (datagram.has_port(427) || payload.first() == Some(&2))
            && is_header(payload) == Some(true),
    )
}

/// Returns whether a header begins: version, function and, in version 2, reserved flags and the
/// tag of a language.
fn is_header(bytes: &[u8]) -> Option<bool> {
    Some(
        (1..=11).contains(bytes.get(1)?)
            && match *bytes.first()? {
                1 => true,
                2 => {
                    *bytes.get(6)? == 0
                        && (2..=8).contains(&be16(bytes, 12)?)
                        && bytes.get(14..16)?.iter().all(u8::is_ascii_alphabetic)
                }
                _ => false,
            },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const REQUEST: &[u8] = b"\x02\x01\0\0\x1a\0\0\0\0\0\0\x01\0\x02en\0\0\0\0\0\0\0\0\0\0";

    #[test]
    fn requests_match() {
        assert_eq!(datagram(&PROTOCOL, 427, REQUEST), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 427, REQUEST, b""), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 427, &REQUEST[..25]), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 80, REQUEST, b""), Verdict::No);
    }
}
