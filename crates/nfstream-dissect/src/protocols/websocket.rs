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

/// Number of text bytes checked; shorter messages decide nothing. Fewer would match one in a million
/// random streams.
const TEXT: u8 = 10;

/// Text of a client is masked: the first bytes become printable with the key.
fn probe_client(stream: &[u8]) -> Verdict {
    const SHORTEST: u8 = 0x80 | TEXT;
    let rest = match stream {
        [] | [0x81] => return Verdict::More,
        [0x81, 0xfe, rest @ ..] => rest.get(2..).unwrap_or_default(),
        [0x81, SHORTEST..=0xfd, rest @ ..] => rest,
        _ => return Verdict::No,
    };
    let Some((key, text)) = rest.split_first_chunk::<4>() else { return Verdict::More };
    let Some(text) = text.first_chunk::<{ TEXT as usize }>() else { return Verdict::More };
    let mut key = key.iter().cycle();
    Verdict::from_match(is_text(&text.map(|byte| byte ^ key.next().unwrap_or(&0))))
}

fn probe_server(stream: &[u8]) -> Verdict {
    let text = match stream {
        [] | [0x81] => return Verdict::More,
        [0x81, 0x7e, rest @ ..] => rest.get(2..).unwrap_or_default(),
        [0x81, TEXT..=0x7d, rest @ ..] => rest,
        _ => return Verdict::No,
    };
    text.first_chunk::<{ TEXT as usize }>()
        .map_or(Verdict::More, |text| Verdict::from_match(is_text(text)))
}

/// Returns whether all bytes are printable ASCII or white space, as JSON begins.
fn is_text(start: &[u8]) -> bool {
    start.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn masked_and_plain_text_matches() {
        // "Hello" (RFC 6455, section 5.7), and a few letters more.
        let masked = b"\x81\x8a\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\xda\x40\x51\x5b\xd4";
        testing::assert_streams(&PROTOCOL, 80, masked, b"");
        testing::assert_streams(&PROTOCOL, 80, b"", b"\x81\x0aHello all.");
    }

    #[test]
    fn a_few_letters_decide_nothing() {
        assert_eq!(testing::streams(&PROTOCOL, 80, b"", b"\x81\x05Hello"), Verdict::No);
    }

    #[test]
    fn a_client_without_mask_does_not_match() {
        assert_eq!(testing::streams(&PROTOCOL, 80, b"\x81\x05Hello", b""), Verdict::No);
        assert_eq!(testing::streams(&PROTOCOL, 80, b"\x81\x00\x00\x44\x20", b""), Verdict::No);
    }
}
