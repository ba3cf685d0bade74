//! Kerberos version 5 (RFC 4120) over UDP and TCP.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Need, Protocol, Start, StreamRules};
use crate::protocols::ber::{self, Header, SEQUENCE};
use crate::read::{Reader, be32, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(111),
    name: "Kerberos",
    category: Category(14),
    tcp_ports: &[88, 749, 888],
    udp_ports: &[88],
    stream: Some(StreamRules {
        probe: probe_stream,
        client: Start::Bytes(&[0]),
        server: Start::Bytes(&[0]),
        parse: Some(parse_stream),
    }),
    datagram: Some(DatagramRules {
        probe,
        start: Start::Range(0x6a, 0x7e),
        parse: DatagramParser::Each(parse_datagram),
    }),
    ..Protocol::NEW
};

/// Metadata of Kerberos messages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Kerberos {
    /// Type of the latest message (10 for a request to the authentication service).
    pub message_type: u8,
    /// Error code of the server.
    pub error_code: Option<u32>,
    /// Principal of the client; only if personal data is wanted.
    pub client: Box<str>,
    /// Realm; only if personal data is wanted.
    pub realm: Box<str>,
    /// Principal of the service; only if personal data is wanted.
    pub service: Box<str>,
}

/// Requests to and replies of the authentication and ticket services, their relatives and errors.
const fn is_message(tag: u8) -> bool {
    matches!(tag, 0x6a..=0x6f | 0x74..=0x76 | 0x7e)
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(probe_message(datagram.payload) == Verdict::Match)
}

fn probe_stream(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    match stream {
        [0, 0 | 1, _, _, message @ ..] => probe_message(message),
        [] | [0] | [0, 0 | 1] | [0, 0 | 1, _] => Verdict::More,
        _ => Verdict::No,
    }
}

/// An application element around a sequence that begins with version 5 and the same type.
fn probe_message(message: &[u8]) -> Verdict {
    let Some(&tag) = message.first() else { return Verdict::More };
    if !is_message(tag) {
        return Verdict::No;
    }
    let mut rest = message;
    for expected in [tag, SEQUENCE] {
        match ber::header(rest) {
            Header::Whole { tag, header, .. } if tag == expected => {
                rest = rest.get(header..).unwrap_or_default();
            }
            Header::Short if rest.first().is_none_or(|first| *first == expected) => {
                return Verdict::More;
            }
            _ => return Verdict::No,
        }
    }
    // Requests count their fields from 1, all others from 0.
    let field = if matches!(tag, 0x6a | 0x6c) { 0xa1 } else { 0xa0 };
    let begin = [field, 3, 2, 1, 5, field + 1, 3, 2, 1, tag & 31];
    crate::read::begins(rest, &begin)
}

fn parse_datagram(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    read(datagram.payload, finding);
    let kerberos = finding.metadata().kerberos.get_or_insert_default();
    // A request has an even type and is answered.
    if kerberos.message_type.is_multiple_of(2) && kerberos.error_code.is_none() {
        Progress::More
    } else {
        Progress::Done
    }
}

fn parse_stream(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    const MAX_BYTES: usize = 16 << 10;
    let whole = |stream: &[u8]| {
        let len = be32(stream, 0).and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
        (4 + len).min(MAX_BYTES)
    };
    let (client, server) = (whole(streams.client), whole(streams.server));
    if streams.client.len() > 4 {
        read(&streams.client[4..], finding);
    }
    if streams.server.len() > 4 && streams.server.len() >= server {
        read(&streams.server[4..], finding);
        return Need::Done;
    }
    if streams.client.len() >= client {
        Need::server(server)
    } else {
        Need::Bytes { client, server }
    }
}

/// Reads a message as far as it has come.
fn read(message: &[u8], finding: &mut Finding) -> Option<()> {
    let personal = finding.personal;
    let (tag, contents) = ber::partial_element(&mut Reader(message))?;
    let (_, contents) = ber::partial_element(&mut Reader(contents))?;
    let kerberos = finding.metadata().kerberos.get_or_insert_default();
    kerberos.message_type = tag & 31;
    let mut fields = Reader(contents);
    while let Some((field, value)) = ber::partial_element(&mut fields) {
        let inner = || ber::element(&mut Reader(value)).map(|(_, contents)| contents);
        match (tag, field) {
            // The body of a request.
            (0x6a | 0x6c, 0xa4) if personal => read_body(value, kerberos)?,
            (0x6b | 0x6d, 0xa3) if personal => kerberos.realm = text(inner()?),
            (0x6b | 0x6d, 0xa4) if personal => kerberos.client = principal(value)?,
            (0x7e, 0xa6) => kerberos.error_code = ber::number(inner()?),
            (0x7e, 0xa9) if personal => kerberos.realm = text(inner()?),
            (0x7e, 0xaa) if personal => kerberos.service = principal(value)?,
            _ => {}
        }
    }
    Some(())
}

fn read_body(body: &[u8], kerberos: &mut Kerberos) -> Option<()> {
    let (_, contents) = ber::partial_element(&mut Reader(body))?;
    let mut fields = Reader(contents);
    while let Some((field, value)) = ber::partial_element(&mut fields) {
        match field {
            0xa1 => kerberos.client = principal(value)?,
            0xa2 => kerberos.realm = text(ber::element(&mut Reader(value))?.1),
            0xa3 => kerberos.service = principal(value)?,
            _ => {}
        }
    }
    Some(())
}

/// Reads a principal: its type and its parts, with a slash between them.
fn principal(value: &[u8]) -> Option<Box<str>> {
    let (_, contents) = ber::element(&mut Reader(value))?;
    let mut fields = Reader(contents);
    ber::element(&mut fields)?;
    let (_, parts) = ber::element(&mut fields)?;
    let (_, parts) = ber::element(&mut Reader(parts))?;
    let mut reader = Reader(parts);
    let mut name = Vec::new();
    while let Some((_, part)) = ber::element(&mut reader) {
        if !name.is_empty() {
            name.push(b'/');
        }
        name.extend_from_slice(part);
    }
    Some(text(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    /// A request for a ticket: `user` of `EX` to `krbtgt/EX`.
    const REQUEST: &[u8] =
        b"\x6a\x4b\x30\x49\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x3d\x30\x3b\
        \xa0\x07\x03\x05\0\0\0\0\0\
        \xa1\x11\x30\x0f\xa0\x03\x02\x01\x01\xa1\x08\x30\x06\x1b\x04user\
        \xa2\x04\x1b\x02EX\
        \xa3\x17\x30\x15\xa0\x03\x02\x01\x02\xa1\x0e\x30\x0c\x1b\x06krbtgt\x1b\x02EX";

    #[test]
    fn messages_match() {
        assert_eq!(testing::datagram(&PROTOCOL, 88, REQUEST), Verdict::Match);
        let framed = [&[0, 0, 0, 0x4d][..], REQUEST].concat();
        testing::assert_streams(&PROTOCOL, 88, &framed, b"");
        let mut version = REQUEST.to_vec();
        version[8] = 4;
        assert_eq!(testing::datagram(&PROTOCOL, 88, &version), Verdict::No);
    }

    #[test]
    fn principals_are_personal() {
        let found = |personal| {
            let finding = testing::finding(personal);
            let payloads = [(Direction::FromClient, REQUEST)];
            let found = testing::parse_datagrams(&PROTOCOL, 88, &payloads, finding);
            *found.found_metadata().unwrap().kerberos.clone().unwrap()
        };
        assert_eq!(found(false), Kerberos { message_type: 10, ..Kerberos::default() });
        let kerberos = found(true);
        assert_eq!(
            (&*kerberos.client, &*kerberos.realm, &*kerberos.service),
            ("user", "EX", "krbtgt/EX")
        );
    }

    #[test]
    fn errors_are_read() {
        let error = b"\x7e\x11\x30\x0f\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e\xa6\x03\x02\x01\x19";
        let payloads = [(Direction::FromServer, &error[..])];
        let found = testing::parse_datagrams(&PROTOCOL, 88, &payloads, Finding::default());
        assert_eq!(found.found_metadata().unwrap().kerberos.as_ref().unwrap().error_code, Some(25));
    }
}
