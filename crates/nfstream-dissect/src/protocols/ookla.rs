//! Ookla's Speedtest: the greeting of its own protocol.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{begins_any, both, check_line, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(191),
    name: "Ookla",
    category: Category(14),
    stream: Some(StreamRules {
        client: Start::Bytes(b"H"),
        server: Start::Bytes(b"H"),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

/// Checks `HI`, perhaps with an identity of the test, and the version in the answer.
fn probe(streams: &Streams<'_>) -> Verdict {
    let client = match begins_any(streams.client, &[b"HI\n", b"HI\r", b"HI "]) {
        Verdict::Match => check_line(streams.client, 128, |_| true),
        verdict => verdict,
    };
    let server = match begins_any(streams.server, &[b"HELLO "]) {
        Verdict::Match => check_line(streams.server, 256, |line| {
            line.get(6).is_some_and(u8::is_ascii_digit) && line.contains(&b'.')
        }),
        verdict => verdict,
    };
    if streams.client.is_empty() { either(client, server) } else { both(client, server) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::streams;

    #[test]
    fn the_answer_states_a_version() {
        let answer = b"HELLO 2.9 (2.9.1) 2026-01-05.0857.5b1f\n";
        assert_eq!(streams(&PROTOCOL, 8080, b"HI\n", answer), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 8080, b"", answer), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 8080, b"HI\n", b""), Verdict::More);
        assert_eq!(streams(&PROTOCOL, 8080, b"HELO a\r\n", b""), Verdict::No);
    }
}
