//! HTTP/1 (RFC 9112), with the proxies and applications that its headers show.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::headers::{Head, MAX_HEAD};
use crate::protocols::lines::first_line;
use crate::protocols::rpc_text::contains;
use crate::protocols::starttls;
use crate::read::{begins, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(7),
    name: "HTTP",
    category: Category(5),
    names_applications: true,
    tcp_ports: &[80],
    stream: Some(StreamRules {
        probe,
        client: Start::Range(b'A', b'Z'),
        server: Start::Bytes(b"H"),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

const fn carried(id: u16, name: &'static str, category: u16) -> Protocol {
    Protocol { id: ProtocolId(id), name, category: Category(category), ..Protocol::NEW }
}

/// Requests to a proxy, with whole URLs.
pub(crate) const PROXY: Protocol =
    Protocol { tcp_ports: &[8080, 3128], ..carried(131, "HTTP_Proxy", 5) };
/// Tunnels through a proxy (RFC 9110, section 9.3.6).
pub(crate) const CONNECT: Protocol = carried(130, "HTTP_Connect", 5);
/// Certificate status (RFC 6960).
pub(crate) const OCSP: Protocol = carried(63, "OCSP", 14);
/// Changes of files by HTTP (RFC 4918).
pub(crate) const WEBDAV: Protocol = carried(376, "WebDAV", 15);
/// Calls of DCE/RPC through HTTP (MS-RPCH).
pub(crate) const RPC_OVER_HTTP: Protocol = carried(127, "MS-RPCH", 16);
/// Printing (RFC 8010).
pub(crate) const IPP: Protocol = Protocol { tcp_ports: &[631], ..carried(6, "IPP", 18) };
/// HTTP Live Streaming (RFC 8216).
pub(crate) const HLS: Protocol = carried(418, "HLS", 1);
/// Dynamic adaptive streaming (ISO/IEC 23009-1).
pub(crate) const MPEG_DASH: Protocol = carried(291, "MpegDash", 1);

/// Metadata of an HTTP/1 exchange: the first request and the response to it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Http {
    /// Method of the request.
    pub method: Box<str>,
    /// Host and target of the request.
    pub url: Box<str>,
    /// `User-Agent` of the request.
    pub user_agent: Box<str>,
    /// `Content-Type` of the request.
    pub request_content_type: Box<str>,
    /// Status code of the response, 0 before one.
    pub status: u16,
    /// `Server` of the response.
    pub server: Box<str>,
    /// `Content-Type` of the response.
    pub response_content_type: Box<str>,
}

/// Methods of RFC 9110 and RFC 5789.
const METHODS: &[&[u8]] =
    &[b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];
/// Methods of WebDAV (RFC 4918, RFC 3253, RFC 5323) that nothing else uses.
const WEBDAV_METHODS: &[&[u8]] =
    &[b"PROPFIND", b"PROPPATCH", b"MKCOL", b"COPY", b"MOVE", b"LOCK", b"UNLOCK", b"REPORT"];
/// Programs that begin their user agent with a name of their own.
const USER_AGENTS: &[(&[u8], ProtocolId)] = &[
    (b"Valve/Steam HTTP Client", ProtocolId(74)),
    (b"WhatsApp/", ProtocolId(142)),
    (b"Windows-Update-Agent", ProtocolId(147)),
    (b"Spotify/", ProtocolId(156)),
    (b"Transmission/", super::bittorrent::PROTOCOL.id),
    (b"uTorrent/", super::bittorrent::PROTOCOL.id),
    (b"qBittorrent/", super::bittorrent::PROTOCOL.id),
];
const LONGEST_METHOD: usize = 20;
/// Bytes of a body that are read.
const BODY: usize = 512;

fn probe(streams: &Streams<'_>) -> Verdict {
    match (streams.client, streams.server) {
        ([], server) => begins(server, b"HTTP/1."),
        (client, _) => probe_request(client),
    }
}

fn probe_request(stream: &[u8]) -> Verdict {
    let method = stream.iter().position(|byte| *byte == b' ');
    let name = &stream[..method.unwrap_or(stream.len()).min(LONGEST_METHOD + 1)];
    if name.len() > LONGEST_METHOD
        || !name.iter().all(|byte| byte.is_ascii_uppercase() || b"-_".contains(byte))
    {
        return Verdict::No;
    }
    let Some(target) = method.map(|end| &stream[end + 1..]) else { return Verdict::More };
    let absolute = matches!(begins(target, b"http"), Verdict::Match | Verdict::More);
    let known = METHODS.contains(&name) && name != b"CONNECT";
    match target {
        [] => Verdict::More,
        [b'/', ..] if known => Verdict::Match,
        [b'/' | b'*', ..] => probe_version(target),
        _ if absolute => probe_version(target),
        _ if name == b"CONNECT" => probe_version(target),
        _ if known => probe_version(target),
        _ => Verdict::No,
    }
}

/// Decides by the version at the end of the request line.
fn probe_version(target: &[u8]) -> Verdict {
    match first_line(target, MAX_HEAD) {
        Ok(line) => {
            let version = line.trim_ascii_end();
            Verdict::from_match(version.ends_with(b" HTTP/1.1") || version.ends_with(b" HTTP/1.0"))
        }
        Err(verdict) => verdict,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let client = streams.client;
    let was_read = !client.is_empty() && finding.request_bytes == client.len();
    let request = if was_read { None } else { Head::parse(client) };
    let response = final_response(streams.server);
    let mut body = None;
    if let Some(head) = &request
        && (head.complete || streams.server.len() > 16)
    {
        body = head.body_start(BODY);
        read_request(head, body, finding);
        finding.request_bytes = if head.complete { client.len() } else { 0 };
    }
    if let Some(response) = &response
        && response.first.starts_with(b"HTTP/1.")
        && response.complete
    {
        read_response(response, finding);
        let status = finding.metadata().http.get_or_insert_default().status;
        if (200..=299).contains(&status)
            && client.starts_with(b"CONNECT ")
            && let Some(head) = Head::parse(client)
        {
            let offsets =
                [client.len() - head.body.len(), streams.server.len() - response.body.len()];
            return starttls::follow(streams, offsets, CONNECT.id, finding);
        }
        if !matches!(status, 100 | 102..=199) {
            // A capture may begin with a response: the next request still names the host.
            let seen = was_read || request.is_some_and(|head| head.complete);
            let wanted = client.len() + 1;
            return if seen || wanted > MAX_HEAD { Need::Done } else { Need::client(wanted) };
        }
    }
    // Only the response is of interest after the request.
    if was_read {
        body = Head::parse(client).and_then(|head| head.body_start(BODY));
    }
    if body.is_some() || client.len() >= MAX_HEAD {
        return if streams.server.len() < MAX_HEAD {
            Need::server(streams.server.len() + 1)
        } else {
            Need::Done
        };
    }
    Need::Bytes { client: client.len() + 1, server: streams.server.len() + 1 }
}

/// Returns the response that counts: interim ones come before it.
fn final_response(stream: &[u8]) -> Option<Head<'_>> {
    let mut head = Head::parse(stream)?;
    for _ in 0..4 {
        let interim =
            head.complete && head.first.get(9..12).is_some_and(|s| s == b"100" || s == b"103");
        match Head::parse(head.body).filter(|_| interim) {
            Some(next) => head = next,
            None => break,
        }
    }
    Some(head)
}

/// Reads a request with the start of its body, `None` before it has come.
fn read_request(head: &Head<'_>, body: Option<&[u8]>, finding: &mut Finding) {
    let mut words = head.first.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    let headers = RequestHeaders::of(head);
    let content_type = headers.content_type.unwrap_or_default();
    let host_header = headers.host.unwrap_or_default();
    let absolute = target.strip_prefix(b"http://").or_else(|| target.strip_prefix(b"https://"));
    let authority = match absolute {
        Some(rest) => rest.split(|byte| b"/?#".contains(byte)).next().unwrap_or_default(),
        None if method == b"CONNECT" => target,
        None => host_header,
    };
    let (host, user) = split_authority(authority);
    // User names in URLs stay out unless personal data is wanted.
    let url = match absolute {
        _ if !finding.details.http => Box::default(),
        Some(rest) if user && !finding.personal => {
            let path = &rest[authority.len().min(rest.len())..];
            text(&[host, path].concat())
        }
        Some(rest) => text(rest),
        None if method == b"CONNECT" => text(target),
        None => text(&[host_header, target].concat()),
    };
    let body = body.unwrap_or_default().trim_ascii_start();
    if let Some(application) = request_application(head.first, method, &headers, body) {
        finding.set_application(application);
    }
    if headers.accept.unwrap_or_default().starts_with(b"application/x-rtsp-tunnelled")
        || content_type.starts_with(b"application/x-rtsp-tunnelled")
    {
        finding.set_master(super::rtsp::PROTOCOL.id);
    } else if method == b"CONNECT" {
        finding.set_master(CONNECT.id);
    } else if absolute.is_some() {
        finding.set_master(PROXY.id);
    }
    let in_detail = finding.details.http;
    let metadata = finding.metadata();
    let host = without_port(host);
    // The header may have been incomplete before.
    if host.len() > metadata.host.len() && host.starts_with(metadata.host.as_bytes()) {
        metadata.host = text(host);
    }
    let http = metadata.http.get_or_insert_default();
    http.user_agent = text(headers.user_agent.unwrap_or_default());
    if in_detail {
        http.method = text(method);
        http.url = url;
        http.request_content_type = text(content_type);
    }
}

/// The headers of a request that are read, the first of each name.
#[derive(Debug)]
struct RequestHeaders<'a> {
    accept: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    icy_metadata: Option<&'a [u8]>,
    soap_action: Option<&'a [u8]>,
    upgrade: Option<&'a [u8]>,
    user_agent: Option<&'a [u8]>,
}

impl<'a> RequestHeaders<'a> {
    fn of(head: &Head<'a>) -> Self {
        let names = [
            "accept",
            "content-type",
            "host",
            "icy-metadata",
            "soapaction",
            "upgrade",
            "user-agent",
        ];
        let [accept, content_type, host, icy_metadata, soap_action, upgrade, user_agent] =
            head.headers(names);
        Self { accept, content_type, host, icy_metadata, soap_action, upgrade, user_agent }
    }
}

/// Returns the application that a request shows besides its host.
fn request_application(
    first: &[u8],
    method: &[u8],
    headers: &RequestHeaders<'_>,
    body: &[u8],
) -> Option<ProtocolId> {
    let content_type = headers.content_type.unwrap_or_default();
    let is_type = |kind: &str| {
        content_type
            .get(..kind.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(kind.as_bytes()))
    };
    if headers.upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket")) {
        Some(super::websocket::PROTOCOL.id)
    } else if is_type("application/ocsp-request") {
        Some(OCSP.id)
    } else if is_type("application/ipp") {
        Some(IPP.id)
    } else if WEBDAV_METHODS.contains(&method) || headers.user_agent.is_some_and(is_webdav) {
        Some(WEBDAV.id)
    } else if headers.soap_action.is_some()
        || is_type("application/soap+xml")
        || super::rpc_text::is_soap(body)
    {
        Some(super::rpc_text::SOAP.id)
    } else if super::rpc_text::is_json_rpc(body) || is_type("application/json-rpc") {
        Some(super::rpc_text::JSON_RPC.id)
    } else if headers.icy_metadata.is_some() {
        Some(super::icecast::PROTOCOL.id)
    } else if method == b"GET" && is_tracker(first) {
        Some(super::bittorrent::PROTOCOL.id)
    } else if matches!(method, b"RPC_IN_DATA" | b"RPC_OUT_DATA") {
        Some(RPC_OVER_HTTP.id)
    } else {
        headers.user_agent.and_then(user_agent_application)
    }
}

/// Returns whether a request goes to a BitTorrent tracker (BEP 3).
fn is_tracker(first: &[u8]) -> bool {
    let known = || [&b"/announce"[..], b"/scrape"].iter().any(|path| contains(first, path));
    // Few other requests have a query.
    first.contains(&b'?') && contains(first, b"info_hash=") && known()
}

/// Returns the application of a program that names itself at the start of its user agent.
fn user_agent_application(user_agent: &[u8]) -> Option<ProtocolId> {
    USER_AGENTS.iter().find(|(name, _)| user_agent.starts_with(name)).map(|(_, id)| *id)
}

fn is_webdav(user_agent: &[u8]) -> bool {
    user_agent.starts_with(b"Microsoft-WebDAV-MiniRedir")
}

fn read_response(head: &Head<'_>, finding: &mut Finding) {
    let [content_type, icy_name, server, upgrade] =
        head.headers(["content-type", "icy-name", "server", "upgrade"]);
    let [content_type, server] = [content_type, server].map(Option::unwrap_or_default);
    let status = head.first.split(|byte| *byte == b' ').nth(1).and_then(|status| {
        std::str::from_utf8(status).ok()?.parse().ok().filter(|status| (100..1000).contains(status))
    });
    let application = match content_type.split(|byte| *byte == b';').next().unwrap_or_default() {
        kind if kind.eq_ignore_ascii_case(b"application/ocsp-response") => Some(OCSP.id),
        kind if kind.eq_ignore_ascii_case(b"application/ipp") => Some(IPP.id),
        kind if kind.eq_ignore_ascii_case(b"application/dash+xml") => Some(MPEG_DASH.id),
        kind if kind.eq_ignore_ascii_case(b"application/vnd.apple.mpegurl")
            || kind.eq_ignore_ascii_case(b"application/x-mpegurl") =>
        {
            Some(HLS.id)
        }
        kind if kind.eq_ignore_ascii_case(b"application/soap+xml") => {
            Some(super::rpc_text::SOAP.id)
        }
        kind if kind.eq_ignore_ascii_case(b"application/x-rtsp-tunnelled") => {
            finding.set_master(super::rtsp::PROTOCOL.id);
            None
        }
        _ if icy_name.is_some() || server.starts_with(b"Icecast") => {
            Some(super::icecast::PROTOCOL.id)
        }
        _ if status == Some(101)
            && upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket")) =>
        {
            Some(super::websocket::PROTOCOL.id)
        }
        _ => None,
    };
    if let Some(application) = application.filter(|_| finding.application().is_none()) {
        finding.set_application(application);
    }
    let in_detail = finding.details.http;
    let http = finding.metadata().http.get_or_insert_default();
    http.status = status.unwrap_or(0);
    if in_detail {
        http.server = text(server);
        http.response_content_type = text(content_type);
    }
}

/// Returns host and port of an authority, and whether there was a user name before them.
fn split_authority(authority: &[u8]) -> (&[u8], bool) {
    match authority.iter().rposition(|byte| *byte == b'@') {
        Some(at) => (&authority[at + 1..], true),
        None => (authority, false),
    }
}

/// Returns a host without its port, and an IPv6 address without brackets.
pub(crate) fn without_port(host: &[u8]) -> &[u8] {
    if let Some(rest) = host.strip_prefix(b"[") {
        return rest.split(|byte| *byte == b']').next().unwrap_or_default();
    }
    match host.iter().position(|byte| *byte == b':') {
        // Several colons: an address without brackets.
        Some(colon) if !host[colon + 1..].contains(&b':') => &host[..colon],
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    fn parsed(client: &[u8], server: &[u8]) -> Finding {
        testing::parse_streams(&PROTOCOL, 80, client, server, Finding::default())
    }

    fn http(finding: &Finding) -> Http {
        *finding.found_metadata().unwrap().http.clone().unwrap()
    }

    #[test]
    fn requests_and_responses_match() {
        for client in [
            &b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"[..],
            b"OPTIONS * HTTP/1.1\r\n",
            b"POST http://example.com/ HTTP/1.0\r\n",
            b"CONNECT example.com:443 HTTP/1.1\r\n",
            b"PROPFIND /dav HTTP/1.1\r\n",
            b"M-SEARCH * HTTP/1.1\r\n",
        ] {
            testing::assert_streams(&PROTOCOL, 8000, client, b"");
        }
        testing::assert_streams(&PROTOCOL, 8000, b"", b"HTTP/1.1 200 OK\r\n\r\n");
    }

    #[test]
    fn a_host_that_arrives_after_the_response_is_read_to_its_end() {
        let endpoints = testing::endpoints(crate::packet::TCP, 80);
        let mut finding = Finding::default();
        let request = b"GET / HTTP/1.1\r\nHost: example.com:80\r\n\r\n";
        for len in 1..=request.len() {
            let client = &request[..len];
            let server = b"HTTP/1.1 200 OK\r\nServer: x";
            let streams = Streams { endpoints: &endpoints, client, server, swapped: false };
            parse(&streams, &mut finding);
        }
        assert_eq!(&*finding.metadata().host, "example.com");
    }

    #[test]
    fn neighbours_do_not_match() {
        for client in [
            &b"OPTIONS sip:a@example.com SIP/2.0\r\n"[..],
            b"DESCRIBE rtsp://example.com/ RTSP/1.0\r\n",
            b"OPTIONS * RTSP/1.0\r\n",
            b"GET key\r\n",
            b"USER anonymous\r\n",
            b"A LONG TIME AGO",
            b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(testing::streams(&PROTOCOL, 80, client, b""), Verdict::No);
        }
    }

    #[test]
    fn request_and_response_are_read() {
        let found = parsed(
            b"GET /index.html?q=1 HTTP/1.1\r\nHost: www.example.com:8080\r\n\
              user-agent:  curl/8.9\r\nCookie: secret\r\n\r\n",
            b"HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Type: text/html; charset=x\r\n\r\n",
        );
        assert_eq!(&*found.found_metadata().unwrap().host, "www.example.com");
        let expected = Http {
            method: "GET".into(),
            url: "www.example.com:8080/index.html?q=1".into(),
            user_agent: "curl/8.9".into(),
            request_content_type: "".into(),
            status: 404,
            server: "nginx".into(),
            response_content_type: "text/html; charset=x".into(),
        };
        assert_eq!(http(&found), expected);
        assert_eq!(found.application(), None);
    }

    #[test]
    fn applications_come_from_headers_and_bodies() {
        for (client, application) in [
            (&b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n"[..], "WebSocket"),
            (b"POST / HTTP/1.1\r\nContent-Type: application/ocsp-request\r\n\r\n", "OCSP"),
            (b"POST / HTTP/1.1\r\nContent-Type: application/ipp\r\n\r\n", "IPP"),
            (b"PROPFIND / HTTP/1.1\r\n\r\n", "WebDAV"),
            (b"POST / HTTP/1.1\r\nSOAPAction: \"x\"\r\n\r\n", "SOAP"),
            (b"POST / HTTP/1.1\r\nContent-Length: 16\r\n\r\n{\"jsonrpc\": \"2.0\"", "JSON-RPC"),
            (b"GET / HTTP/1.1\r\nIcy-MetaData: 1\r\n\r\n", "IceCast"),
            (b"GET /announce?info_hash=%AB HTTP/1.1\r\n\r\n", "BitTorrent"),
            (b"RPC_IN_DATA /rpc HTTP/1.1\r\n\r\n", "MS-RPCH"),
        ] {
            let id = parsed(client, b"").application().unwrap();
            let protocol = crate::protocols::REGISTRY.iter().find(|protocol| protocol.id == id);
            assert_eq!(protocol.unwrap().name, application);
        }
    }

    #[test]
    fn proxies_take_the_place_of_the_master() {
        let found = parsed(b"GET http://user:pass@example.com:81/a HTTP/1.1\r\n\r\n", b"");
        assert_eq!(found.master(), Some(PROXY.id));
        assert_eq!(&*found.found_metadata().unwrap().host, "example.com");
        assert_eq!(&*http(&found).url, "example.com:81/a");
        let found = parsed(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n", b"");
        assert_eq!(found.master(), Some(CONNECT.id));
        assert_eq!(&*found.found_metadata().unwrap().host, "2001:db8::1");
    }

    #[test]
    fn a_tunnel_is_read_after_the_proxy_agrees() {
        let found = parsed(
            b"CONNECT example.com:443 HTTP/1.1\r\n\r\n\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            b"HTTP/1.1 200 Connection established\r\n\r\n",
        );
        assert_eq!(found.master(), Some(CONNECT.id));
        assert_eq!(http(&found).status, 200);
    }

    #[test]
    fn interim_responses_are_skipped() {
        let found = parsed(b"", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n\r\n");
        assert_eq!(http(&found).status, 201);
    }

    #[test]
    fn a_response_alone_is_read() {
        let found = parsed(b"", b"HTTP/1.0 200 OK\r\nServer: Apache\r\n\r\n");
        assert_eq!(http(&found).status, 200);
        assert_eq!(&*http(&found).server, "Apache");
    }
}
