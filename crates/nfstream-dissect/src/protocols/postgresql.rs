//! PostgreSQL: the start of a session, by the documentation of its protocol.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::read::{Reader, be32, text};
use crate::shape::{c_string, check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(19),
    name: "PostgreSQL",
    category: Category(11),
    tcp_ports: &[5432],
    stream: Some(StreamRules {
        client: Start::Bytes(b"\0QPB"),
        server: Start::Bytes(b"RSNEvTCZ12n"),
        parse: Some(parse),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

/// Metadata of a PostgreSQL session before it is encrypted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Postgresql {
    /// Version of the server.
    pub server_version: Box<str>,
    /// Name that the client gives itself.
    pub application: Box<str>,
    /// Database that it opens.
    pub database: Box<str>,
    /// Name of the user; empty unless metadata that names persons is wanted.
    pub user: Box<str>,
}

const VERSION_2: u32 = 0x0002_0000;
const VERSION_3: u32 = 0x0003_0000;
const CANCEL: u32 = 80_877_102;
const TLS: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
/// Longest startup message.
const MAX_STARTUP: u32 = 10_000;
/// Bytes of the server's stream that are searched for its version.
const MAX_SERVER: usize = 2048;

/// Words with which queries begin.
const QUERIES: [&[u8]; 10] = [
    b"select ",
    b"insert ",
    b"update ",
    b"delete ",
    b"begin",
    b"commit",
    b"rollback",
    b"set ",
    b"show ",
    b"with ",
];

/// Returns whether a client asks something, of a session that has begun before: a query, or a
/// statement with a name to prepare. `None` if there are too few bytes.
fn is_question(reader: &mut Reader<'_>) -> Option<bool> {
    let kind = reader.u8()?;
    if !(8..1 << 20).contains(&reader.u32()?) {
        return Some(false);
    }
    if kind == b'P' {
        let name = reader.0.iter().take(64).position(|byte| *byte == 0);
        let Some(name) = name else {
            return (reader.0.len() >= 64).then_some(false);
        };
        reader.take(name + 1)?;
    }
    let question = reader.0.get(..7)?.to_ascii_lowercase();
    Some(QUERIES.iter().any(|query| question.starts_with(query)))
}

/// Returns whether two messages of a server follow each other, of a session that has begun before.
fn are_answers(reader: &mut Reader<'_>) -> Option<bool> {
    let Some(len) = answer(reader)?.filter(|len| *len <= MAX_SERVER) else { return Some(false) };
    reader.take(len)?;
    Some(answer(reader)?.is_some())
}

/// Reads type and length of a message of a server; returns the length of its body.
fn answer(reader: &mut Reader<'_>) -> Option<Option<usize>> {
    let kind = reader.u8()?;
    let len = reader.u32()?;
    let fits = match kind {
        // Parsed, bound, no data, closed and suspended.
        b'1' | b'2' | b'n' | b'3' | b's' | b'I' => len == 4,
        b'Z' => len == 5,
        // A command, a row and its description, a notice, an error, a parameter and its change.
        b'C' => (6..100).contains(&len),
        b'D' | b'T' | b't' => (6..1 << 20).contains(&len),
        b'N' | b'E' | b'S' | b'A' => (8..1 << 16).contains(&len),
        _ => false,
    };
    Some(fits.then(|| usize::try_from(len).ok()?.checked_sub(4)).flatten())
}

fn probe(streams: &Streams<'_>) -> Verdict {
    let begun = match streams.client.first() {
        Some(b'Q' | b'P') => check(streams.client, is_question),
        // Bound parameters say little by themselves.
        Some(b'B') => Verdict::from_more(streams.has_port(5432)),
        _ => Verdict::More,
    };
    let is_late = matches!(streams.server.first(), Some(b'T' | b'C' | b'Z' | b'1' | b'2' | b'n'));
    let answers = if is_late { check(streams.server, are_answers) } else { Verdict::More };
    if is_late || matches!(streams.client.first(), Some(b'Q' | b'P' | b'B')) {
        return either(begun, answers);
    }
    probe_start(streams)
}

fn probe_start(streams: &Streams<'_>) -> Verdict {
    let client = check(streams.client, |reader| {
        let len = reader.u32()?;
        if !(8..=MAX_STARTUP).contains(&len) {
            return Some(false);
        }
        match (reader.u32()?, len) {
            (CANCEL, 16..) | (TLS | GSS, 8) | (VERSION_2, 296) => Some(true),
            // Any minor version, and the name of the first parameter.
            (VERSION_3..=0x0003_ffff, _) => {
                let first = reader.u8()?;
                Some(first.is_ascii_lowercase() || first == b'_')
            }
            _ => Some(false),
        }
    });
    let server = check(streams.server, |reader| {
        match reader.u8()? {
            b'R' => {
                let len = reader.u32()?;
                let kind = reader.u32()?;
                Some((8..1024).contains(&len) && (kind <= 12))
            }
            // One byte grants encryption or declines it; TLS or a message follows.
            b'S' => Some(reader.u8()? == 0x16 && reader.u8()? == 3),
            b'N' => Some(matches!(reader.u8()?, b'R' | b'E' | b'v') && reader.u32()? < 4096),
            // An error: its fields begin with the severity.
            b'E' => Some((16..4096).contains(&reader.u32()?) && reader.u8()? == b'S'),
            // The server names a version that it prefers.
            _ => Some(reader.u32()? < 4096 && reader.u32()? <= VERSION_3 + 99),
        }
    });
    either(client, server)
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    // The startup message comes after the answer to the wish for encryption.
    let (begin, offset) = match be32(streams.client, 0).zip(be32(streams.client, 4)) {
        Some((8, TLS | GSS)) if streams.server.starts_with(b"N") => (8, 1),
        Some((8, TLS | GSS)) if streams.server.is_empty() => return Need::server(1),
        Some((_, CANCEL | TLS | GSS)) => return Need::Done,
        _ => (0, 0),
    };
    let startup = streams.client.get(begin..).unwrap_or_default();
    if begin > 0 && startup.len() < 8 {
        return Need::client(begin + 8);
    }
    let personal = finding.personal;
    let postgresql = finding.metadata().postgresql.get_or_insert_default();
    let mut reader = Reader(startup.get(8..).unwrap_or_default());
    for (name, value) in std::iter::from_fn(|| parameter(&mut reader)).take(16) {
        match name {
            b"database" => postgresql.database = text(value),
            b"application_name" => postgresql.application = text(value),
            b"user" if personal => postgresql.user = text(value),
            _ => {}
        }
    }
    let searched = &streams.server[..streams.server.len().min(MAX_SERVER)];
    let version = server_version(searched.get(offset..).unwrap_or_default());
    postgresql.server_version = version.map(text).unwrap_or_default();
    let client = startup_end(startup).map(|end| begin + end);
    let server = version.is_none() && searched.len() < MAX_SERVER;
    let server = server.then_some(searched.len() + 1);
    match (client, server) {
        (None, None) => Need::Done,
        _ => Need::Bytes {
            client: client.unwrap_or(usize::MAX),
            server: server.unwrap_or(usize::MAX),
        },
    }
}

/// Returns the length of a startup message that is incomplete, as far as it is known.
fn startup_end(startup: &[u8]) -> Option<usize> {
    let len = match be32(startup, 0) {
        Some(len @ 8..=MAX_STARTUP) => usize::try_from(len).ok()?,
        // The capture may lack it, as may that of a session that has begun before.
        Some(_) => return None,
        None if startup.is_empty() => return None,
        None => 8,
    };
    (startup.len() < len).then_some(len)
}

/// Returns the version that a server's messages name.
fn server_version(messages: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(messages);
    let mut messages = std::iter::from_fn(|| message(&mut reader));
    let version = messages.find_map(|message| message.strip_prefix(b"server_version\0"))?;
    Some(version.strip_suffix(b"\0").unwrap_or(version))
}

/// Reads name and value; `None` after the last.
fn parameter<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let name = c_string(reader).filter(|name| !name.is_empty())?;
    Some((name, c_string(reader)?))
}

/// Reads what a message carries.
fn message<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    reader.u8()?;
    let len = usize::try_from(reader.u32()?).ok()?.checked_sub(4)?;
    reader.take(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::TCP;
    use crate::protocols::testing::{assert_streams, endpoints, streams};

    const STARTUP: &[u8] = b"\0\0\0\x22\0\x03\0\0user\0alice\0database\0shop\0\0";
    const READY: &[u8] = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\x0016.1\0";

    #[test]
    fn sessions_begin_with_a_version_or_a_wish() {
        assert_streams(&PROTOCOL, 5433, STARTUP, b"");
        assert_streams(&PROTOCOL, 5433, b"\0\0\0\x08\x04\xd2\x16\x2f", b"S");
        assert_streams(&PROTOCOL, 5433, b"", READY);
        assert_streams(&PROTOCOL, 5433, b"", b"S\x16\x03\x03");
        assert_streams(&PROTOCOL, 5433, b"", &[b"N", READY].concat());
        assert_eq!(streams(&PROTOCOL, 5433, b"", b"SSH-2.0-x\r\n"), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 5433, b"\0\0\0\x08\x04\xd2\x16\x30", b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 5433, b"\0\0\0\x09\x04\xd2\x16\x2f", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 5433, b"", b"R\0\0\x10\0\0\0\0\0"), Verdict::No);
    }

    #[test]
    fn parameters_of_both_ends_are_read() {
        let endpoints = endpoints(TCP, 5432);
        let client = [&b"\0\0\0\x08\x04\xd2\x16\x2f"[..], STARTUP].concat();
        let server = [&b"N"[..], READY].concat();
        let streams =
            Streams { endpoints: &endpoints, client: &client, server: &server, swapped: false };
        let mut finding = Finding::default();
        assert_eq!(parse(&streams, &mut finding), Need::Done);
        let found = finding.found_metadata().unwrap().postgresql.as_deref().unwrap();
        assert_eq!((&*found.database, &*found.server_version), ("shop", "16.1"));
        assert_eq!(&*found.user, "");
    }

    #[test]
    fn a_startup_message_may_come_in_pieces() {
        let endpoints = endpoints(TCP, 5432);
        let wish = b"\0\0\0\x08\x04\xd2\x16\x2f";
        for (before, answer) in [(&b""[..], &b""[..]), (wish, b"N")] {
            let client = [before, STARTUP].concat();
            let parse = |client: &[u8], server: &[u8]| {
                let mut finding = Finding::default();
                let streams = Streams { endpoints: &endpoints, client, server, swapped: false };
                let need = parse(&streams, &mut finding);
                let found = finding.found_metadata().unwrap().postgresql.clone().unwrap();
                (need, found.database)
            };
            for len in before.len() + 8..client.len() {
                let (need, _) = parse(&client[..len], answer);
                assert_eq!(need, Need::Bytes { client: client.len(), server: answer.len() + 1 });
            }
            let (need, database) = parse(&client, answer);
            assert_eq!((need, &*database), (Need::server(answer.len() + 1), "shop"));
        }
    }
}
