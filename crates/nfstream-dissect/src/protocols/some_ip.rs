//! SOME/IP and its service discovery (AUTOSAR PRS 696, 802).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, StreamRules};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(229),
    name: "SOMEIP",
    category: Category(16),
    tcp_ports: &[30_491, 30_501],
    udp_ports: &[30_490, 30_491, 30_501],
    stream: Some(StreamRules::new(probe)),
    datagram: Some(DatagramRules::new(probe_datagram)),
    ..Protocol::NEW
};

/// Bytes of a header before those that its length counts.
const COUNTED: usize = 8;

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(is_message)
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    // Messages follow each other up to the end.
    let mut rest = datagram.payload;
    while !rest.is_empty() {
        let next = be32(rest, 4)
            .and_then(|len| usize::try_from(len).ok())
            .and_then(|len| rest.get(len.checked_add(COUNTED)?..));
        match next {
            Some(next) if is_message(rest) == Some(true) => rest = next,
            _ => return Verdict::No,
        }
    }
    Verdict::Match
}

/// Returns whether a header begins: a length, version 1, the kind of message and a return code.
fn is_message(bytes: &[u8]) -> Option<bool> {
    let kind = || bytes.get(14).copied();
    Some(
        (8..=1 << 16).contains(&be32(bytes, 4)?)
            && *bytes.get(12)? == 1
            && match kind()? & !0x20 {
                // A request, also one without an answer, a notification and their acknowledgements.
                0..=2 | 0x40..=0x42 => *bytes.get(15)? == 0,
                0x80 | 0x81 | 0xc0 | 0xc1 => *bytes.get(15)? <= 0x5e,
                _ => false,
            }
            // A service, or the cookies of a stream.
            && be32(bytes, 0)? != 0
            && *bytes.get(13)? != 0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const FIND: &[u8] =
        b"\xff\xff\x81\0\0\0\0\x14\0\0\0\x01\x01\x01\x02\0\xc0\0\0\0\0\0\0\0\0\0\0\0";
    const COOKIE: &[u8] = b"\xff\xff\0\0\0\0\0\x08\xde\xad\xbe\xef\x01\x01\x01\0";

    #[test]
    fn discovery_and_cookies_match() {
        assert_eq!(datagram(&PROTOCOL, 30_490, FIND), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 30_509, COOKIE, b""), Verdict::Match);
    }

    #[test]
    fn other_lengths_and_versions_do_not() {
        assert_eq!(datagram(&PROTOCOL, 30_490, &FIND[..27]), Verdict::No);
        assert_eq!(
            datagram(&PROTOCOL, 30_490, b"\xff\xff\x81\0\0\0\0\x08\0\0\0\x01\x02\x01\x02\0"),
            Verdict::No
        );
        assert_eq!(streams(&PROTOCOL, 30_509, b"GET / HTTP/1.1\r\n", b""), Verdict::No);
    }
}
