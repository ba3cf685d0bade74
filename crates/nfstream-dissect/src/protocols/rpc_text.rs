//! Remote calls as text: SOAP (W3C) and JSON-RPC 2.0, by themselves or in HTTP.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};

pub(crate) const SOAP: Protocol = Protocol {
    id: ProtocolId(253),
    name: "SOAP",
    category: Category(16),
    stream: Some(StreamRules {
        probe: probe_soap,
        client: Start::Bytes(b"<"),
        server: Start::Bytes(b"<"),
        parse: None,
    }),
    ..Protocol::NEW
};

pub(crate) const JSON_RPC: Protocol = Protocol {
    id: ProtocolId(375),
    name: "JSON-RPC",
    category: Category(16),
    stream: Some(StreamRules {
        probe: probe_json,
        client: Start::Bytes(b"{[C"),
        server: Start::Bytes(b"{[C"),
        parse: None,
    }),
    ..Protocol::NEW
};

/// Bytes in which the root element, or the version, must come.
const HEAD: usize = 512;
/// Member of every call and answer.
const MEMBER: &[u8] = b"\"jsonrpc\"";
/// Header of the language server protocol.
const LENGTH: &[u8] = b"Content-Length: ";

fn probe_soap(streams: &Streams<'_>) -> Verdict {
    either(streams, |stream| {
        let head = &stream[..stream.len().min(HEAD)];
        if is_soap(head) {
            return Verdict::Match;
        }
        let begins = [&b"<?xml"[..], b"<soap", b"<SOAP", b"<s:Envelope", b"<Envelope"];
        let possible = begins.iter().any(|begin| {
            let len = head.len().min(begin.len());
            head[..len] == begin[..len]
        });
        if possible && stream.len() < HEAD { Verdict::More } else { Verdict::No }
    })
}

fn probe_json(streams: &Streams<'_>) -> Verdict {
    either(streams, |stream| {
        let head = &stream[..stream.len().min(HEAD)];
        // The language server protocol puts a header before each object.
        if head.first() == Some(&b'C') {
            let begun = head.len().min(LENGTH.len());
            if head[..begun] != LENGTH[..begun] {
                return Verdict::No;
            }
        }
        let member = head.windows(MEMBER.len()).position(|window| window == MEMBER);
        let before = &head[..member.unwrap_or(head.len())];
        if before.iter().any(|byte| *byte < b' ' && !b"\t\r\n".contains(byte)) {
            return Verdict::No;
        }
        match member {
            Some(_) => Verdict::Match,
            None if stream.len() < HEAD => Verdict::More,
            None => Verdict::No,
        }
    })
}

fn either(streams: &Streams<'_>, probe: fn(&[u8]) -> Verdict) -> Verdict {
    probe(if streams.client.is_empty() { streams.server } else { streams.client })
}

/// Returns whether a text begins with a SOAP envelope.
pub(crate) fn is_soap(text: &[u8]) -> bool {
    let head = &text[..text.len().min(HEAD)];
    head.starts_with(b"<")
        && (contains(head, b"http://schemas.xmlsoap.org/soap/envelope")
            || contains(head, b"http://www.w3.org/2003/05/soap-envelope"))
}

/// Returns whether a text begins with an object that has the member `jsonrpc`.
pub(crate) fn is_json_rpc(text: &[u8]) -> bool {
    let head = &text[..text.len().min(HEAD)];
    matches!(head.first(), Some(b'{' | b'[')) && contains(head, MEMBER)
}

/// Returns whether `needle` occurs in `bytes`.
pub(crate) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn envelopes_and_calls_match() {
        testing::assert_streams(
            &SOAP,
            80,
            b"<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">",
            b"",
        );
        testing::assert_streams(&JSON_RPC, 80, b"{\"id\":1,\"jsonrpc\":\"2.0\"}", b"");
        let server = b"Content-Length: 40\r\n\r\n{\"jsonrpc\"";
        testing::assert_streams(&JSON_RPC, 80, server, b"");
    }

    #[test]
    fn other_documents_do_not_match() {
        let mut page = b"<?xml version=\"1.0\"?>".to_vec();
        page.resize(600, b' ');
        assert_eq!(testing::streams(&SOAP, 80, &page, b""), Verdict::No);
        assert_eq!(testing::streams(&SOAP, 80, b"<html>", b""), Verdict::No);
        assert_eq!(testing::streams(&JSON_RPC, 80, b"{\0\0\0", b""), Verdict::No);
    }
}
