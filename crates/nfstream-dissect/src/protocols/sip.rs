//! SIP (RFC 3261) over UDP and TCP.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Need, Protocol, Start, StreamRules};
use crate::protocols::headers::{Head, MAX_HEAD, messages};
use crate::protocols::lines::first_line;
use crate::read::{begins, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(100),
    name: "SIP",
    category: Category(10),
    tcp_ports: &[5060, 5061],
    udp_ports: &[5060, 5061],
    stream: Some(StreamRules {
        probe: probe_stream,
        client: Start::Bytes(FIRST_LETTERS),
        server: Start::Bytes(FIRST_LETTERS),
        parse: Some(parse_stream),
    }),
    datagram: Some(DatagramRules {
        probe,
        start: Start::Bytes(FIRST_LETTERS),
        parse: DatagramParser::Each(parse_datagram),
    }),
    ..Protocol::NEW
};

/// Metadata of a SIP dialogue.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sip {
    /// Method of the first request.
    pub method: Box<str>,
    /// Status code of the latest response, 0 before one.
    pub status: u16,
    /// `User-Agent` of the client.
    pub user_agent: Box<str>,
    /// `Server`, or `User-Agent`, of the server.
    pub server: Box<str>,
    /// URI of the caller; only if personal data is wanted.
    pub from: Box<str>,
    /// URI of the callee; only if personal data is wanted.
    pub to: Box<str>,
}

const FIRST_LETTERS: &[u8] = b"RIABCOPSUNM";
const METHODS: &[&[u8]] = &[
    b"REGISTER",
    b"INVITE",
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"OPTIONS",
    b"PRACK",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"PUBLISH",
    b"INFO",
    b"REFER",
    b"MESSAGE",
    b"UPDATE",
];

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(probe_message(datagram.payload) == Verdict::Match)
}

fn probe_stream(streams: &Streams<'_>) -> Verdict {
    probe_message(if streams.client.is_empty() { streams.server } else { streams.client })
}

fn probe_message(message: &[u8]) -> Verdict {
    match begins(message, b"SIP/2.0 ") {
        Verdict::No => {}
        verdict => return verdict,
    }
    let Some(space) = message.iter().take(10).position(|byte| *byte == b' ') else {
        let possible = METHODS.iter().any(|method| method.starts_with(message));
        return if possible { Verdict::More } else { Verdict::No };
    };
    if !METHODS.contains(&&message[..space]) {
        return Verdict::No;
    }
    let target = &message[space + 1..];
    [&b"sip:"[..], b"sips:", b"tel:"]
        .into_iter()
        .map(|scheme| begins(target, scheme))
        .find(|verdict| *verdict != Verdict::No)
        // Other schemes are allowed.
        .unwrap_or_else(|| match first_line(target, 512) {
            Ok(line) => Verdict::from_match(line.ends_with(b" SIP/2.0")),
            Err(verdict) => verdict,
        })
}

fn parse_datagram(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    match Head::parse(datagram.payload) {
        Some(head) => read(&head, finding),
        None => Progress::More,
    }
}

fn parse_stream(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let mut done = false;
    for head in messages(streams.client).chain(messages(streams.server)) {
        done = read(&head, finding) == Progress::Done;
        if done {
            break;
        }
    }
    if done {
        return Need::Done;
    }
    Need::further(streams, 2 * MAX_HEAD + 1)
}

/// Reads a message. The dialogue is known once a final response has come, as its description
/// announces the server's media.
fn read(head: &Head<'_>, finding: &mut Finding) -> Progress {
    let personal = finding.personal;
    let metadata = finding.metadata();
    if head
        .header("content-type")
        .or_else(|| head.header("c"))
        .is_some_and(|kind| kind.starts_with(b"application/sdp"))
    {
        super::sdp::announce(head.body, metadata);
    }
    let sip = metadata.sip.get_or_insert_default();
    if personal && sip.from.is_empty() {
        let uri = |long, short| {
            text(uri(head.header(long).or_else(|| head.header(short)).unwrap_or_default()))
        };
        sip.from = uri("from", "f");
        sip.to = uri("to", "t");
    }
    let header = |name| head.header(name).map(text).unwrap_or_default();
    if let Some(status) = head.first.strip_prefix(b"SIP/2.0 ") {
        let status = status.get(..3).and_then(|status| std::str::from_utf8(status).ok());
        sip.status = status.and_then(|status| status.parse().ok()).unwrap_or(0);
        sip.server = header("server");
        if sip.server.is_empty() {
            sip.server = header("user-agent");
        }
        // An authentication challenge leads to another request.
        let is_final = sip.status >= 200 && !matches!(sip.status, 401 | 407);
        return if is_final { Progress::Done } else { Progress::More };
    }
    let mut words = head.first.split(|byte| *byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if sip.method.is_empty() {
        sip.method = text(method);
        sip.user_agent = header("user-agent");
    }
    if metadata.host.is_empty() {
        let target = target.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default();
        let host = target.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
        let host = host.split(|byte| b";?".contains(byte)).next().unwrap_or_default();
        metadata.host = text(super::http::without_port(host));
    }
    Progress::More
}

/// Returns the URI of a `From` or `To` header.
fn uri(value: &[u8]) -> &[u8] {
    match value.iter().position(|byte| *byte == b'<') {
        Some(start) => value[start + 1..].split(|byte| *byte == b'>').next().unwrap_or_default(),
        None => value.split(|byte| *byte == b';').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    const INVITE: &[u8] = b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n\
        From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
        To: Bob <sip:bob@biloxi.example.com>\r\nUser-Agent: phone\r\n\
        Content-Type: application/sdp\r\nContent-Length: 56\r\n\r\n\
        v=0\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n";

    #[test]
    fn requests_and_responses_match() {
        testing::assert_streams(&PROTOCOL, 5060, INVITE, b"SIP/2.0 200 OK\r\n");
        assert_eq!(testing::datagram(&PROTOCOL, 9, INVITE), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 9, b"SIP/2.0 180 Ringing\r\n"), Verdict::Match);
    }

    #[test]
    fn neighbours_do_not_match() {
        for client in [&b"OPTIONS * RTSP/1.0\r\n"[..], b"OPTIONS / HTTP/1.1\r\n", b"NOTE sip:"] {
            assert_eq!(testing::streams(&PROTOCOL, 5060, client, b""), Verdict::No);
        }
    }

    #[test]
    fn dialogue_and_media_are_read() {
        let payloads = [
            (Direction::FromClient, INVITE),
            (Direction::FromServer, &b"SIP/2.0 200 OK\r\nServer: pbx\r\n\r\n"[..]),
        ];
        let found = testing::parse_datagrams(&PROTOCOL, 5060, &payloads, Finding::default());
        let metadata = found.found_metadata().unwrap();
        assert_eq!(&*metadata.host, "biloxi.example.com");
        assert_eq!(metadata.announced[0].port, 49172);
        let sip = metadata.sip.clone().unwrap();
        assert_eq!((&*sip.method, sip.status, &*sip.server), ("INVITE", 200, "pbx"));
        assert_eq!(&*sip.from, "");
    }

    #[test]
    fn a_dialogue_over_tcp_is_read_to_its_end() {
        let server = b"SIP/2.0 100 Trying\r\n\r\nSIP/2.0 200 OK\r\nServer: pbx\r\n\r\n";
        let found = testing::parse_streams(&PROTOCOL, 5060, INVITE, server, Finding::default());
        let metadata = found.found_metadata().unwrap();
        assert_eq!(metadata.sip.as_ref().unwrap().status, 200);
        assert_eq!(metadata.announced.len(), 1);
    }

    #[test]
    fn callers_are_personal() {
        let personal = testing::finding(true);
        let payloads = [(Direction::FromClient, INVITE)];
        let found = testing::parse_datagrams(&PROTOCOL, 5060, &payloads, personal);
        let sip = found.found_metadata().unwrap().sip.clone().unwrap();
        assert_eq!(&*sip.from, "sip:alice@atlanta.example.com");
    }
}
