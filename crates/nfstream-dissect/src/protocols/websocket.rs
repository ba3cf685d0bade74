//! WebSocket (RFC 6455) without the HTTP exchange that opens it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(251),
    name: "WebSocket",
    category: Category(5),
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(&[0x81]),
        server: Start::Bytes(&[0x81]),
        parse: None,
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    match (streams.client, streams.server) {
        ([], server) => probe_server(server),
        (client, _) => probe_client(client),
    }
}

/// Text of a client is masked: the first bytes become printable with the key.
fn probe_client(stream: &[u8]) -> Verdict {
    match stream {
        [] | [0x81] => Verdict::More,
        [0x81, len, rest @ ..] if (0x84..=0xfe).contains(len) => {
            let rest = if *len == 0xfe { rest.get(2..) } else { Some(rest) };
            let Some(([key, text @ ..], true)) = rest.map(|rest| (rest, rest.len() >= 8)) else {
                return Verdict::More;
            };
            let [second, third, fourth, a, b, c, d, ..] = text else { return Verdict::More };
            let clear = [a ^ key, b ^ second, c ^ third, d ^ fourth];
            Verdict::from_match(is_document(&clear))
        }
        _ => Verdict::No,
    }
}

fn probe_server(stream: &[u8]) -> Verdict {
    match stream {
        [] | [0x81] => Verdict::More,
        [0x81, 0x7e, _, _, clear @ ..] | [0x81, 4..=0x7d, clear @ ..] if clear.len() >= 4 => {
            Verdict::from_match(is_document(&clear[..4]))
        }
        [0x81, 4..=0x7e, ..] if stream.len() < 8 => Verdict::More,
        _ => Verdict::No,
    }
}

/// Returns whether four bytes can begin a message of text: JSON or printable characters.
fn is_document(start: &[u8]) -> bool {
    start.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn masked_and_plain_text_matches() {
        // "Hello" (RFC 6455, section 5.7).
        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        testing::assert_streams(&PROTOCOL, 80, &masked, b"");
        testing::assert_streams(&PROTOCOL, 80, b"", b"\x81\x05Hello");
    }

    #[test]
    fn a_client_without_mask_does_not_match() {
        assert_eq!(testing::streams(&PROTOCOL, 80, b"\x81\x05Hello", b""), Verdict::No);
        assert_eq!(testing::streams(&PROTOCOL, 80, b"\x81\x00\x00\x44\x20", b""), Verdict::No);
    }
}
