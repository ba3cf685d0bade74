//! RTSP (RFC 2326, RFC 7826).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::headers::{Head, MAX_HEAD};
use crate::read::{begins, line, text};

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

/// What an RTSP session shows.
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
    b"DESCRIBE", b"ANNOUNCE", b"SETUP", b"PLAY", b"PAUSE", b"TEARDOWN", b"RECORD", b"REDIRECT",
    b"GET_PARAMETER", b"SET_PARAMETER", b"OPTIONS",
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
    match line(target) {
        Some(line) => {
            Verdict::from_match(line.ends_with(b" RTSP/1.0") || line.ends_with(b" RTSP/2.0"))
        }
        None if target.len() < 1024 && target.iter().all(|byte| *byte >= b' ' || *byte == b'\r') => {
            Verdict::More
        }
        None => Verdict::No,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let request = Head::parse(streams.client).filter(|head| head.complete);
    let response = Head::parse(streams.server).filter(|head| head.complete);
    let metadata = finding.metadata();
    let rtsp = metadata.rtsp.get_or_insert_default();
    if let Some(head) = &request {
        let target = head.first.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        if let Some(rest) = target.strip_prefix(b"rtsp://") {
            let authority = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
            // A user name and password may stand before the host.
            let host = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
            metadata.host = text(super::http::without_port(host));
            rtsp.url = text(&[b"rtsp://", host, &rest[authority.len()..]].concat());
        }
        rtsp.user_agent = head.header("user-agent").map(text).unwrap_or_default();
    }
    if let Some(head) = &response {
        rtsp.server = head.header("server").map(text).unwrap_or_default();
        return Need::Done;
    }
    if streams.client.len().max(streams.server.len()) >= MAX_HEAD {
        return Need::Done;
    }
    match request {
        Some(_) => Need::server(streams.server.len() + 1),
        None => Need::Bytes { client: streams.client.len() + 1, server: streams.server.len() + 1 },
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
