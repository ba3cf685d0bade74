//! MySQL and MariaDB: the greeting of the server and the answer of the client.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, StreamRules};
use crate::read::{Reader, text};
use crate::shape::{c_string, check, either, may_be_c_string};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(20),
    name: "MySQL",
    category: Category(11),
    tcp_ports: &[3306],
    stream: Some(StreamRules { parse: Some(parse), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

/// Metadata of a MySQL connection before it is encrypted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mysql {
    /// Version of the server, such as `8.0.36`.
    pub server_version: Box<str>,
    /// Name of the user; empty unless metadata that names persons is wanted.
    pub user: Box<str>,
}

/// Longest packet of a handshake.
const MAX_LEN: u32 = 1024;
/// Bytes of the client's stream that may hold the user.
const MAX_LOGIN: usize = 256;
const PROTOCOL_41: u32 = 0x0200;

fn probe(streams: &Streams<'_>) -> Verdict {
    either(check(streams.client, login), check(streams.server, greeting))
}

/// Checks the header, the version of the protocol and the text of the server's version.
fn greeting(reader: &mut Reader<'_>) -> Option<bool> {
    let len = header(reader, 0)?;
    let first = match len {
        Some(len) if len >= 6 => reader.u8()?,
        _ => return Some(false),
    };
    if first == 0xff {
        // Errors that come in place of a greeting: too many connections, or an unwelcome host.
        return Some((1000..2200).contains(&reader.le16()?) && matches!(reader.u8()?, b' '..=b'~'));
    }
    let digit = |byte: &u8| byte.is_ascii_digit();
    if !matches!(first, 9 | 10)
        || !may_be_c_string(reader.0, 128)
        || !reader.0.first().is_none_or(digit)
    {
        return Some(false);
    }
    let version = c_string(reader)?;
    Some(version.contains(&b'.') && len.is_some_and(|len| version.len() + 14 <= len))
}

/// Checks the answer to a greeting, or the request for TLS in its place.
fn login(reader: &mut Reader<'_>) -> Option<bool> {
    let Some(len) = header(reader, 1)? else { return Some(false) };
    let capabilities = reader.le32()?;
    let max_packet = reader.le32()?;
    reader.u8()?;
    // MariaDB uses the last four of 23 reserved bytes.
    let reserved = reader.0.iter().take(19).all(|byte| *byte == 0);
    let fits = len >= 32 && capabilities & PROTOCOL_41 != 0 && max_packet <= 1 << 30;
    Some(fits && reserved && reader.take(23)?.len() == 23)
}

/// Reads length and number of a packet: `None` inside if they are not those of a handshake.
fn header(reader: &mut Reader<'_>, number: u8) -> Option<Option<usize>> {
    let len = reader.u24()?.swap_bytes() >> 8;
    if !(1..=MAX_LEN).contains(&len) || reader.u8()? != number {
        return Some(None);
    }
    Some(usize::try_from(len).ok())
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let version = server_version(streams.server);
    let login = &streams.client[..streams.client.len().min(MAX_LOGIN)];
    let user = user(login);
    let personal = finding.personal;
    if version.is_some() || user.is_some() && personal {
        let mysql = finding.metadata().mysql.get_or_insert_default();
        mysql.server_version = version.map(text).unwrap_or_default();
        mysql.user = user.filter(|_| personal).map(text).unwrap_or_default();
    }
    if !login.is_empty() && (user.is_some() || !personal) || login.len() == MAX_LOGIN {
        return Need::Done;
    }
    Need::client(login.len() + 1)
}

fn server_version(stream: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(stream);
    reader.u32()?;
    if !matches!(reader.u8()?, 9 | 10) {
        return None;
    }
    c_string(&mut reader)
}

fn user(stream: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(stream);
    reader.take(4 + 32)?;
    c_string(&mut reader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::TCP;
    use crate::protocols::testing::{assert_streams, endpoints, streams};

    const GREETING: &[u8] = b"\x4a\0\0\0\x0a8.0.36\0\x0c\0\0\x0031tugx_#\0\xff\xff\xff\x02\0";

    fn login() -> Vec<u8> {
        [&b"\x50\0\0\x01\x85\xae\xff\x19\0\0\0\x01\xff"[..], &[0; 23], b"admin\0"].concat()
    }

    #[test]
    fn either_end_is_enough() {
        assert_streams(&PROTOCOL, 3307, b"", GREETING);
        assert_streams(&PROTOCOL, 3307, &login(), b"");
        assert_streams(&PROTOCOL, 3307, b"", b"\x45\0\0\0\xff\x6a\x04Host");
    }

    #[test]
    fn other_numbers_are_not_mysql() {
        assert_eq!(streams(&PROTOCOL, 3306, b"", b"\x4a\0\0\x01\x0a8.0\0"), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 3306, b"", b"\x4a\0\0\0\x0bx"), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 3306, b"", b"\x4a\0\0\0\x0a8\x01"), Verdict::No);
    }

    #[test]
    fn versions_are_read_and_users_only_if_wanted() {
        let endpoints = endpoints(TCP, 3306);
        let login = login();
        let streams =
            Streams { endpoints: &endpoints, client: &login, server: GREETING, swapped: false };
        let mut finding = Finding::default();
        assert_eq!(parse(&streams, &mut finding), Need::Done);
        let mysql = finding.found_metadata().unwrap().mysql.as_deref().unwrap();
        assert_eq!((&*mysql.server_version, &*mysql.user), ("8.0.36", ""));
        let mut finding = Finding::default();
        finding.personal = true;
        parse(&streams, &mut finding);
        let mysql = finding.found_metadata().unwrap().mysql.as_deref().unwrap();
        assert_eq!(&*mysql.user, "admin");
    }

    #[test]
    fn a_user_after_a_long_login_is_not_read_in_any_segments() {
        let endpoints = endpoints(TCP, 3306);
        let mut login = login();
        login.truncate(login.len() - 1);
        login.extend([b'x'; 300]);
        login.push(0);
        for len in [login.len(), 256, 200] {
            let streams = Streams {
                endpoints: &endpoints,
                client: &login[..len],
                server: b"",
                swapped: false,
            };
            let mut finding = Finding::default();
            finding.personal = true;
            let need = parse(&streams, &mut finding);
            assert_eq!(need == Need::Done, len >= 256, "{len} bytes");
            assert!(finding.found_metadata().is_none_or(|found| found.mysql.is_none()));
        }
    }
}
