//! RTSP (RFC 2326, RFC 7826).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::metadata::{Announced, Metadata};
use crate::packet::UDP;
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::headers::{MAX_HEAD, messages};
use crate::protocols::lines::first_line;
use crate::read::{begins, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(50),
    name: "RTSP",
    category: Category(1),
    tcp_ports: &[554],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"DASPTRGO"),
        server: Start::Bytes(b"R"),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// Metadata of an RTSP session.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rtsp {
    /// URL of the first request.
    pub url: Box<str>,
    /// `User-Agent` of the client.
    pub user_agent: Box<str>,
    /// `Server` of the response.
    pub server: Box<str>,
}

const METHODS: &[&[u8]] = &[
    b"DESCRIBE",
    b"ANNOUNCE",
    b"SETUP",
    b"PLAY",
    b"PAUSE",
    b"TEARDOWN",
    b"RECORD",
    b"REDIRECT",
    b"GET_PARAMETER",
    b"SET_PARAMETER",
    b"OPTIONS",
];

fn probe(streams: &Streams<'_>) -> Verdict {
    match (streams.client, streams.server) {
        ([], server) => begins(server, b"RTSP/1.0 ").or(begins(server, b"RTSP/2.0 ")),
        (client, _) => probe_request(client),
    }
}

fn probe_request(stream: &[u8]) -> Verdict {
    let Some(space) = stream.iter().take(16).position(|byte| *byte == b' ') else {
        let possible = METHODS.iter().any(|method| method.starts_with(stream));
        return if possible { Verdict::More } else { Verdict::No };
    };
    if !METHODS.contains(&&stream[..space]) {
        return Verdict::No;
    }
    let target = &stream[space + 1..];
    match begins(target, b"rtsp://") {
        Verdict::No => {}
        verdict => return verdict,
    }
    match first_line(target, 1024) {
        Ok(line) => {
            Verdict::from_match(line.ends_with(b" RTSP/1.0") || line.ends_with(b" RTSP/2.0"))
        }
        Err(verdict) => verdict,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let metadata = finding.metadata();
    let mut started = false;
    for head in messages(streams.client) {
        let rtsp = metadata.rtsp.get_or_insert_default();
        let target = head.first.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        if let Some(rest) = target.strip_prefix(b"rtsp://").filter(|_| rtsp.url.is_empty()) {
            let authority = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
            // A user name and password may stand before the host.
            let host = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
            metadata.host = text(super::http::without_port(host));
            rtsp.url = text(&[b"rtsp://", host, &rest[authority.len()..]].concat());
        }
        if rtsp.user_agent.is_empty() {
            rtsp.user_agent = head.header("user-agent").map(text).unwrap_or_default();
        }
        started |= head.first.starts_with(b"PLAY ") || head.first.starts_with(b"RECORD ");
    }
    for head in messages(streams.server) {
        let rtsp = metadata.rtsp.get_or_insert_default();
        if rtsp.server.is_empty() {
            rtsp.server = head.header("server").map(text).unwrap_or_default();
        }
        if let Some(transport) = head.header("transport") {
            announce(transport, streams, metadata);
        }
    }
    if started {
        return Need::Done;
    }
    Need::further(streams, 2 * MAX_HEAD)
}

/// Announces the ports of both ends that a `Transport` header agrees on: a pair for media and
/// reports, `client_port=50000-50001`.
fn announce(transport: &[u8], streams: &Streams<'_>, metadata: &mut Metadata) {
    let server = streams.server_address();
    let client = streams.reverse().server_address();
    for part in transport.split(|byte| *byte == b';') {
        for (name, address) in [(&b"client_port="[..], client), (b"server_port=", server)] {
            let Some(value) = part.trim_ascii().strip_prefix(name) else { continue };
            let kinds = [super::rtp::PROTOCOL.id, super::rtp::RTCP.id];
            for (port, application) in value.split(|byte| *byte == b'-').zip(kinds) {
                let port = std::str::from_utf8(port).ok().and_then(|port| port.parse().ok());
                if let Some(port) = port {
                    metadata.announce(Announced { address, port, transport: UDP, application });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn requests_and_responses_match() {
        for client in [
            &b"DESCRIBE rtsp://example.com/media RTSP/1.0\r\n"[..],
            b"OPTIONS * RTSP/1.0\r\n",
            b"SETUP rtsp://example.com/media/1 RTSP/2.0\r\n",
        ] {
            testing::assert_streams(&PROTOCOL, 8554, client, b"");
        }
        testing::assert_streams(&PROTOCOL, 8554, b"", b"RTSP/1.0 200 OK\r\n");
        assert_eq!(testing::streams(&PROTOCOL, 554, b"OPTIONS * HTTP/1.1\r\n", b""), Verdict::No);
    }

    #[test]
    fn ports_of_the_media_are_announced() {
        let found = testing::parse_streams(
            &PROTOCOL,
            554,
            b"SETUP rtsp://example.com/1 RTSP/1.0\r\nTransport: RTP/AVP;client_port=4588-4589\r\n\r\n",
            b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP;client_port=4588-4589;server_port=6256-6257\r\n\r\n",
            Finding::default(),
        );
        let announced = &found.found_metadata().unwrap().announced;
        let ports: Vec<_> = announced.iter().map(|end| end.port).collect();
        assert_eq!(ports, [4588, 4589, 6256, 6257]);
    }

    #[test]
    fn urls_lose_their_user() {
        let found = testing::parse_streams(
            &PROTOCOL,
            554,
            b"DESCRIBE rtsp://admin:1234@cam.example.com:8554/ch0 RTSP/1.0\r\nCSeq: 1\r\n\r\n",
            b"RTSP/1.0 200 OK\r\nServer: camera\r\n\r\n",
            Finding::default(),
        );
        let metadata = found.found_metadata().unwrap();
        assert_eq!(&*metadata.host, "cam.example.com");
        let rtsp = metadata.rtsp.as_ref().unwrap();
        assert_eq!((&*rtsp.url, &*rtsp.server), ("rtsp://cam.example.com:8554/ch0", "camera"));
    }
}
