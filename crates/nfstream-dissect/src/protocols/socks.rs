//! SOCKS versions 4, 4A and 5 (RFC 1928, RFC 1929).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::read::{Reader, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(172),
    name: "SOCKS",
    category: Category(5),
    tcp_ports: &[1080],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(&[4, 5]),
        server: Start::Bytes(&[0, 5]),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// Metadata of a client of a SOCKS proxy.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Socks {
    /// Version: 4 or 5.
    pub version: u8,
    /// Host or address to which the client wants to connect.
    pub destination: Box<str>,
    /// Port to which the client wants to connect.
    pub port: u16,
    /// User; only if personal data is wanted.
    pub user: Box<str>,
}

const MAX_BYTES: usize = 1024;

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual = streams.has_port(1080);
    match (streams.client, streams.server) {
        ([5, count, rest @ ..], server) => probe_5(usize::from(*count), rest, server, usual),
        ([4, rest @ ..], server) => probe_4(rest, server, usual),
        ([], [5, 0 | 2] | [0, 0x5a..=0x5d, _, _, _, _, _, _]) if usual => Verdict::Match,
        ([], [] | [5] | [5, _] | [0]) => Verdict::More,
        ([], [0, 0x5a..=0x5d, rest @ ..]) if rest.len() <= 6 => Verdict::More,
        ([5], _) => Verdict::More,
        _ => Verdict::No,
    }
}

/// Methods that the client offers, then the one that the server takes.
fn probe_5(count: usize, rest: &[u8], server: &[u8], usual: bool) -> Verdict {
    let methods = &rest[..rest.len().min(count)];
    let known = methods.iter().all(|method| matches!(method, 0..=3 | 5..=9 | 0x80..=0xfe));
    if !(1..=16).contains(&count) || !known {
        return Verdict::No;
    }
    match (server, &rest[methods.len()..]) {
        _ if methods.len() < count => Verdict::More,
        ([5, method, ..], _) => Verdict::from_match(methods.contains(method) || *method == 0xff),
        ([_, ..], _) if server != [5] => Verdict::No,
        // A client that does not wait for the answer.
        (_, [5, 1..=3, 0, 1 | 3 | 4, ..]) => Verdict::Match,
        (_, []) if usual => Verdict::Match,
        (_, []) => Verdict::More,
        // A name and password may come first.
        (_, later) if later.len() < 4 && matches!(later, [5, ..] | [1, ..]) => Verdict::More,
        (_, [1, ..]) if methods.contains(&2) => Verdict::More,
        _ => Verdict::No,
    }
}

/// A command, a port, an address and a user; then eight bytes of the server.
fn probe_4(rest: &[u8], server: &[u8], usual: bool) -> Verdict {
    let valid_command = rest.first().is_none_or(|command| matches!(command, 1 | 2));
    let user = rest.get(7..).unwrap_or_default();
    let printable = user.split(|byte| *byte == 0).next().unwrap_or_default();
    if !valid_command
        || !printable.iter().all(|byte| (b' '..=b'~').contains(byte))
        || printable.len() > 255
    {
        return Verdict::No;
    }
    let whole = user.contains(&0);
    match server {
        [0, 0x5a..=0x5d, ..] if whole => Verdict::Match,
        [] | [0] if whole && usual => Verdict::Match,
        [] | [0] if rest.len() < MAX_BYTES => Verdict::More,
        _ => Verdict::No,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let read = match streams.client.first() {
        Some(4) => read_4(streams.client, finding),
        Some(5) => read_5(streams.client, finding),
        _ => return Need::Done,
    };
    if read.is_some() || streams.client.len() >= MAX_BYTES {
        return Need::Done;
    }
    Need::client(streams.client.len() + 1)
}

fn read_4(client: &[u8], finding: &mut Finding) -> Option<()> {
    let mut reader = Reader(client);
    let version = reader.u8()?;
    reader.u8()?;
    let port = reader.u16()?;
    let address = reader.u32()?;
    let mut words = reader.0.split(|byte| *byte == 0);
    let user = words.next()?;
    // Version 4A: an address that cannot be one, and a name after the user.
    let destination = if (1..=255).contains(&address) {
        let name = words.next()?;
        words.next()?;
        text(name)
    } else {
        words.next()?;
        Ipv4Addr::from(address).to_string().into()
    };
    let user = if finding.personal { text(user) } else { Box::default() };
    set(Socks { version, destination, port, user }, finding);
    Some(())
}

fn read_5(client: &[u8], finding: &mut Finding) -> Option<()> {
    let mut reader = Reader(client);
    let version = reader.u8()?;
    reader.vector8()?;
    let mut user = Box::default();
    if reader.0.first() == Some(&1) {
        reader.u8()?;
        let name = reader.vector8()?;
        reader.vector8()?;
        if finding.personal {
            user = text(name);
        }
    }
    reader.take(3)?;
    let destination = match reader.u8()? {
        1 => Ipv4Addr::from(reader.u32()?).to_string().into(),
        3 => text(reader.vector8()?),
        4 => Ipv6Addr::from(<[u8; 16]>::try_from(reader.take(16)?).ok()?).to_string().into(),
        _ => Box::default(),
    };
    let port = reader.u16()?;
    set(Socks { version, destination, port, user }, finding);
    Some(())
}

fn set(socks: Socks, finding: &mut Finding) {
    let metadata = finding.metadata();
    metadata.host = socks.destination.clone();
    metadata.socks = Some(Box::new(socks));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn both_versions_match_with_an_answer_or_their_port() {
        testing::assert_streams(&PROTOCOL, 1080, b"\x05\x02\0\x02", b"");
        testing::assert_streams(&PROTOCOL, 9050, b"\x05\x01\0", b"\x05\0");
        testing::assert_streams(&PROTOCOL, 9050, b"\x05\x01\0\x05\x01\0\x03", b"");
        testing::assert_streams(&PROTOCOL, 1080, b"\x04\x01\0\x50\xc0\0\x02\x01me\0", b"");
        let answer = b"\0\x5a\0\0\0\0\0\0";
        let client = b"\x04\x01\0\x50\xc0\0\x02\x01\0";
        assert_eq!(testing::streams(&PROTOCOL, 9050, client, answer), Verdict::Match);
    }

    #[test]
    fn neighbours_do_not_match() {
        // DCE/RPC, an unknown method, an answer that was not offered.
        for (client, server) in [
            (&b"\x05\0\x0b\x03\x10\0\0\0"[..], &b""[..]),
            (b"\x05\x01\x55", b""),
            (b"\x05\x01\0", b"\x05\x02"),
            (b"\x04\x09\0\0", b""),
        ] {
            assert_eq!(testing::streams(&PROTOCOL, 1080, client, server), Verdict::No);
        }
    }

    #[test]
    fn destinations_are_read() {
        for (client, destination) in [
            (
                &b"\x05\x01\x02\x01\x02me\x02pw\x05\x01\0\x03\x0bexample.com\x01\xbb"[..],
                "example.com",
            ),
            (b"\x05\x01\0\x05\x01\0\x01\xc0\0\x02\x01\x01\xbb", "192.0.2.1"),
            (b"\x04\x01\x01\xbb\0\0\0\x01me\0example.com\0", "example.com"),
            (b"\x04\x01\x01\xbb\xc0\0\x02\x01\0", "192.0.2.1"),
        ] {
            let found = testing::parse_streams(&PROTOCOL, 1080, client, b"", Finding::default());
            let metadata = found.found_metadata().unwrap();
            assert_eq!(&*metadata.host, destination);
            let socks = metadata.socks.as_ref().unwrap();
            assert_eq!((socks.port, &*socks.user), (443, ""));
        }
    }
}
