//! DNS over UDP and TCP (RFC 1035), mDNS (RFC 6762) and LLMNR (RFC 4795).

use std::net::IpAddr;

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Need, Protocol, Start, StreamRules};
use crate::read::{Reader, be16, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(5),
    name: "DNS",
    category: Category(14),
    tcp_ports: &[53],
    udp_ports: &[53],
    stream: Some(StreamRules {
        probe: probe_stream,
        client: Start::Range(0, MAX_LEN_HIGH),
        server: Start::Range(0, MAX_LEN_HIGH),
        parse: Some(parse_stream),
    }),
    datagram: Some(DatagramRules {
        probe,
        start: Start::Any,
        parse: DatagramParser::Each(parse_datagram),
    }),
    ..Protocol::NEW
};

pub(crate) const MDNS: Protocol = Protocol {
    id: ProtocolId(8),
    name: "MDNS",
    category: Category(14),
    udp_ports: &[5353, 5354],
    datagram: Some(DatagramRules {
        probe: |datagram| probe_port(datagram, 5353),
        start: Start::Any,
        parse: DatagramParser::Each(parse_datagram),
    }),
    ..Protocol::NEW
};

pub(crate) const LLMNR: Protocol = Protocol {
    id: ProtocolId(154),
    name: "LLMNR",
    category: Category(14),
    tcp_ports: &[5355],
    udp_ports: &[5355],
    datagram: Some(DatagramRules {
        probe: |datagram| probe_port(datagram, 5355),
        start: Start::Any,
        parse: DatagramParser::Each(parse_datagram),
    }),
    ..Protocol::NEW
};

/// Metadata of a DNS exchange: a question and the answer to it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Dns {
    /// Name of the question; without a question, that of the first record.
    pub query_name: Box<str>,
    /// Type of the question (1 for A, 28 for AAAA), 0 if there is none.
    pub query_type: u16,
    /// Response code, `None` before a response.
    pub response_code: Option<u8>,
    /// Questions that the header counts.
    pub queries: u16,
    /// Records that the header of the response counts in its answer section.
    pub answer_records: u16,
    /// Addresses of the response, at most [`Dns::MAX_ANSWERS`].
    pub answers: Vec<Answer>,
}

/// An address in a DNS response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answer {
    /// Address.
    pub address: IpAddr,
    /// Seconds for which the record may be cached.
    pub ttl_s: u32,
}

/// A domain name inside a message.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    message: &'a [u8],
    offset: usize,
}

impl Dns {
    /// Most addresses that are kept.
    pub const MAX_ANSWERS: usize = 16;
}

/// First byte of the length of the longest message that is expected in a stream.
const MAX_LEN_HIGH: u8 = 0x3f;
const DNSCRYPT: ProtocolId = ProtocolId(208);
/// Longest message in a stream that is known without its port.
const MAX_STRICT: usize = 4096;
const HEADER: usize = 12;
/// Longest name in bytes with dots (RFC 1035, section 3.1).
pub(crate) const MAX_NAME: usize = 255;
/// Labels of a name that are read: 255 bytes hold at most 127.
const MAX_LABELS: usize = 128;
/// Type of A records.
const A: u16 = 1;
/// Type of AAAA records (RFC 3596).
const AAAA: u16 = 28;

/// Returns the addresses in the answer section of a DNS response, each with the name in the
/// question: aliases (CNAME) lead from the question to the owner of the address. Without a question,
/// as in mDNS, it is the owner itself.
///
/// `message` is the payload of a datagram, or what follows the length in TCP. A message that is no
/// response, or is damaged, ends the iteration early.
///
/// ```
/// let response = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x07example\x03org\0\0\x01\0\x01\
///     \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
/// let (name, address) = nfstream_dissect::dns::answers(response).next().unwrap();
/// assert_eq!(&*name.text(), "example.org");
/// assert_eq!(address.to_string(), "192.0.2.1");
/// ```
pub fn answers(message: &[u8]) -> impl Iterator<Item = (Name<'_>, IpAddr)> {
    let header = Header::parse(message).filter(|header| header.response);
    let question =
        header.filter(|header| header.counts[0] > 0).map(|_| Name { message, offset: HEADER });
    records(message)
        .take_while(move |record| header.is_some() && record.section == 0)
        .filter_map(move |record| Some((question.unwrap_or(record.owner), record.address()?)))
}

impl Name<'_> {
    /// Returns the name in its usual form, without a dot at the end.
    pub fn text(&self) -> Box<str> {
        text(self.write(&mut [0; MAX_NAME]))
    }

    /// Writes the name in its usual form to a buffer, and returns it.
    pub(crate) fn write<'b>(&self, name: &'b mut [u8; MAX_NAME]) -> &'b mut [u8] {
        let mut len = 0;
        let mut offset = self.offset;
        for _ in 0..MAX_LABELS {
            match label(self.message, offset) {
                Some(Label::Text(label)) => {
                    let dot = usize::from(len > 0);
                    let end = len + dot + label.len();
                    let Some(target) = name.get_mut(len..end) else { break };
                    if let Some(target) = target.get_mut(dot..) {
                        target.copy_from_slice(label);
                    }
                    if dot > 0
                        && let Some(first) = target.first_mut()
                    {
                        *first = b'.';
                    }
                    len = end;
                    offset += 1 + label.len();
                }
                Some(Label::Pointer(target)) if target < offset => offset = target,
                _ => break,
            }
        }
        let name = name.get_mut(..len).unwrap_or_default();
        if !name.is_ascii() && std::str::from_utf8(name).is_err() {
            // Host names are ASCII: each other byte is damage, and is marked.
            name.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?');
        }
        name
    }

    /// Returns whether two names of one message are at the same place.
    pub(crate) fn is_at(&self, other: &Name<'_>) -> bool {
        self.offset == other.offset
    }

    /// Returns the offset after the name.
    fn end(&self) -> Option<usize> {
        let mut offset = self.offset;
        for _ in 0..MAX_LABELS {
            match label(self.message, offset)? {
                Label::Text(label) => offset += 1 + label.len(),
                Label::Root => return Some(offset + 1),
                Label::Pointer(_) => return Some(offset + 2),
            }
        }
        None
    }
}

enum Label<'a> {
    Text(&'a [u8]),
    Root,
    /// The name continues at an offset.
    Pointer(usize),
}

fn label(message: &[u8], offset: usize) -> Option<Label<'_>> {
    let len = *message.get(offset)?;
    match len {
        0 => Some(Label::Root),
        1..=63 => Some(Label::Text(message.get(offset + 1..)?.get(..len.into())?)),
        0xc0.. => Some(Label::Pointer(usize::from(be16(message, offset)? & 0x3fff))),
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Header {
    response: bool,
    opcode: u8,
    response_code: u8,
    /// State of the bit to which no RFC gives a meaning.
    reserved: bool,
    /// Questions, answers, authorities and additional records.
    counts: [u16; 4],
}

impl Header {
    fn parse(message: &[u8]) -> Option<Self> {
        let mut reader = Reader(message);
        reader.u16()?;
        let flags = reader.u16()?;
        let counts = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        let [high, low] = flags.to_be_bytes();
        Some(Self {
            response: high & 0x80 != 0,
            opcode: high >> 3 & 15,
            response_code: low & 15,
            reserved: low & 0x40 != 0,
            counts,
        })
    }

    /// Returns whether the flags can be those of DNS.
    fn has_plausible_flags(&self) -> bool {
        matches!(self.opcode, 0..=2 | 4..=6) && !self.reserved
    }

    /// Returns whether the header can be one of DNS.
    fn is_plausible(&self) -> bool {
        let [questions, answers, authorities, additional] = self.counts;
        let sections = if self.response {
            questions <= 16 && answers <= 1024 && authorities <= 1024 && additional <= 1024
        } else {
            // Inverse queries (opcode 1) hold an answer in place of a question, updates (5) records.
            (questions > 0 || (self.opcode == 1 && answers > 0))
                && questions <= 16
                && self.response_code == 0
                && answers <= 256
                && authorities <= 256
                && additional <= 256
        };
        self.has_plausible_flags() && sections
    }
}

struct Record<'a> {
    owner: Name<'a>,
    /// 0 for answers, 1 for authorities, 2 for additional records.
    section: usize,
    kind: u16,
    ttl: u32,
    data: &'a [u8],
}

impl Record<'_> {
    fn address(&self) -> Option<IpAddr> {
        match self.kind {
            A => self.data.try_into().ok().map(|bytes: [u8; 4]| bytes.into()),
            AAAA => self.data.try_into().ok().map(|bytes: [u8; 16]| bytes.into()),
            _ => None,
        }
    }
}

/// A question and the offset after it.
struct Question<'a> {
    name: Name<'a>,
    kind: u16,
    class: u16,
    end: usize,
}

fn question(message: &[u8], offset: usize) -> Option<Question<'_>> {
    let name = Name { message, offset };
    let end = name.end()?;
    Some(Question { name, kind: be16(message, end)?, class: be16(message, end + 2)?, end: end + 4 })
}

/// Returns the resource records after the questions.
fn records(message: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let [questions, mut left @ ..] = Header::parse(message).map_or([0; 4], |header| header.counts);
    let mut offset = Some(HEADER);
    for _ in 0..questions.min(16) {
        offset = offset.and_then(|offset| Some(question(message, offset)?.end));
    }
    std::iter::from_fn(move || {
        let section = left.iter().position(|left| *left > 0)?;
        left[section] -= 1;
        // Nothing follows a damaged record.
        let owner = Name { message, offset: offset.take()? };
        let mut reader = Reader(message.get(owner.end()?..)?);
        let (kind, _class) = (reader.u16()?, reader.u16()?);
        let ttl = reader.u32()?;
        let data = reader.vector16()?;
        offset = Some(message.len() - reader.0.len());
        Some(Record { owner, section, kind, ttl, data })
    })
}

/// Returns whether a message has a question that nothing contradicts.
fn has_question(message: &[u8]) -> bool {
    question(message, HEADER).is_some_and(|question| {
        question.kind != 0 && matches!(question.class & 0x7fff, 1 | 3 | 4 | 254 | 255)
    })
}

/// Returns whether the header is followed by a whole name of printable characters: damage to a few
/// bytes elsewhere leaves the name readable.
fn has_readable_name(message: &[u8]) -> bool {
    let mut offset = HEADER;
    let mut labels = 0;
    while let Some(Label::Text(label)) = label(message, offset) {
        if !label.iter().all(|byte| matches!(byte, b'!'..=b'~')) {
            return false;
        }
        labels += 1;
        offset += 1 + label.len();
    }
    labels >= 2 && message.get(offset) == Some(&0)
}

/// Returns whether a message is DNS beyond doubt: it has one question with a name of printable
/// characters, and its records fill it.
fn is_strict(message: &[u8], header: &Header) -> bool {
    let Some(question) = question(message, HEADER) else { return false };
    let printable = |offset: usize| {
        let mut offset = offset;
        let mut labels = 0;
        while let Some(Label::Text(label)) = label(message, offset) {
            if !label.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)) {
                return false;
            }
            labels += 1;
            offset += 1 + label.len();
        }
        labels >= 2 && message.get(offset) == Some(&0)
    };
    let wanted: usize = header.counts[1..].iter().copied().map(usize::from).sum();
    header.counts[0] == 1
        && header.opcode == 0
        && matches!(question.kind, 1..=65 | 99 | 108 | 109 | 249..=257)
        && question.class == 1
        && printable(HEADER)
        && (wanted > 0 || question.end == message.len())
        && records(message).count() == wanted
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let message = datagram.payload;
    let Some(header) = Header::parse(message) else { return Verdict::No };
    let matches = if datagram.has_port(53) {
        let [questions, answers, ..] = header.counts;
        let has_records = questions == 0 && (header.response || answers > 0);
        (header.is_plausible() && (has_records || has_question(message)))
            || has_readable_name(message)
    } else {
        header.is_plausible() && is_strict(message, &header)
    };
    Verdict::from_match(matches)
}

/// Probes a relative of DNS that uses one port.
fn probe_port(datagram: &Datagram<'_>, port: u16) -> Verdict {
    if !datagram.has_port(port) {
        return Verdict::No;
    }
    let Some(header) = Header::parse(datagram.payload) else { return Verdict::No };
    let records: u16 = header.counts.iter().fold(0, |sum, count| sum.saturating_add(*count));
    Verdict::from_match(
        header.opcode == 0
            && (1..=1024).contains(&records)
            && (header.counts[0] == 0 || has_question(datagram.payload)),
    )
}

fn probe_stream(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    let Some(len) = be16(stream, 0) else { return Verdict::More };
    if usize::from(len) < HEADER + 5 {
        return Verdict::No;
    }
    let message = &stream[2..];
    let whole = message.get(..len.into());
    let Some(header) = Header::parse(message) else {
        let plausible = message.get(2).is_none_or(|high| matches!(high >> 3 & 15, 0 | 4 | 5))
            && message.get(3).is_none_or(|low| low & 0x40 == 0)
            && message.get(4).is_none_or(|high| *high == 0);
        return if plausible { Verdict::More } else { Verdict::No };
    };
    if !header.is_plausible() || header.counts[0] != 1 {
        return Verdict::No;
    }
    if streams.has_port(53) {
        return match question(message, HEADER) {
            Some(_) => Verdict::from_match(has_question(message)),
            None if whole.is_none() && message.len() < HEADER + 260 => Verdict::More,
            None => Verdict::No,
        };
    }
    match whole {
        _ if usize::from(len) > MAX_STRICT => Verdict::No,
        Some(message) => Verdict::from_match(is_strict(message, &header)),
        None if begins_name(message) => Verdict::More,
        None => Verdict::No,
    }
}

/// Returns whether what there is of the first question's name may be one.
fn begins_name(message: &[u8]) -> bool {
    let mut offset = HEADER;
    while let Some(&len @ 1..=63) = message.get(offset) {
        offset += 1 + usize::from(len);
    }
    message.get(offset).is_none_or(|len| *len == 0) && offset < HEADER + 256
}

fn parse_datagram(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    parse(datagram.payload, finding)
}

fn parse_stream(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let message = |stream: &[u8]| {
        let len = be16(stream, 0).map_or(0, usize::from);
        (2 + len, stream.get(2..2 + len).is_some())
    };
    let (client, has_query) = message(streams.client);
    let (server, has_response) = message(streams.server);
    if has_response && let Some(response) = streams.server.get(2..server) {
        parse(response, finding);
        return Need::Done;
    }
    if has_query && let Some(query) = streams.client.get(2..client) {
        parse(query, finding);
        return Need::server(server);
    }
    Need::Bytes { client, server }
}

/// Reads a message: its question, and the answers if it is a response.
fn parse(message: &[u8], finding: &mut Finding) -> Progress {
    let Some(header) = Header::parse(message) else { return Progress::More };
    let in_detail = finding.details.dns;
    let metadata = finding.metadata();
    let mut dns = in_detail.then(|| metadata.dns.get_or_insert_default());
    let mut application = None;
    // The last question counts: the response's is the one that its answers belong to.
    let is_plausible = header.is_plausible();
    let is_readable = || has_readable_name(message);
    if is_plausible || is_readable() {
        let has_question = header.counts[0] > 0 || !is_plausible;
        let question = question(message, HEADER).filter(|_| has_question);
        let name = match &question {
            Some(question) => Some(question.name),
            None if is_readable() => Some(Name { message, offset: HEADER }),
            None => records(message).next().map(|record| record.owner),
        };
        let mut buffer = [0; MAX_NAME];
        let name = name.map_or(&[][..], |name| name.write(&mut buffer));
        if !name.is_empty() {
            // A response repeats the question.
            if metadata.host.as_bytes() != name {
                metadata.host = text(name);
            }
            application = is_certificate_name(&metadata.host).then_some(DNSCRYPT);
            if let Some(dns) = &mut dns {
                dns.queries = header.counts[0];
                dns.query_type = question.map_or(0, |question| question.kind);
                dns.query_name.clone_from(&metadata.host);
            }
        }
    }
    let response = header.response;
    if let Some(dns) = dns.filter(|_| response) {
        read_response(message, &header, dns);
    }
    if let Some(application) = application {
        finding.set_application(application);
    }
    if response { Progress::Done } else { Progress::More }
}

/// Returns whether a name is one under which DNSCrypt publishes its certificates.
fn is_certificate_name(name: &str) -> bool {
    let name = name.as_bytes();
    name.get(1..16).is_some_and(|middle| middle.eq_ignore_ascii_case(b".dnscrypt-cert."))
}

fn read_response(message: &[u8], header: &Header, dns: &mut Dns) {
    dns.response_code = Some(header.response_code);
    dns.answer_records = header.counts[1];
    let answers = records(message).take_while(|record| record.section == 0);
    let addresses = answers.filter_map(|record| {
        let address = record.address()?;
        Some(Answer { address, ttl_s: record.ttl })
    });
    let most = usize::from(header.counts[1]).min(Dns::MAX_ANSWERS);
    dns.answers = Vec::with_capacity(most);
    dns.answers.extend(addresses.take(most));
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    #[test]
    fn damage_outside_the_name_leaves_it_readable() {
        let mut reserved = QUERY.to_vec();
        reserved[3] |= 0x40;
        let mut class = QUERY.to_vec();
        *class.last_mut().unwrap() = 9;
        for query in [&reserved, &class] {
            assert_eq!(testing::datagram(&PROTOCOL, 53, query), Verdict::Match);
            assert_eq!(testing::datagram(&PROTOCOL, 5300, query), Verdict::No);
            let payloads = [(Direction::FromClient, &query[..])];
            let found = testing::parse_datagrams(&PROTOCOL, 53, &payloads, Finding::default());
            assert_eq!(&*found.found_metadata().unwrap().host, "www.example.com");
        }
        let mut query = QUERY.to_vec();
        query[4..6].copy_from_slice(&[0x80, 1]);
        assert_eq!(testing::datagram(&PROTOCOL, 53, &query), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 5300, &query), Verdict::No);
        query[13..16].copy_from_slice(b"w\xffw");
        assert_eq!(testing::datagram(&PROTOCOL, 53, &query), Verdict::No);
    }

    #[test]
    fn bytes_of_a_name_that_are_not_text_are_marked() {
        let mut query = QUERY.to_vec();
        query[14] = 0xff;
        let name = Name { message: &query, offset: HEADER };
        assert_eq!(&*name.text(), "w?w.example.com");
    }

    const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\
        \x03www\x07example\x03com\x00\x00\x01\x00\x01";
    const RESPONSE: &[u8] = b"\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00\
        \x03www\x07example\x03com\x00\x00\x01\x00\x01\
        \xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03cdn\xc0\x10\
        \xc0\x2d\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04\xc0\x00\x02\x07";

    #[test]
    fn a_query_and_its_response_match_on_any_port() {
        for port in [53, 5300] {
            assert_eq!(testing::datagram(&PROTOCOL, port, QUERY), Verdict::Match);
            assert_eq!(testing::datagram(&PROTOCOL, port, RESPONSE), Verdict::Match);
        }
    }

    #[test]
    fn other_bytes_on_port_53_do_not_match() {
        for payload in [&[0xff; 40][..], &QUERY[..20], b"GET / HTTP/1.1\r\n\r\n"] {
            assert_eq!(testing::datagram(&PROTOCOL, 53, payload), Verdict::No);
        }
    }

    #[test]
    fn messages_in_streams_follow_their_length() {
        let framed = |message: &[u8]| {
            let len = u16::try_from(message.len()).unwrap().to_be_bytes();
            [&len[..], message].concat()
        };
        for port in [53, 5300] {
            testing::assert_streams(&PROTOCOL, port, &framed(QUERY), &framed(RESPONSE));
            testing::assert_streams(&PROTOCOL, port, &[], &framed(RESPONSE));
        }
        let found = testing::parse_streams(
            &PROTOCOL,
            53,
            &framed(QUERY),
            &framed(RESPONSE),
            Finding::default(),
        );
        let dns = found.found_metadata().unwrap().dns.clone().unwrap();
        assert_eq!(dns.answers.len(), 1);
    }

    #[test]
    fn question_and_addresses_are_read() {
        let payloads = [(Direction::FromClient, QUERY), (Direction::FromServer, RESPONSE)];
        let found = testing::parse_datagrams(&PROTOCOL, 53, &payloads, Finding::default());
        let metadata = found.found_metadata().unwrap();
        assert_eq!(&*metadata.host, "www.example.com");
        let address = IpAddr::from(Ipv4Addr::new(192, 0, 2, 7));
        let expected = Dns {
            query_name: "www.example.com".into(),
            query_type: 1,
            response_code: Some(0),
            queries: 1,
            answer_records: 2,
            answers: vec![Answer { address, ttl_s: 30 }],
        };
        assert_eq!(metadata.dns.as_deref(), Some(&expected));
    }

    #[test]
    fn answers_belong_to_the_question() {
        let found: Vec<_> = answers(RESPONSE).map(|(name, ip)| (name.text(), ip)).collect();
        assert_eq!(found, [("www.example.com".into(), Ipv4Addr::new(192, 0, 2, 7).into())]);
        assert_eq!(answers(QUERY).count(), 0);
        assert_eq!(answers(&RESPONSE[..40]).count(), 0);
    }

    #[test]
    fn pointers_in_a_circle_end() {
        let mut message = RESPONSE.to_vec();
        message[12..14].copy_from_slice(&[0xc0, 0x0c]);
        assert_eq!(&*Name { message: &message, offset: 12 }.text(), "");
    }

    #[test]
    fn relatives_have_their_port() {
        assert_eq!(testing::datagram(&MDNS, 5353, QUERY), Verdict::Match);
        assert_eq!(testing::datagram(&LLMNR, 5355, QUERY), Verdict::Match);
        assert_eq!(testing::datagram(&MDNS, 53, QUERY), Verdict::No);
    }
}
