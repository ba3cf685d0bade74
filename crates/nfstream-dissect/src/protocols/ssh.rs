//! SSH (RFC 4253): version strings, the offer of algorithms and its fingerprint HASSH.

use md5::{Digest, Md5};

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::read::{Reader, be32, begins, text};
use crate::shape::check;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(92),
    name: "SSH",
    category: Category(12),
    tcp_ports: &[22],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"S\0"),
        server: Start::Bytes(b"S\0"),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// Metadata of an SSH connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ssh {
    /// Version string of the client, without the end of its line.
    pub client_version: Box<str>,
    /// Version string of the server.
    pub server_version: Box<str>,
    /// HASSH of the client, 32 hexadecimal digits; empty unless it is wanted.
    pub client_hassh: Box<str>,
    /// HASSH of the server.
    pub server_hassh: Box<str>,
}

/// Longest version string, its line end included (RFC 4253, section 4.2).
const MAX_VERSION: usize = 255;
/// Longest offer of algorithms that is read.
const MAX_OFFER: usize = 8192;
/// Message number of an offer.
const KEXINIT: u8 = 20;
/// Bytes of a packet before its message: length and length of the padding.
const PACKET_HEADER: usize = 5;

fn probe(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    match stream.first() {
        Some(0) => check(stream, is_offer),
        _ => begins(stream, b"SSH-"),
    }
}

/// Returns whether an offer of algorithms begins, of a connection of which the version strings
/// were missed.
fn is_offer(reader: &mut Reader<'_>) -> Option<bool> {
    if !(100..=35_000).contains(&reader.u32()?) || reader.u8()? < 4 || reader.u8()? != KEXINIT {
        return Some(false);
    }
    reader.take(16)?;
    let len = usize::try_from(reader.u32()?).ok()?;
    let names = reader.take(4)?;
    Some((4..4096).contains(&len) && names.iter().all(|byte| matches!(byte, b'-' | b'0'..=b'z')))
}

/// Progress in reading one end.
struct End<'a> {
    version: Option<&'a [u8]>,
    /// Encryption, MAC and compression of either direction, after the key exchange.
    offer: Option<Offer<'a>>,
    /// Bytes of the stream that are needed for more; `usize::MAX` if all was read.
    need: usize,
}

/// Lists of algorithms.
struct Offer<'a> {
    key_exchange: &'a [u8],
    /// By direction: from client to server, then back.
    encryption: [&'a [u8]; 2],
    mac: [&'a [u8]; 2],
    compression: [&'a [u8]; 2],
}

impl<'a> Offer<'a> {
    /// Reads a message of the number [`KEXINIT`].
    fn parse(message: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(message);
        if reader.u8()? != KEXINIT {
            return None;
        }
        reader.take(16)?;
        let mut list = || {
            let len = reader.u32()?;
            reader.take(usize::try_from(len).ok()?)
        };
        let key_exchange = list()?;
        let _host_key = list()?;
        Some(Self {
            key_exchange,
            encryption: [list()?, list()?],
            mac: [list()?, list()?],
            compression: [list()?, list()?],
        })
    }

    /// Returns the HASSH of the end that sends in a direction.
    fn hassh(&self, direction: usize) -> Box<str> {
        let mut hash = Md5::new();
        hash.update(self.key_exchange);
        for lists in [self.encryption, self.mac, self.compression] {
            hash.update(b";");
            hash.update(lists[direction]);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }
}

/// Reads the version, and the offer after it if fingerprints need it.
fn read(stream: &[u8], offers: bool) -> End<'_> {
    let none = |need| End { version: None, offer: None, need };
    if stream.first() == Some(&0) {
        // A packet, after the version.
        return none(usize::MAX);
    }
    let Some(end) = stream.iter().take(MAX_VERSION).position(|byte| *byte == b'\n') else {
        let long = stream.len() >= MAX_VERSION;
        return none(if long { usize::MAX } else { stream.len() + 1 });
    };
    let version = &stream[..end];
    let version = Some(version.strip_suffix(b"\r").unwrap_or(version));
    let start = end + 1;
    if !offers {
        return End { version, offer: None, need: usize::MAX };
    }
    let Some(len) = be32(stream, start).and_then(|len| usize::try_from(len).ok()) else {
        return End { version, offer: None, need: start + PACKET_HEADER };
    };
    let len = len.saturating_add(4);
    match stream.get(start..start.saturating_add(len)) {
        Some(packet) => {
            let offer = packet.get(PACKET_HEADER..).and_then(Offer::parse);
            End { version, offer, need: usize::MAX }
        }
        None if len <= MAX_OFFER => End { version, offer: None, need: start + len },
        None => End { version, offer: None, need: usize::MAX },
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let offers = finding.fingerprints.hassh;
    let [client, server] = [streams.client, streams.server].map(|stream| read(stream, offers));
    let ssh = finding.metadata().ssh.get_or_insert_default();
    ssh.client_version = client.version.map(text).unwrap_or_default();
    ssh.server_version = server.version.map(text).unwrap_or_default();
    if let Some(offer) = client.offer.filter(|_| ssh.client_hassh.is_empty()) {
        ssh.client_hassh = offer.hassh(0);
    }
    if let Some(offer) = server.offer.filter(|_| ssh.server_hassh.is_empty()) {
        ssh.server_hassh = offer.hassh(1);
    }
    match (client.need, server.need) {
        (usize::MAX, usize::MAX) => Need::Done,
        (client, server) => Need::Bytes { client, server },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissector::Fingerprints;
    use crate::protocols::testing;

    /// Packet of an offer with one list that differs by direction.
    fn offer() -> Vec<u8> {
        let lists = ["kex", "key", "enc-c", "enc-s", "mac-c", "mac-s", "zip-c", "zip-s", "", ""];
        let mut message = vec![KEXINIT];
        message.resize(17, 0);
        for list in lists {
            message.extend_from_slice(&u32::try_from(list.len()).unwrap().to_be_bytes());
            message.extend_from_slice(list.as_bytes());
        }
        message.extend_from_slice(&[0; 5]);
        let len = u32::try_from(message.len() + 1).unwrap().to_be_bytes();
        [&len[..], &[0], &message].concat()
    }

    fn md5(text: &str) -> String {
        Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_packet_is_no_version() {
        let end = read(&[0, 0, 4, 0x3c, b'\n', 20, 1, 2], true);
        assert!(end.version.is_none() && end.need == usize::MAX);
    }

    #[test]
    fn versions_match() {
        testing::assert_streams(&PROTOCOL, 2222, b"SSH-2.0-client\r\n", b"SSH-1.99-server\n");
        assert_eq!(testing::streams(&PROTOCOL, 22, b"SSX-2.0", b""), Verdict::No);
    }

    #[test]
    fn hassh_is_computed_where_it_is_wanted() {
        let client = [b"SSH-2.0-client\r\n", &offer()[..]].concat();
        let server = [b"SSH-2.0-server\r\n", &offer()[..]].concat();
        let found = |hassh| {
            let fingerprints = Fingerprints { hassh, ..Fingerprints::default() };
            let mut finding = Finding::default();
            finding.fingerprints = fingerprints;
            let found = testing::parse_streams(&PROTOCOL, 22, &client, &server, finding);
            *found.found_metadata().unwrap().ssh.clone().unwrap()
        };
        let versions = Ssh {
            client_version: "SSH-2.0-client".into(),
            server_version: "SSH-2.0-server".into(),
            ..Ssh::default()
        };
        assert_eq!(found(false), versions);
        let expected = Ssh {
            client_hassh: md5("kex;enc-c;mac-c;zip-c").into(),
            server_hassh: md5("kex;enc-s;mac-s;zip-s").into(),
            ..versions
        };
        assert_eq!(found(true), expected);
    }

    #[test]
    fn the_parser_waits_for_the_offer() {
        let client = [b"SSH-2.0-client\r\n", &offer()[..]].concat();
        assert_eq!(read(&client[..30], true).need, client.len());
        assert_eq!(read(&client, true).need, usize::MAX);
    }
}
