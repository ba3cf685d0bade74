//! Stratum, the protocol of JSON objects through which mining pools hand out work.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};

pub(crate) const MINING: Protocol = Protocol {
    id: ProtocolId(42),
    name: "Mining",
    category: Category(99),
    stream: Some(StreamRules::either(Start::Bytes(b"{"), mining)),
    ..Protocol::NEW
};

/// Bytes that are searched in each direction.
const MAX_OBJECT: usize = 2048;

/// Text in the first object of a miner or of its pool: Bitcoin's Stratum, Ethereum's, Monero's.
const MINING_WORDS: &[&[u8]] = &[
    b"\"mining.",
    b"\"eth_submitLogin\"",
    b"\"eth_login\"",
    b"\"eth_getWork\"",
    b"\"eth_submitWork\"",
    b"\"eth_submitHashrate\"",
    b"\"agent\":\"xmr",
    b"\"seed_hash\"",
    b"\"blob\"",
    b"\"getjobtemplate\"",
    b"\"keepalived\"",
];

fn mining(streams: &Streams<'_>) -> Verdict {
    either(
        object(streams.client, |text| contains_any(text, MINING_WORDS) || is_login(text)),
        object(streams.server, |text| contains_any(text, MINING_WORDS)),
    )
}

/// Joins the answers of both directions: an object of one without a word may be answered by one
/// with it.
fn either(client: Verdict, server: Verdict) -> Verdict {
    match (client, server) {
        (Verdict::Match, _) | (_, Verdict::Match) => Verdict::Match,
        (Verdict::More, Verdict::More) => Verdict::More,
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
    }
}

/// Searches the first object of `stream`, as far as it has arrived, and those after results.
fn object(stream: &[u8], is_known: impl Fn(&[u8]) -> bool) -> Verdict {
    let stream = &stream[..stream.len().min(MAX_OBJECT)];
    let mut rest = stream;
    loop {
        let end = object_end(rest);
        let (object, after) = rest.split_at(end.unwrap_or(rest.len()));
        if is_known(object) {
            return Verdict::Match;
        }
        if end.is_none() || is_result(object) && after.trim_ascii_start().is_empty() {
            return Verdict::from_more(stream.len() < MAX_OBJECT);
        }
        rest = after.trim_ascii_start();
        if !is_result(object) || !rest.starts_with(b"{") {
            return Verdict::No;
        }
    }
}

/// Returns whether an object is the result of a call without the version of JSON-RPC 2.0, which
/// pools leave out.
fn is_result(object: &[u8]) -> bool {
    contains_any(object, &[b"\"result\":"])
        && contains_any(object, &[b"\"error\":null", b"\"error\": null"])
        && !contains_any(object, &[b"\"jsonrpc\""])
}

/// Returns where the first object ends, if it does.
fn object_end(stream: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (place, byte) in stream.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(place + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns whether a miner of CryptoNote currencies logs in: `login` is method and parameter.
fn is_login(text: &[u8]) -> bool {
    contains_any(text, &[b"\"method\":\"login\"", b"\"method\": \"login\""])
        && contains_any(text, &[b"\"login\":"])
        && contains_any(text, &[b"\"pass\":"])
}

fn contains_any(text: &[u8], words: &[&[u8]]) -> bool {
    let quotes = text.iter().enumerate().filter(|(_, byte)| **byte == b'"');
    quotes
        .filter_map(|(place, _)| text.get(place..))
        .any(|rest| words.iter().any(|word| rest.starts_with(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn miners_subscribe_or_log_in() {
        let bitcoin = b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n";
        assert_streams(&MINING, 3333, bitcoin, b"");
        let monero =
            b"{\"method\":\"login\",\"params\":{\"login\":\"4B\",\"pass\":\"x\"},\"id\":1}\n";
        assert_streams(&MINING, 3333, monero, b"");
        let ethereum = b"{\"jsonrpc\":\"2.0\",\"method\":\"eth_submitLogin\"}\n";
        assert_streams(&MINING, 9999, ethereum, b"");
    }

    #[test]
    fn other_objects_do_not_match() {
        let call = b"{\"jsonrpc\": \"2.0\", \"method\": \"echo\", \"params\": [\"}\"]}";
        assert_eq!(streams(&MINING, 8080, call, b""), Verdict::No);
        assert_eq!(streams(&MINING, 8080, b"{\"a\":{\"b\":1}}", b""), Verdict::No);
        assert_eq!(streams(&MINING, 8080, b"{\"a\":{\"b\":1}", b""), Verdict::More);
    }
}
