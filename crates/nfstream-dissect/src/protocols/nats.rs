//! NATS: the first lines of server and client.

use std::ops::RangeInclusive;

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::{check_line, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(68),
    name: "Nats",
    category: Category(16),
    tcp_ports: &[4222],
    stream: Some(StreamRules {
        client: Start::Bytes(b"CPS+"),
        server: Start::Bytes(b"IMP+"),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

/// Longest line that is read.
const MAX_LINE: usize = 512;

fn probe(streams: &Streams<'_>) -> Verdict {
    let client = match streams.client.first() {
        Some(b'C') => begins(streams.client, b"CONNECT {"),
        _ => operation(streams.client, &[(b"PUB", 2..=3), (b"SUB", 2..=3)]),
    };
    let server = match streams.server.first() {
        Some(b'I') => begins(streams.server, b"INFO {\""),
        _ => operation(streams.server, &[(b"MSG", 3..=4)]),
    };
    either(client, server)
}

/// Checks an operation of a session in progress, and the number of its arguments; PING, PONG and
/// +OK may come first.
fn operation(stream: &[u8], known: &[(&[u8], RangeInclusive<usize>)]) -> Verdict {
    let mut rest = stream;
    for sign in [&b"PING\r\n"[..], b"PONG\r\n", b"+OK\r\n"].into_iter().cycle().take(9) {
        rest = rest.strip_prefix(sign).unwrap_or(rest);
    }
    if [&b"PING\r\n"[..], b"PONG\r\n", b"+OK\r\n"].iter().any(|sign| sign.starts_with(rest)) {
        return Verdict::from_more(stream.len() < MAX_LINE);
    }
    check_line(rest, MAX_LINE, |line| {
        let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let name = words.next().unwrap_or_default();
        let arguments = words.clone().count();
        // The last is a length, or the number of a subscription.
        known.iter().any(|(known, counts)| *known == name && counts.contains(&arguments))
            && words.next_back().is_some_and(|word| word.iter().all(u8::is_ascii_digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn lines_carry_objects() {
        assert_streams(&PROTOCOL, 4223, b"CONNECT {\"verbose\":false}\r\n", b"INFO {\"server_id\"");
        assert_eq!(streams(&PROTOCOL, 4222, b"CONNECT example.org:443", b""), Verdict::No);
    }
}
