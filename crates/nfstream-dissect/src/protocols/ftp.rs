//! FTP (RFC 959, RFC 2428), its upgrade to TLS (RFC 4217) and the data flows that it announces.

use std::net::{IpAddr, Ipv4Addr};

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::metadata::Announced;
use crate::packet::TCP;
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::lines::{
    begins_command, begins_reply, begins_text, first_line, lines, mentions,
};
use crate::protocols::starttls;
use crate::protocols::tls::carried::FTPS;
use crate::read::{line, text};
use crate::stream::MAX_BYTES;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(1),
    name: "FTP_CONTROL",
    category: Category(7),
    tcp_ports: &[21],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"UuAaFfSsOoPpEeTtMm"),
        server: Start::Bytes(b"123"),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// Data of a transfer, known by what its control flow announces.
pub(crate) const DATA: Protocol = Protocol {
    id: ProtocolId(175),
    name: "FTP_DATA",
    category: Category(7),
    tcp_ports: &[20],
    ..Protocol::NEW
};

/// Metadata of an FTP control connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ftp {
    /// First line of the server.
    pub greeting: Box<str>,
    /// Whether the session was upgraded to TLS.
    pub starttls: bool,
    /// User who logs in; only if personal data is wanted.
    pub user: Box<str>,
}

/// Commands that no other protocol has.
const COMMANDS: &[&str] = &[
    "FEAT",
    "SYST",
    "OPTS UTF8",
    "AUTH TLS",
    "AUTH SSL",
    "PBSZ",
    "PASV",
    "EPSV",
    "TYPE I",
    "TYPE A",
    "MLSD",
    "MDTM",
];
/// Replies of a session that has begun before.
const REPLIES: &[&str] = &[
    "227 Entering ",
    "229 Entering ",
    "150 Opening ",
    "150 Here comes ",
    "226 Transfer ",
    "331 Please specify the password",
    "331 Password required",
];

fn probe(streams: &Streams<'_>) -> Verdict {
    if streams.client.is_empty() {
        return probe_greeting(streams);
    }
    match begins_command(streams.client, COMMANDS) {
        Verdict::No => match begins_command(streams.client, &["USER"]) {
            Verdict::Match if streams.has_port(21) => Verdict::Match,
            Verdict::Match if asks_of_ftp(streams.client) => Verdict::Match,
            // POP3 has USER, too: the server decides.
            Verdict::Match if streams.server.is_empty() => Verdict::More,
            Verdict::Match => {
                begins_reply(streams.server, b"220").or(begins_reply(streams.server, b"331"))
            }
            verdict => verdict,
        },
        verdict => verdict,
    }
}

/// Returns whether a login is followed by a command that only FTP has.
fn asks_of_ftp(stream: &[u8]) -> bool {
    let mut ends = lines(stream).take(4).map(|line| line.next);
    ends.any(|end| begins_command(&stream[end..], COMMANDS) == Verdict::Match)
}

fn probe_greeting(streams: &Streams<'_>) -> Verdict {
    match begins_text(streams.server, REPLIES) {
        Verdict::No => {}
        verdict => return verdict,
    }
    match begins_reply(streams.server, b"220") {
        Verdict::Match => match first_line(streams.server, 1024) {
            Ok(greeting) if mentions(greeting, "SMTP") => Verdict::No,
            Ok(greeting) if mentions(greeting, "FTP") => Verdict::Match,
            Ok(_) if streams.has_port(21) => Verdict::Match,
            // The client decides.
            Ok(_) => Verdict::More,
            Err(verdict) => verdict,
        },
        verdict => verdict,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let personal = finding.personal;
    let metadata = finding.metadata();
    let greeting = line(streams.server).map(text).unwrap_or_default();
    metadata.ftp.get_or_insert_default().greeting = greeting;
    let mut upgrade = None;
    for command in lines(streams.client) {
        if let Some(user) = command.argument("USER").filter(|_| personal) {
            metadata.ftp.get_or_insert_default().user = text(user);
        }
        let end = match (command.argument("PORT"), command.argument("EPRT")) {
            (Some(value), _) => port_of_six(value),
            (_, Some(value)) => port_of_bars(value),
            _ => None,
        };
        announce(metadata, end);
        if command.argument("AUTH").is_some_and(|kind| {
            kind.eq_ignore_ascii_case(b"TLS") || kind.eq_ignore_ascii_case(b"SSL")
        }) {
            upgrade = Some(command.next);
            break;
        }
    }
    let server_address = streams.server_address();
    for reply in lines(streams.server) {
        let end = match reply.text {
            [b'2', b'2', b'7', value @ ..] => {
                let end = inside(value).and_then(port_of_six);
                // A server behind a NAT may give its internal address.
                if let Some((IpAddr::V4(address), port)) = end
                    && address.is_private()
                {
                    announce(metadata, Some((server_address, port)));
                }
                end
            }
            [b'2', b'2', b'9', value @ ..] => inside(value)
                .and_then(|value| number(value.strip_prefix(b"|||")?.strip_suffix(b"|")?))
                .map(|port| (server_address, port)),
            _ => None,
        };
        announce(metadata, end);
        if let (Some(client), [b'2', b'3', b'4', ..]) = (upgrade, reply.text) {
            metadata.ftp.get_or_insert_default().starttls = true;
            return starttls::follow(streams, [client, reply.next], FTPS.id, finding);
        }
    }
    Need::further(streams, MAX_BYTES)
}

fn announce(metadata: &mut crate::metadata::Metadata, end: Option<(IpAddr, u16)>) {
    if let Some((address, port)) = end {
        metadata.announce(Announced { address, port, transport: TCP, application: DATA.id });
    }
}

/// Returns what stands between the first parentheses.
fn inside(line: &[u8]) -> Option<&[u8]> {
    let start = line.iter().position(|byte| *byte == b'(')? + 1;
    let end = line.iter().position(|byte| *byte == b')')?;
    line.get(start..end)
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

/// Reads `192,0,2,1,195,80`: an address and the two bytes of a port.
fn port_of_six(value: &[u8]) -> Option<(IpAddr, u16)> {
    let mut bytes = [0; 6];
    let mut numbers = value.split(|byte| *byte == b',');
    for byte in &mut bytes {
        *byte = number(numbers.next()?)?;
    }
    let [a, b, c, d, high, low] = bytes;
    Some((Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low])))
}

/// Reads `|2|2001:db8::1|50000|`.
fn port_of_bars(value: &[u8]) -> Option<(IpAddr, u16)> {
    let bar = value.first()?;
    let mut fields = value.split(|byte| byte == bar).skip(2);
    Some((number(fields.next()?)?, number(fields.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn greetings_and_commands_match() {
        testing::assert_streams(&PROTOCOL, 2121, b"", b"220 (vsFTPd 3.0.5)\r\n");
        testing::assert_streams(&PROTOCOL, 21, b"", b"220 Welcome\r\n");
        testing::assert_streams(&PROTOCOL, 2121, b"AUTH TLS\r\n", b"");
        testing::assert_streams(&PROTOCOL, 2121, b"USER me\r\n", b"220 hello\r\n");
        assert_eq!(testing::streams(&PROTOCOL, 21, b"", b"220 mx ESMTP\r\n"), Verdict::No);
        assert_eq!(testing::streams(&PROTOCOL, 21, b"", b"200 hello\r\n"), Verdict::No);
    }

    #[test]
    fn data_flows_are_announced() {
        let client = b"USER me\r\nPORT 192,0,2,1,195,80\r\nEPRT |2|2001:db8::1|50001|\r\n";
        let server = b"220 FTP\r\n227 Entering Passive Mode (192,0,2,9,4,1).\r\n\
            229 Entering Extended Passive Mode (|||6446|)\r\n";
        let found = testing::parse_streams(&PROTOCOL, 21, client, server, Finding::default());
        let metadata = found.found_metadata().unwrap();
        let ends: Vec<_> = metadata.announced.iter().map(|a| (a.address, a.port)).collect();
        let end = |address: &str, port| (address.parse::<IpAddr>().unwrap(), port);
        let expected = [
            end("192.0.2.1", 50_000),
            end("2001:db8::1", 50_001),
            end("192.0.2.9", 1025),
            end("192.0.2.2", 6446),
        ];
        assert_eq!(ends, expected);
        assert_eq!(&*metadata.ftp.as_ref().unwrap().user, "");
    }

    #[test]
    fn an_upgrade_to_tls_is_followed() {
        let client = [b"AUTH TLS\r\n", testing::HELLO].concat();
        let server = b"220 FTP\r\n234 go\r\n";
        let found = testing::parse_streams(&PROTOCOL, 21, &client, server, Finding::default());
        assert_eq!(found.master(), Some(FTPS.id));
    }
}
