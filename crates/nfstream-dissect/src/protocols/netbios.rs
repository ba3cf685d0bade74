//! NetBIOS over TCP and UDP (RFC 1001, RFC 1002): names, datagrams and sessions.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Need, Protocol, Start, StreamRules};
use crate::protocols::rpc_text::contains;
use crate::read::{Reader, be16, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10),
    name: "NetBIOS",
    category: Category(18),
    tcp_ports: &[137, 139],
    udp_ports: &[137, 138, 139],
    stream: Some(StreamRules {
        probe: probe_session,
        client: Start::Bytes(&[0x81]),
        server: Start::Bytes(&[0x82, 0x83, 0x84]),
        parse: Some(parse_session),
    }),
    datagram: Some(DatagramRules {
        probe,
        start: Start::Any,
        parse: DatagramParser::Each(parse_datagram),
    }),
    ..Protocol::NEW
};

/// Metadata of NetBIOS.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NetBios {
    /// Name that is requested or registered; in datagrams the sender's, in sessions the receiver's.
    pub name: Box<str>,
    /// Last byte of the name: the kind of service (0x20 for a file server).
    pub suffix: u8,
}

const SMB_V1: ProtocolId = ProtocolId(16);
/// Bytes of a name in its encoded form, length and end included.
const ENCODED_NAME: usize = 34;
/// Bytes of a datagram in which its data begins.
const MAX_NAMES: usize = 200;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let matches = if datagram.has_port(137) {
        is_name_service(payload)
    } else if datagram.has_port(138) {
        is_datagram_service(payload)
    } else {
        false
    };
    Verdict::from_match(matches)
}

fn is_name_service(payload: &[u8]) -> bool {
    let (Some(flags), Some(questions), Some(answers)) =
        (be16(payload, 2), be16(payload, 4), be16(payload, 6))
    else {
        return false;
    };
    // Query, registration, release, WACK and refresh.
    let opcode = flags >> 11 & 15;
    matches!(opcode, 0 | 5..=9 | 15)
        && questions <= 1
        && (questions == 1 || (answers <= 1 && flags & 0x8000 != 0))
        && payload.get(12) == Some(&32)
        && payload
            .get(13..45)
            .and_then(<[u8]>::first_chunk)
            .is_some_and(|first| byte(first).is_some())
}

fn is_datagram_service(payload: &[u8]) -> bool {
    let [kind, flags, ..] = *payload else { return false };
    (0x10..=0x16).contains(&kind)
        && flags <= 0x0f
        && payload.len() >= 10
        // Some senders leave the port out.
        && be16(payload, 8).is_some_and(|port| matches!(port, 0 | 138))
}

fn probe_session(streams: &Streams<'_>) -> Verdict {
    let (stream, client) = match (streams.client, streams.server) {
        ([], server) => (server, false),
        (client, _) => (client, true),
    };
    match stream {
        // A session request holds two encoded names.
        [0x81, 0, 0, 68, 32, ..] if client => Verdict::Match,
        [0x82, 0, 0, 0, ..] | [0x83, 0, 0, 1, 0x80..=0x8f, ..] if !client => {
            Verdict::from_match(streams.has_port(139))
        }
        [0x84, 0, 0, 6, ..] if !client => Verdict::from_match(streams.has_port(139)),
        [] | [_] | [_, 0] | [_, 0, 0] => Verdict::More,
        [0x81, 0, 0, 68] if client => Verdict::More,
        [0x83, 0, 0, 1] if !client => Verdict::More,
        _ => Verdict::No,
    }
}

/// Returns the byte for which two letters from A to P stand.
fn byte(letters: &[u8; 2]) -> Option<u8> {
    let [high, low] = letters.map(|letter| letter.wrapping_sub(b'A'));
    (high <= 15 && low <= 15).then_some(high << 4 | low)
}

/// Reads an encoded name: two letters for each byte. A damaged name ends before the first other
/// letter.
fn decode(encoded: &[u8]) -> Option<(Box<str>, u8)> {
    let mut reader = Reader(encoded);
    if reader.u8()? != 32 {
        return None;
    }
    let mut name = [0; 16];
    let letters = reader.take(32)?.chunks_exact(2).filter_map(<[u8]>::first_chunk);
    for (target, byte) in name.iter_mut().zip(letters.map_while(byte)) {
        *target = byte;
    }
    let [name @ .., suffix] = &name;
    // The name of the master browser has control characters around it.
    let is_padding = |byte: &u8| *byte <= b' ';
    let start = name.iter().position(|byte| !is_padding(byte)).unwrap_or(0);
    let end = name.iter().rposition(|byte| !is_padding(byte)).map_or(0, |last| last + 1);
    Some((text(name.get(start..end).unwrap_or_default()), *suffix))
}

fn set_name(finding: &mut Finding, encoded: &[u8]) {
    if let Some((name, suffix)) = decode(encoded) {
        let metadata = finding.metadata();
        metadata.host = name.clone();
        *metadata.netbios.get_or_insert_default() = NetBios { name, suffix }.into();
    }
}

fn parse_datagram(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    let payload = datagram.payload;
    if datagram.has_port(137) {
        set_name(finding, payload.get(12..).unwrap_or_default());
        return Progress::Done;
    }
    // Direct datagrams and broadcasts: a header of 14 bytes, the names of sender and receiver, data.
    if let [0x10..=0x12, ..] = payload {
        set_name(finding, payload.get(14..).unwrap_or_default());
        // Names with a scope are longer than two encoded names.
        let data = payload.get(14..).unwrap_or_default();
        if contains(&data[..data.len().min(MAX_NAMES)], b"\xffSMB") {
            finding.set_application(SMB_V1);
        }
    }
    Progress::Done
}

fn parse_session(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    const REQUEST: usize = 4 + 2 * ENCODED_NAME;
    if let Some(called) = streams.client.get(4..4 + ENCODED_NAME) {
        set_name(finding, called);
    }
    // The first message of the session follows the request.
    let message = |stream: &[u8], offset: usize| {
        stream.get(offset + 4..offset + 8).and_then(super::smb::version)
    };
    let client = if streams.client.first() == Some(&0x81) { REQUEST } else { 0 };
    match message(streams.client, client).or_else(|| message(streams.server, 4)) {
        Some(version) => {
            finding.set_application(version);
            Need::Done
        }
        None if streams.client.len() >= client + 8 || streams.server.len() >= 12 => Need::Done,
        None => Need::Bytes { client: client + 8, server: 12 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    /// A query for `FRED` with suffix 0x20 (RFC 1001, section 14.1).
    const QUERY: &[u8] = b"\x12\x34\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00\
        \x20EGFCEFEECACACACACACACACACACACACA\x00\x00\x20\x00\x01";

    #[test]
    fn name_queries_match_on_their_port() {
        assert_eq!(testing::datagram(&PROTOCOL, 137, QUERY), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 138, QUERY), Verdict::No);
        let mut letters = QUERY.to_vec();
        letters[13] = b'Q';
        assert_eq!(testing::datagram(&PROTOCOL, 137, &letters), Verdict::No);
    }

    #[test]
    fn the_name_is_decoded() {
        let found = testing::parse_datagrams(
            &PROTOCOL,
            137,
            &[(crate::packet::Direction::FromClient, QUERY)],
            Finding::default(),
        );
        let metadata = found.found_metadata().unwrap();
        assert_eq!(&*metadata.host, "FRED");
        assert_eq!(metadata.netbios.as_ref().unwrap().suffix, b' ');
    }

    #[test]
    fn a_damaged_name_ends_before_the_damage() {
        let mut query = QUERY.to_vec();
        query[17] = b'k';
        assert_eq!(testing::datagram(&PROTOCOL, 137, &query), Verdict::Match);
        let payloads = [(crate::packet::Direction::FromClient, &query[..])];
        let found = testing::parse_datagrams(&PROTOCOL, 137, &payloads, Finding::default());
        assert_eq!(&*found.found_metadata().unwrap().host, "FR");
    }

    #[test]
    fn a_session_request_matches_and_leads_to_smb() {
        let name = b"\x20EGFCEFEECACACACACACACACACACACACA\x00";
        let request = [b"\x81\x00\x00\x44", &name[..], name].concat();
        testing::assert_streams(&PROTOCOL, 139, &request, b"\x82\x00\x00\x00");
        let client = [&request[..], b"\x00\x00\x00\x54\xffSMB"].concat();
        let found = testing::parse_streams(
            &PROTOCOL,
            139,
            &client,
            b"\x82\x00\x00\x00",
            Finding::default(),
        );
        assert_eq!(found.application(), Some(SMB_V1));
    }
}
