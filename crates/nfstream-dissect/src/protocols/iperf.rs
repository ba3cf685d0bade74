//! iperf3: the cookie that begins each connection of a measurement.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{by_client, check};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_233),
    name: "iperf3",
    category: Category(14),
    tcp_ports: &[],
    stream: Some(StreamRules {
        client: Start::Range(b'2', b'z'),
        ..StreamRules::either(Start::Any, probe)
    }),
    ..Protocol::NEW
};

/// Characters of the cookie; a zero follows.
const COOKIE: usize = 36;

fn probe(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |client| {
        let beginning = client.get(..COOKIE).unwrap_or(client);
        if !beginning.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')) {
            return Verdict::No;
        }
        check(client, |reader| {
            reader.take(COOKIE)?;
            Some(reader.u8()? == 0)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    const COOKIE: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567abcd\0";

    #[test]
    fn a_cookie_of_36_characters_comes_first() {
        assert_streams(&PROTOCOL, 5201, COOKIE, b"");
        assert_streams(&PROTOCOL, 9000, COOKIE, b"\x09");
        let capital = [b"A", &COOKIE[1..]].concat();
        assert_eq!(streams(&PROTOCOL, 5201, &capital, b""), Verdict::No);
        let longer = [&COOKIE[..36], b"x"].concat();
        assert_eq!(streams(&PROTOCOL, 5201, &longer, b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 5201, b"", b"\x09"), Verdict::No);
    }
}
