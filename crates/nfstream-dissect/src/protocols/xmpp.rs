//! XMPP (RFC 6120) and its upgrade to TLS.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::rpc_text::contains;
use crate::protocols::starttls;
use crate::read::text;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(67),
    name: "Jabber",
    category: Category(5),
    tcp_ports: &[5222, 5223, 5269],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"<"),
        server: Start::Bytes(b"<"),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// Bytes in which the stream must open.
const HEAD: usize = 512;
/// Bytes of a direction that are read.
const MAX_BYTES: usize = 8192;

fn probe(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    let head = &stream[..stream.len().min(HEAD)];
    let Some(&first) = head.get(1) else { return Verdict::More };
    if contains(head, b"<stream:stream")
        && (contains(head, b"jabber:") || contains(head, b"etherx.jabber.org"))
    {
        return Verdict::Match;
    }
    if contains(head, b"</stream:stream>") && head.starts_with(b"</s") {
        return Verdict::Match;
    }
    let usual = streams.has_port(5222) || streams.has_port(5223) || streams.has_port(5269);
    if usual
        && [&b"<iq "[..], b"<presence", b"<message "].iter().any(|stanza| head.starts_with(stanza))
    {
        return Verdict::Match;
    }
    // Elsewhere a stanza has the attributes of one.
    if [&b"<iq "[..], b"<presence ", b"<message "].iter().any(|stanza| head.starts_with(stanza))
        && [&b" id="[..], b" type="].iter().any(|attribute| contains(head, attribute))
        && [&b" to="[..], b" from="].iter().any(|attribute| contains(head, attribute))
    {
        return Verdict::Match;
    }
    let possible = matches!(first, b'?' | b's' | b'i' | b'p' | b'm' | b'/');
    let begins = [
        &b"<?xml "[..],
        b"<stream:stream",
        b"</stream:stream>",
        b"<iq ",
        if usual { b"<presence" } else { b"<presence " },
        b"<message ",
    ];
    let fits = begins.iter().any(|begin| {
        let len = head.len().min(begin.len());
        head[..len] == begin[..len]
    });
    if possible && fits && stream.len() < HEAD { Verdict::More } else { Verdict::No }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let host = attribute(streams.client, b" to=").or_else(|| attribute(streams.server, b" from="));
    if let Some(host) = host {
        finding.metadata().host = text(host);
    }
    let end = |stream: &[u8], element: &[u8]| {
        let start = stream.windows(element.len()).position(|window| window == element)?;
        let len = stream[start..].iter().position(|byte| *byte == b'>')?;
        Some(start + len + 1)
    };
    let wanted = end(streams.client, b"<starttls");
    let accepted = end(streams.server, b"<proceed");
    if let (Some(client), Some(server)) = (wanted, accepted) {
        return starttls::follow(streams, [client, server], PROTOCOL.id, finding);
    }
    Need::further(streams, MAX_BYTES)
}

/// Returns the value of an attribute of the opening tag of a stream.
fn attribute<'a>(stream: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = stream.windows(7).position(|window| window == b"<stream")?;
    let tag = stream[start..].split(|byte| *byte == b'>').next()?;
    let value = tag.windows(name.len()).position(|window| window == name)? + name.len();
    let (quote, value) = tag.get(value..)?.split_first()?;
    matches!(quote, b'"' | b'\'').then(|| value.split(|byte| byte == quote).next()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    const OPEN: &[u8] = b"<?xml version='1.0'?><stream:stream to='example.com' version='1.0' \
        xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

    #[test]
    fn streams_match() {
        testing::assert_streams(&PROTOCOL, 5000, OPEN, b"");
        testing::assert_streams(&PROTOCOL, 5222, b"<presence/>", b"");
        assert_eq!(testing::streams(&PROTOCOL, 5222, b"<html>", b""), Verdict::No);
        assert_eq!(testing::streams(&PROTOCOL, 5000, b"<presence/>", b""), Verdict::No);
    }

    #[test]
    fn host_and_upgrade_are_read() {
        let client = [OPEN, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", testing::HELLO];
        let server = b"<stream:stream from='example.com'><proceed xmlns='x'/>";
        let found =
            testing::parse_streams(&PROTOCOL, 5222, &client.concat(), server, Finding::default());
        assert_eq!(&*found.found_metadata().unwrap().host, "example.com");
        assert_eq!(found.master(), Some(PROTOCOL.id));
    }
}
