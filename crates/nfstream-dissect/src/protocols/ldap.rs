//! LDAP (RFC 4511) over TCP with its upgrade to TLS, and over UDP (CLDAP).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Need, Protocol, Start, StreamRules};
use crate::protocols::ber::{self, Header, INTEGER, OCTETS, SEQUENCE};
use crate::protocols::starttls;
use crate::read::{Reader, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(112),
    name: "LDAP",
    category: Category(18),
    tcp_ports: &[389, 3268],
    udp_ports: &[389],
    stream: Some(StreamRules {
        probe: probe_stream,
        client: Start::Bytes(&[SEQUENCE]),
        server: Start::Bytes(&[SEQUENCE]),
        parse: Some(parse_stream),
    }),
    datagram: Some(DatagramRules {
        probe,
        start: Start::Bytes(&[SEQUENCE]),
        parse: DatagramParser::Each(parse_datagram),
    }),
    ..Protocol::NEW
};

/// Metadata of LDAP messages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ldap {
    /// Whether the session was upgraded to TLS.
    pub starttls: bool,
    /// Base object of the first search.
    pub base: Box<str>,
    /// Name with which the client binds; only if personal data is wanted.
    pub bind_name: Box<str>,
}

const BIND_REQUEST: u8 = 0x60;
const SEARCH_REQUEST: u8 = 0x63;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
/// Object identifier of StartTLS (RFC 4511, section 4.14).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// Bytes of a session that are read.
const MAX_BYTES: usize = 4096;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(probe_message(datagram.payload) == Verdict::Match)
}

fn probe_stream(streams: &Streams<'_>) -> Verdict {
    probe_message(if streams.client.is_empty() { streams.server } else { streams.client })
}

/// Returns the length of the contents of an element with a tag, and what there is of them.
fn enter(bytes: &[u8], tag: u8) -> Result<(usize, &[u8]), Verdict> {
    if bytes.first().is_some_and(|found| *found != tag) {
        return Err(Verdict::No);
    }
    match ber::header(bytes) {
        Header::Whole { header, len, .. } => Ok((len, bytes.get(header..).unwrap_or_default())),
        Header::Short => Err(Verdict::More),
        Header::Invalid => Err(Verdict::No),
    }
}

/// A sequence of a number and an operation.
fn probe_message(message: &[u8]) -> Verdict {
    probe_fields(message).unwrap_or_else(|verdict| verdict)
}

fn probe_fields(message: &[u8]) -> Result<Verdict, Verdict> {
    let (whole, rest) = enter(message, SEQUENCE)?;
    let (len, rest) = enter(rest, INTEGER)?;
    if !(5..=1 << 24).contains(&whole) || !(1..=4).contains(&len) {
        return Err(Verdict::No);
    }
    let (id, rest) = rest.split_at_checked(len).ok_or(Verdict::More)?;
    // Numbers of messages are not negative.
    if id.first().is_some_and(|byte| *byte >= 0x80) {
        return Err(Verdict::No);
    }
    let left = whole.checked_sub(2 + len).ok_or(Verdict::No)?;
    Ok(probe_operation(rest, left))
}

fn probe_operation(rest: &[u8], left: usize) -> Verdict {
    let Some(&operation) = rest.first() else { return Verdict::More };
    let known = matches!(operation, 0x60 | 0x61 | 0x63..=0x69 | 0x6b..=0x6f | 0x73 | 0x77..=0x79);
    // Unbind, delete and abandon hold no other elements.
    match (operation, ber::header(rest)) {
        _ if !known && !matches!(operation, 0x42 | 0x4a | 0x50) => Verdict::No,
        (_, Header::Short) => Verdict::More,
        (0x42, Header::Whole { len, .. }) => Verdict::from_match(len == 0),
        (_, Header::Whole { header, len, .. }) => {
            if header + len > left {
                return Verdict::No;
            }
            match (operation, rest.get(header)) {
                (_, None) => Verdict::More,
                (BIND_REQUEST, Some(first)) => Verdict::from_match(*first == INTEGER),
                (SEARCH_REQUEST | 0x64 | 0x66 | 0x68, Some(first)) => {
                    Verdict::from_match(*first == OCTETS)
                }
                (0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78, Some(first)) => {
                    Verdict::from_match(*first == 10)
                }
                (EXTENDED_REQUEST | 0x79, Some(first)) => {
                    Verdict::from_match(matches!(first, 0x80 | 0x81))
                }
                _ => Verdict::Match,
            }
        }
        _ => Verdict::No,
    }
}

fn parse_datagram(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    read_client(datagram.payload, finding);
    Progress::Done
}

/// Reads requests up to the first search; returns the offset after one for TLS.
fn read_client(stream: &[u8], finding: &mut Finding) -> Option<usize> {
    let personal = finding.personal;
    let mut messages = Reader(stream);
    while let Some(message) = ber::expect(&mut messages, SEQUENCE) {
        let mut reader = Reader(message);
        ber::integer(&mut reader)?;
        let (operation, contents) = ber::element(&mut reader)?;
        let mut fields = Reader(contents);
        match operation {
            BIND_REQUEST if personal => {
                ber::integer(&mut fields)?;
                let name = ber::expect(&mut fields, OCTETS)?;
                finding.metadata().ldap.get_or_insert_default().bind_name = text(name);
            }
            SEARCH_REQUEST => {
                let base = ber::expect(&mut fields, OCTETS)?;
                finding.metadata().ldap.get_or_insert_default().base = text(base);
                return None;
            }
            EXTENDED_REQUEST if ber::expect(&mut fields, 0x80) == Some(START_TLS) => {
                return Some(stream.len() - messages.0.len());
            }
            _ => {}
        }
    }
    None
}

/// Returns the offset after the response that accepts TLS.
fn accepted(stream: &[u8]) -> Option<usize> {
    let mut messages = Reader(stream);
    while let Some(message) = ber::expect(&mut messages, SEQUENCE) {
        let mut reader = Reader(message);
        ber::integer(&mut reader)?;
        let (operation, contents) = ber::element(&mut reader)?;
        if operation == EXTENDED_RESPONSE && contents.starts_with(&[10, 1, 0]) {
            return Some(stream.len() - messages.0.len());
        }
    }
    None
}

fn parse_stream(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    if let Some(client) = read_client(streams.client, finding)
        && let Some(server) = accepted(streams.server)
    {
        finding.metadata().ldap.get_or_insert_default().starttls = true;
        return starttls::follow(streams, [client, server], PROTOCOL.id, finding);
    }
    Need::further(streams, MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    const BIND: &[u8] = b"\x30\x0e\x02\x01\x01\x60\x09\x02\x01\x03\x04\x02cn\x80\x00";

    #[test]
    fn requests_and_responses_match() {
        testing::assert_streams(
            &PROTOCOL,
            1389,
            BIND,
            b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0",
        );
        assert_eq!(testing::datagram(&PROTOCOL, 389, BIND), Verdict::Match);
        testing::assert_streams(&PROTOCOL, 389, b"\x30\x05\x02\x01\x03\x42\x00", b"");
    }

    #[test]
    fn neighbours_do_not_match() {
        for message in [
            // SNMP.
            &b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19"[..],
            b"\x30\x0c\x02\x01\x01\x60\x70\x02\x01\x03",
            b"\x30\x80\x02",
        ] {
            assert_eq!(testing::streams(&PROTOCOL, 389, message, b""), Verdict::No);
        }
    }

    #[test]
    fn an_upgrade_to_tls_is_followed() {
        let client = [b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16", START_TLS, testing::HELLO];
        let server = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0";
        let found =
            testing::parse_streams(&PROTOCOL, 389, &client.concat(), server, Finding::default());
        assert!(found.found_metadata().unwrap().ldap.as_ref().unwrap().starttls);
    }

    #[test]
    fn names_of_users_are_personal() {
        for (personal, name) in [(false, None), (true, Some("cn"))] {
            let finding = testing::finding(personal);
            let found = testing::parse_streams(&PROTOCOL, 389, BIND, b"", finding);
            let ldap = found.found_metadata().and_then(|metadata| metadata.ldap.clone());
            assert_eq!(ldap.as_ref().map(|ldap| &*ldap.bind_name), name);
        }
    }
}
