//! TLS (RFC 8446, RFC 5246, RFC 4346, RFC 2246), SSL 3 (RFC 6101) and the hellos of SSL 2.

pub(crate) mod carried;
mod certificate;
mod fingerprint;
pub(crate) mod hello;
mod record;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::fmt;

pub(crate) use carried::set_label;
pub use certificate::Certificate;
use certificate::Hashes;
pub(crate) use fingerprint::Carrier;
use hello::{ClientHello, Cookie, ServerHello, is_grease, numbers, protocols};
use record::{End, Header, Messages, content, handshake};

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::read::{Reader, be16, is_address, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(91),
    name: "TLS",
    category: Category(5),
    names_applications: true,
    tcp_ports: &[443],
    stream: Some(StreamRules { probe, client: START, server: START, parse: Some(parse) }),
    ..Protocol::NEW
};

/// Types of records, and the lengths with which hellos of SSL 2 begin.
const START: Start = Start::Bytes(&[0x14, 0x15, 0x16, 0x17, 0x80, 0x81]);
/// Shortest body of a hello: version, random, the length of the session, a cipher suite.
const MIN_HELLO: u32 = 37;
/// Shortest encrypted fragment: a block, or an authentication tag.
const MIN_ENCRYPTED: u16 = 16;
/// Application protocols that are kept at most.
const MAX_PROTOCOLS: usize = 16;

/// The hellos of a TLS, DTLS or QUIC connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tls {
    /// Version of the connection, `None` if no hello of the server was seen.
    pub version: Option<Version>,
    /// Number of the cipher suite that the server chose, `None` if no hello of it was seen.
    pub cipher: Option<u16>,
    /// Versions that the client offers, in its order and without decoys.
    pub offered_versions: Box<[Version]>,
    /// Application protocols that the client offers, separated by commas.
    pub alpn: Box<str>,
    /// Application protocol that the server chose.
    pub selected_alpn: Box<str>,
    /// Whether the client's hello has an encrypted hello, or a decoy of one: the server name is
    /// the outer one.
    pub ech: bool,
    /// Whether the server requested another hello (HelloRetryRequest).
    pub hello_retry: bool,
    /// JA3 of the client in hexadecimal, empty unless wanted.
    pub ja3: Box<str>,
    /// JA3S of the server in hexadecimal, empty unless wanted.
    pub ja3s: Box<str>,
    /// JA4 of the client, empty unless wanted.
    pub ja4: Box<str>,
    /// Certificate of the server, up to TLS 1.2: if the client gives no name of the server or
    /// certificates are wanted.
    pub certificate: Option<Box<Certificate>>,
    /// Whether the client's hello was read as a whole.
    pub(crate) client_read: bool,
    /// Whether the server's hello was read.
    pub(crate) server_read: bool,
}

/// A version of TLS or DTLS by its number, such as 0x0303 for TLS 1.2.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Version(pub u16);

/// Side of a handshake.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    Client,
    Server,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0x0002 => "SSLv2",
            0x0300 => "SSLv3",
            0x0301 => "TLSv1",
            0x0302 => "TLSv1.1",
            0x0303 => "TLSv1.2",
            0x0304 => "TLSv1.3",
            0xfeff | 0x0100 => "DTLSv1.0",
            0xfefd => "DTLSv1.2",
            0xfefc => "DTLSv1.3",
            number => return write!(f, "{number:#06x}"),
        })
    }
}

impl Tls {
    /// Returns the JA4 in nDPI's form, which differs from FoxIO's description where the server name
    /// is an address (`i` in place of `d`) and where a list is empty (the hash of nothing in place
    /// of zeros); `host` is [`Metadata::host`](crate::Metadata::host).
    pub fn ja4_of_ndpi(&self, host: &str) -> String {
        if self.ja4.is_empty() {
            return String::new();
        }
        let mut ja4 = self.ja4.replace("_000000000000", "_e3b0c44298fc");
        if is_address(host) && ja4.get(3..4) == Some("d") {
            ja4.replace_range(3..4, "i");
        }
        ja4
    }

    /// Returns whether a certificate is worth reading.
    pub(crate) fn wants_certificate(finding: &Finding) -> bool {
        Self::keeps_certificate(finding)
            || finding.found_metadata().is_some_and(carried::may_be_tor)
    }

    /// Returns whether a certificate is worth keeping.
    fn keeps_certificate(finding: &Finding) -> bool {
        finding.certificates || finding.found_metadata().is_none_or(|found| !is_name(&found.host))
    }
}

fn probe(streams: &Streams<'_>) -> Verdict {
    let verdicts = [begins_tls(streams.client), begins_tls(streams.server)];
    if verdicts.contains(&Verdict::Match) {
        Verdict::Match
    } else if verdicts.contains(&Verdict::No) {
        Verdict::No
    } else {
        Verdict::More
    }
}

/// Returns whether a stream begins with TLS: a handshake, or records of a connection that has
/// begun before.
pub(crate) fn begins_tls(stream: &[u8]) -> Verdict {
    let Some(first) = stream.first() else { return Verdict::More };
    if *first >= 0x80 {
        return begins_ssl2(stream);
    }
    // The parts of the header that are there must fit.
    let mut bytes = [0; 11];
    let len = stream.len().min(bytes.len());
    bytes[..len].copy_from_slice(&stream[..len]);
    let [content, major, minor, high, low, kind, body_high, _, _, body_major, _] = bytes;
    let fragment = u16::from_be_bytes([high, low]);
    let fits = (content::CHANGE_CIPHER_SPEC..=content::APPLICATION_DATA).contains(&content)
        && (len < 2 || major == 3)
        && (len < 3 || minor <= 4)
        && (len < 4 || high <= 0x48)
        && (len < 5 || Header::read(&bytes).is_some() && fragment > 0);
    if !fits {
        return Verdict::No;
    }
    if len < 5 {
        return Verdict::More;
    }
    let wanted = match content {
        content::CHANGE_CIPHER_SPEC if fragment != 1 || len > 5 && kind != 1 => return Verdict::No,
        content::CHANGE_CIPHER_SPEC => 6,
        content::ALERT if fragment >= MIN_ENCRYPTED => 5,
        content::ALERT if fragment != 2 || len > 5 && !(1..=2).contains(&kind) => {
            return Verdict::No;
        }
        content::ALERT => 7,
        content::HANDSHAKE => {
            let hello = matches!(kind, handshake::CLIENT_HELLO | handshake::SERVER_HELLO);
            // Types end at 25, but for the message hash at 254.
            if len > 5 && (kind > 25 || kind == handshake::HELLO_VERIFY_REQUEST) {
                return Verdict::No;
            }
            // No message is as long as 128 KiB; a hello has a version.
            if fragment > 1 && len > 6 && body_high > 1 {
                return Verdict::No;
            }
            let body = u32::from_be_bytes([0, body_high, bytes[7], bytes[8]]);
            if hello && fragment > 4 && len > 8 && body < MIN_HELLO {
                return Verdict::No;
            }
            if hello && fragment > 5 && len > 9 && !matches!(body_major, 3 | 0x7f) {
                return Verdict::No;
            }
            usize::from(fragment).min(6) + 5
        }
        _ if fragment < MIN_ENCRYPTED => return Verdict::No,
        _ => 5,
    };
    if len >= wanted { Verdict::Match } else { Verdict::More }
}

/// Returns whether a stream begins with a hello of SSL 2, which clients of SSL 3 and TLS 1.0 sent
/// as well.
fn begins_ssl2(stream: &[u8]) -> Verdict {
    let Some(bytes) = stream.first_chunk::<11>() else {
        // The type comes third, a version after it or, from a server, after two flags.
        return match stream {
            [_, _, kind, ..] if !matches!(kind, 1 | 4) => Verdict::No,
            [_, _, 1, major, ..] if !matches!(major, 0 | 3) => Verdict::No,
            [_, _, 4, hit, ..] if *hit > 1 => Verdict::No,
            _ => Verdict::More,
        };
    };
    let [high, low, kind, fields @ ..] = bytes;
    let len = u16::from_be_bytes([high & 0x7f, *low]);
    let number = |place: usize| u16::from_be_bytes([fields[place], fields[place + 1]]);
    let fits = match kind {
        1 => {
            let (ciphers, session, challenge) = (number(2), number(4), number(6));
            matches!(number(0), 2 | 0x0300..=0x0304)
                && ciphers > 0
                && ciphers % 3 == 0
                && matches!(session, 0 | 16)
                && (16..=32).contains(&challenge)
                && u32::from(len) == 9 + u32::from(ciphers) + u32::from(session + challenge)
        }
        4 => {
            let (certificate, ciphers) = (number(4), number(6));
            fields[0] <= 1
                && fields[1] <= 1
                && number(2) == 2
                && ciphers % 3 == 0
                && u32::from(len) > 11 + u32::from(certificate) + u32::from(ciphers)
        }
        _ => false,
    };
    Verdict::from_match(fits)
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let need = parse_handshake(streams.client, streams.server, finding);
    set_label(streams.endpoints, finding);
    need
}

/// Reads both directions of a TLS connection from its first record on, which for StartTLS comes
/// after other bytes of the streams; the answer counts from that record on too.
pub(crate) fn parse_handshake(client: &[u8], server: &[u8], finding: &mut Finding) -> Need {
    // The end that opened the connection may be the server of TLS, as in active FTP.
    if first_message(client) == Some(handshake::SERVER_HELLO)
        || first_message(server) == Some(handshake::CLIENT_HELLO)
    {
        return parse_sides(server, client, finding).reverse();
    }
    parse_sides(client, server, finding)
}

/// Reads a TLS connection that begins after `client_offset` bytes of the client and
/// `server_offset` bytes of the server: what protocols with StartTLS call.
pub(crate) fn parse_after(
    streams: &Streams<'_>,
    client_offset: usize,
    server_offset: usize,
    finding: &mut Finding,
) -> Need {
    let client = streams.client.get(client_offset..).unwrap_or_default();
    let server = streams.server.get(server_offset..).unwrap_or_default();
    match parse_handshake(client, server, finding) {
        Need::Done => Need::Done,
        Need::Bytes { client, server } => Need::Bytes {
            client: client.saturating_add(client_offset),
            server: server.saturating_add(server_offset),
        },
    }
}

/// Returns the type of the handshake message with which a stream begins.
fn first_message(stream: &[u8]) -> Option<u8> {
    let header = Header::read(stream)?;
    (header.content == content::HANDSHAKE).then(|| stream.get(5).copied())?
}

fn parse_sides(client: &[u8], server: &[u8], finding: &mut Finding) -> Need {
    let of_client = read_side(client, Side::Client, finding);
    let of_server = read_side(server, Side::Server, finding);
    // A connection that has begun before shows no hello.
    let is_under_way = |stream: &[u8]| {
        Header::read(stream).is_some_and(|header| {
            matches!(header.content, content::CHANGE_CIPHER_SPEC | content::APPLICATION_DATA)
        })
    };
    if is_under_way(client) || is_under_way(server) {
        return Need::Done;
    }
    match (of_client, of_server) {
        (None, None) => Need::Done,
        (client, server) => Need::Bytes {
            client: client.unwrap_or(usize::MAX),
            server: server.unwrap_or(usize::MAX),
        },
    }
}

/// Reads one side; returns how many bytes of it are wanted in all, `None` if all is read.
fn read_side(stream: &[u8], side: Side, finding: &mut Finding) -> Option<usize> {
    if stream.first().is_some_and(|first| *first >= 0x80) {
        return read_ssl2(stream, side, finding);
    }
    let read = |finding: &Finding, side| {
        let tls = finding.found_metadata().and_then(|found| found.tls.as_deref());
        tls.is_some_and(|tls| match side {
            Side::Client => tls.client_read,
            Side::Server => tls.server_read,
        })
    };
    if side == Side::Client && read(finding, Side::Client) {
        return None;
    }
    let mut messages = Messages::new(stream);
    while let Some(message) = messages.next() {
        match (side, message.kind) {
            (Side::Client, handshake::CLIENT_HELLO) => {
                read_client_hello(&message.body, Carrier::Tls, message.complete, finding);
                if message.complete {
                    return None;
                }
            }
            (Side::Server, handshake::SERVER_HELLO) => {
                if message.complete && !read(finding, Side::Server) {
                    read_server_hello(&message.body, finding);
                }
                let version = finding.metadata().tls.get_or_insert_default().version;
                let plain = version.is_some_and(|version| version.0 <= 0x0303);
                if version.is_some() && !plain {
                    carried::set_label_by_random_name(finding);
                }
                if message.complete && !(plain && Tls::wants_certificate(finding)) {
                    return None;
                }
            }
            (Side::Server, handshake::CERTIFICATE) => {
                if message.complete {
                    read_certificates(&message.body, finding);
                    return None;
                }
            }
            (Side::Server, handshake::CERTIFICATE_STATUS) => {}
            _ => return None,
        }
    }
    match messages.end() {
        End::Bytes(bytes) => Some(bytes),
        End::Other => None,
    }
}

/// Reads a hello of SSL 2: its length, its type, two flags if it is the server's, and a version.
fn read_ssl2(stream: &[u8], side: Side, finding: &mut Finding) -> Option<usize> {
    let (kind, len) = match side {
        Side::Client => (1, 5),
        Side::Server => (4, 7),
    };
    let Some(version) = be16(stream, len - 2) else { return Some(len) };
    if stream.get(2) != Some(&kind) {
        return None;
    }
    let tls = finding.metadata().tls.get_or_insert_default();
    match side {
        Side::Client => {
            tls.offered_versions = Box::new([Version(version)]);
            tls.client_read = true;
        }
        Side::Server => {
            tls.version = Some(Version(version));
            tls.server_read = true;
        }
    }
    None
}

/// Reads the body of a ClientHello.
pub(crate) fn read_client_hello(
    body: &[u8],
    carrier: Carrier,
    complete: bool,
    finding: &mut Finding,
) {
    let cookie = if carrier == Carrier::Dtls { Cookie::Present } else { Cookie::Absent };
    let Some(hello) = ClientHello::read(body, cookie) else { return };
    let wanted = finding.fingerprints;
    let (certificates, details) = (finding.certificates, finding.details);
    let metadata = finding.metadata();
    if let Some(name) = hello.server_name {
        metadata.host = text(name);
    }
    let named = is_name(&metadata.host);
    let tls = metadata.tls.get_or_insert_default();
    if details.tls {
        tls.offered_versions = if hello.versions.is_empty() {
            Box::new([Version(hello.version)])
        } else {
            numbers(hello.versions).filter(|version| !is_grease(*version)).map(Version).collect()
        };
    }
    tls.alpn = alpn(hello.alpn);
    tls.ech = hello.ech;
    if !complete {
        return;
    }
    tls.client_read = true;
    if wanted.ja3 {
        tls.ja3 = fingerprint::ja3(&hello);
    }
    if wanted.ja4 {
        tls.ja4 = fingerprint::ja4(&hello, carrier);
    }
    // The server may have been seen before the client.
    if named && !certificates {
        tls.certificate = None;
    }
}

/// Reads the body of a ServerHello.
pub(crate) fn read_server_hello(body: &[u8], finding: &mut Finding) {
    let Some(hello) = ServerHello::read(body) else { return };
    let wanted = finding.fingerprints;
    let tls = finding.metadata().tls.get_or_insert_default();
    tls.version = Some(Version(hello.version));
    tls.cipher = Some(hello.cipher);
    tls.selected_alpn = protocols(hello.alpn).next().map(text).unwrap_or_default();
    tls.hello_retry |= hello.retry;
    tls.server_read = true;
    if wanted.ja3 {
        tls.ja3s = fingerprint::ja3s(&hello);
    }
}

/// Reads the body of a Certificate message (RFC 5246, section 7.4.2): the first one is the
/// server's.
pub(crate) fn read_certificates(body: &[u8], finding: &mut Finding) {
    if !Tls::wants_certificate(finding) {
        return;
    }
    let mut reader = Reader(body);
    let Some(_len) = reader.u24() else { return };
    let Some(len) = reader.u24().and_then(|len| usize::try_from(len).ok()) else { return };
    let Some(certificate) = reader.take(len) else { return };
    let hashes = if finding.certificate_hashes { Hashes::Wanted } else { Hashes::Unwanted };
    let Some(certificate) = Certificate::read(certificate, hashes) else { return };
    carried::set_label_by(&certificate, finding);
    if Tls::keeps_certificate(finding) {
        let tls = finding.metadata().tls.get_or_insert_default();
        tls.certificate = Some(Box::new(certificate));
    }
}

/// Returns whether a server name is there and not an address, which RFC 6066 rules out.
fn is_name(host: &str) -> bool {
    !host.is_empty() && !is_address(host)
}

/// Returns the names in a list of ALPN, separated by commas.
fn alpn(list: &[u8]) -> Box<str> {
    let mut names = protocols(list);
    let Some(first) = names.next() else { return Box::default() };
    let mut joined = Cow::Borrowed(first);
    for name in names.take(MAX_PROTOCOLS - 1) {
        let joined = joined.to_mut();
        joined.push(b',');
        joined.extend_from_slice(name);
    }
    text(&joined)
}
