//! STUN and TURN (RFC 8489, RFC 8656, RFC 3489) over UDP and TCP, and the calls that they set up.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::metadata::Announced;
use crate::packet::{Direction, UDP};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Follow, Need, Protocol, Start, StreamRules};
use crate::protocols::dtls;
use crate::read::{Reader, be16, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(78),
    name: "STUN",
    category: Category(14),
    tcp_ports: &[3478],
    udp_ports: &[3478],
    stream: Some(StreamRules {
        probe: probe_stream,
        client: Start::Range(0, 3),
        server: Start::Range(0, 3),
        parse: Some(parse_stream),
    }),
    datagram: Some(DatagramRules {
        probe,
        start: Start::Range(0, 0x3f),
        parse: DatagramParser::Following(|| Box::<Call>::default()),
    }),
    ..Protocol::NEW
};

/// STUN after other datagrams of a call, whose ports are both dynamic: after all other protocols.
pub(crate) const LATE: Protocol = Protocol {
    stream: None,
    datagram: Some(DatagramRules {
        probe: probe_late,
        start: Start::Any,
        parse: DatagramParser::Following(|| Box::<Call>::default()),
    }),
    tcp_ports: &[],
    udp_ports: &[],
    ..PROTOCOL
};

/// Metadata of STUN and TURN messages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stun {
    /// Software of the client.
    pub client_software: Box<str>,
    /// Software of the server.
    pub server_software: Box<str>,
    /// Address and port of the client as the server sees them.
    pub mapped_address: Option<SocketAddr>,
    /// Address and port that a TURN server relays for the client.
    pub relayed_address: Option<SocketAddr>,
    /// Realm of the server; only if personal data is wanted.
    pub realm: Box<str>,
}

const WHATSAPP_CALL: ProtocolId = ProtocolId(45);
const TEAMS_CALL: ProtocolId = ProtocolId(38);
const GOOGLE_CALL: ProtocolId = ProtocolId(404);
const FACEBOOK_VOIP: ProtocolId = ProtocolId(268);
const SIGNAL_VOIP: ProtocolId = ProtocolId(269);
const TELEGRAM_VOIP: ProtocolId = ProtocolId(355);
const TELEGRAM: ProtocolId = ProtocolId(185);
const WEBEX: ProtocolId = ProtocolId(141);
const ZOOM: ProtocolId = ProtocolId(189);

/// Realms of TURN servers by their end, with the application that runs them.
const REALMS: &[(&[u8], ProtocolId)] = &[
    (b"signal.org", SIGNAL_VOIP),
    (b"telegram.org", TELEGRAM_VOIP),
    (b".facebook", FACEBOOK_VOIP),
    (b".facebook.com", FACEBOOK_VOIP),
    (b"turn.l.google.com", GOOGLE_CALL),
    (b"whatsapp.net", WHATSAPP_CALL),
];

/// Owners of servers used only for calls of their own application, with the name of the calls.
const CALL_SERVERS: &[(ProtocolId, ProtocolId)] =
    &[(TELEGRAM, TELEGRAM_VOIP), (GOOGLE_CALL, GOOGLE_CALL), (WEBEX, WEBEX), (ZOOM, ZOOM)];

const HEADER: usize = 20;
const COOKIE: u32 = 0x2112_a442;
/// Ports of Google's media relays.
const GOOGLE_PORTS: std::ops::RangeInclusive<u16> = 19_302..=19_309;
/// Messages of a direction of a stream that are read.
const MAX_MESSAGES: usize = 4;
/// Datagrams after the first message that are followed.
const MAX_DATAGRAMS: u8 = 30;

/// A message.
#[derive(Clone, Copy)]
struct Message<'a> {
    kind: u16,
    /// Presence of the magic cookie (RFC 8489).
    modern: bool,
    attributes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Returns the message at the start of `bytes`, as far as it has come, and its length.
    fn parse(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let mut reader = Reader(bytes);
        let kind = reader.u16().filter(|kind| kind >> 14 == 0)?;
        let len = reader.u16()?;
        let modern = reader.u32()? == COOKIE;
        reader.take(12)?;
        let attributes = reader.take(usize::from(len).min(reader.0.len()))?;
        Some((Self { kind, modern, attributes }, HEADER + usize::from(len)))
    }

    fn attributes(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut reader = Reader(self.attributes);
        std::iter::from_fn(move || {
            let kind = reader.u16()?;
            let value = reader.vector16()?;
            // WhatsApp leaves out the padding at the end.
            let _ = reader.take(value.len().wrapping_neg() % 4);
            Some((kind, value))
        })
    }

    fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find(|(other, _)| *other == kind).map(|(_, value)| value)
    }

    /// Returns whether the attributes fill the message.
    fn is_whole(&self) -> bool {
        let padded = |value: &[u8]| 4 + value.len().next_multiple_of(4);
        self.attributes().map(|(_, value)| padded(value)).sum::<usize>() == self.attributes.len()
    }

    /// Returns whether a message without the cookie can be one of RFC 3489.
    fn is_classic(&self) -> bool {
        // Binding and shared secret: request, response, error.
        matches!(self.kind, 1 | 2 | 0x101 | 0x102 | 0x111 | 0x112)
            && self.is_whole()
            && self
                .attributes()
                .all(|(kind, _)| matches!(kind, 1..=0x14 | 0x101..=0x103 | 0x8000..))
    }
}

/// Returns the address of an attribute, without the exclusive or where `transaction` is `None`.
fn address(value: &[u8], xor: bool) -> Option<SocketAddr> {
    let mut reader = Reader(value);
    let family = reader.u16()?;
    let mut port = reader.u16()?;
    if xor {
        port ^= 0x2112;
    }
    let ip: IpAddr = match family & 0xff {
        1 => Ipv4Addr::from(reader.u32()? ^ if xor { COOKIE } else { 0 }).into(),
        // Part of the key of IPv6 addresses is the transaction.
        2 if !xor => <[u8; 16]>::try_from(reader.take(16)?).ok()?.into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let Some((message, len)) = Message::parse(payload) else { return Verdict::No };
    if message.modern {
        // Little follows a message, and captures may cut it.
        return Verdict::from_match(payload.len() <= len + 4);
    }
    if len != payload.len() || !message.is_classic() {
        return Verdict::No;
    }
    // Without the cookie little is certain: an attribute, an answer or the usual port has to help.
    let answered = datagram.answered().is_some_and(|head| {
        let same = head.bytes().get(4..HEADER) == payload.get(4..HEADER);
        same && head.bytes().get(..2) != payload.get(..2)
    });
    let repeated = datagram
        .history
        .last(datagram.direction)
        .is_some_and(|head| head.bytes().get(..4) == payload.get(..4));
    let usual = (3478..=3481).any(|port| datagram.has_port(port));
    if answered || repeated || usual || message.attributes.len() >= 8 {
        Verdict::Match
    } else {
        Verdict::More
    }
}

fn probe_late(datagram: &Datagram<'_>) -> Verdict {
    const FIRST_DYNAMIC: u16 = 1024;
    /// Datagrams before the first message.
    const MAX_BEFORE: usize = 4;
    let endpoints = datagram.endpoints;
    let lowest = endpoints.client.port().min(endpoints.server.port());
    let is_message = Message::parse(datagram.payload).is_some_and(|(message, len)| {
        message.modern && len == datagram.payload.len() && message.is_whole()
    });
    match is_message {
        true => Verdict::Match,
        false => Verdict::from_more(lowest >= FIRST_DYNAMIC && datagram.before() < MAX_BEFORE),
    }
}

fn probe_stream(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    let bare = probe_framed(stream, 0);
    // With a length before each message (RFC 4571).
    match (bare, be16(stream, 0), be16(stream, 4)) {
        (Verdict::No, Some(len), Some(inner)) if len == inner.saturating_add(20) => {
            probe_framed(stream, 2)
        }
        (Verdict::No, Some(20..), None) if stream.len() < 6 => Verdict::More,
        _ => bare,
    }
}

fn probe_framed(stream: &[u8], offset: usize) -> Verdict {
    let Some(kind) = be16(stream, offset) else { return Verdict::More };
    let Some(len) = be16(stream, offset + 2) else {
        return if kind >> 14 == 0 { Verdict::More } else { Verdict::No };
    };
    let cookie = COOKIE.to_be_bytes();
    let there = stream.get(offset + 4..).unwrap_or_default();
    if kind >> 14 != 0 || len % 4 != 0 {
        return Verdict::No;
    }
    crate::read::begins(there, &cookie)
}

fn parse_stream(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    const MAX_BYTES: usize = 4096;
    let client = read_stream(streams.client, Direction::FromClient, streams, finding);
    let server = read_stream(streams.server, Direction::FromServer, streams, finding);
    let need = |read: usize, stream: &[u8]| {
        let more = read < MAX_MESSAGES && stream.len() < MAX_BYTES;
        if more { stream.len() + 1 } else { usize::MAX }
    };
    match (need(client, streams.client), need(server, streams.server)) {
        (usize::MAX, usize::MAX) => Need::Done,
        (client, server) => Need::Bytes { client, server },
    }
}

/// Reads the first messages of a stream; returns how many there were.
fn read_stream(
    stream: &[u8],
    direction: Direction,
    streams: &Streams<'_>,
    finding: &mut Finding,
) -> usize {
    let framed = be16(stream, 2).is_some_and(|word| word != 0) && be16(stream, 6) == Some(0x2112);
    let mut rest = stream;
    for read in 0..MAX_MESSAGES {
        if framed {
            rest = rest.get(2..).unwrap_or_default();
        }
        let Some((message, len)) =
            Message::parse(rest).filter(|(message, len)| message.modern && rest.len() >= *len)
        else {
            return read;
        };
        self::read(&message, direction, streams.server_port(), finding);
        rest = &rest[len..];
    }
    MAX_MESSAGES
}

/// A call: messages, then the handshake and the media that they prepare.
#[derive(Debug, Default)]
struct Call {
    datagrams: u8,
    /// SSRC of the media that came last.
    media: Option<[u8; 4]>,
    /// The handshake that gives the media their keys.
    handshake: Option<Box<dtls::Handshake>>,
}

impl Follow for Call {
    fn add(&mut self, datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
        let payload = datagram.payload;
        self.datagrams += 1;
        match payload.first() {
            // RFC 7983 parts what shares a port by the first byte.
            Some(0..=3) => {
                if let Some((message, _)) = Message::parse(payload) {
                    let server = datagram.endpoints.server.port();
                    read(&message, datagram.direction, server, finding);
                    announce(&message, datagram, finding);
                }
            }
            Some(20..=63) if self.handshake.is_some() || dtls::is_dtls(payload) => {
                finding.set_master(dtls::PROTOCOL.id);
                let handshake = self.handshake.get_or_insert_default();
                if handshake.add_payload(payload, finding) == Progress::Done {
                    return Progress::Done;
                }
            }
            Some(0x80..=0xbf) if self.handshake.is_none() => {
                if let Some(ssrc) = super::rtp::ssrc(payload) {
                    if self.media == Some(ssrc) {
                        match finding.application() {
                            None => finding.set_application(super::rtp::PROTOCOL.id),
                            Some(_) => finding.set_master(super::rtp::SRTP.id),
                        }
                        return Progress::Done;
                    }
                    self.media = Some(ssrc);
                }
            }
            _ => {}
        }
        if self.datagrams >= MAX_DATAGRAMS { Progress::Done } else { Progress::More }
    }

    fn memory(&self) -> usize {
        size_of_val(self) + self.handshake.as_ref().map_or(0, |handshake| handshake.memory())
    }
}

/// Reads what a message shows of its sender.
fn read(message: &Message<'_>, direction: Direction, server_port: u16, finding: &mut Finding) {
    if let Some(application) = application(message, server_port)
        && finding.application().is_none()
    {
        finding.set_application(application);
    }
    let personal = finding.personal;
    let response = message.kind & 0x0100 != 0;
    for (kind, value) in message.attributes() {
        match kind {
            1 | 0x20 if response => {
                let stun = finding.metadata().stun.get_or_insert_default();
                stun.mapped_address = address(value, kind == 0x20).or(stun.mapped_address);
            }
            0x16 if response => {
                let stun = finding.metadata().stun.get_or_insert_default();
                stun.relayed_address = address(value, true).or(stun.relayed_address);
            }
            0x14 => {
                // The domain of a service does not identify a person.
                if of_service(value).is_some() {
                    finding.metadata().host = text(value);
                }
                if personal {
                    finding.metadata().stun.get_or_insert_default().realm = text(value);
                }
            }
            0x8022 => {
                let stun = finding.metadata().stun.get_or_insert_default();
                let software = text(value.split(|byte| *byte == 0).next().unwrap_or_default());
                match direction {
                    Direction::FromClient => stun.client_software = software,
                    Direction::FromServer => stun.server_software = software,
                }
            }
            _ => {}
        }
    }
}

/// Returns whether a datagram has the magic cookie of a message (RFC 8489).
#[inline]
pub(crate) fn has_cookie(payload: &[u8]) -> bool {
    payload.get(4..8) == Some(&COOKIE.to_be_bytes()[..])
}

/// Announces a call from what a single message shows of it.
pub(crate) fn announce_alone(datagram: &Datagram<'_>, finding: &mut Finding) {
    let Some((message, _)) = Message::parse(datagram.payload) else { return };
    let Some(application) = application(&message, datagram.endpoints.server.port()) else { return };
    finding.set_application(application);
    announce(&message, datagram, finding);
    // The message may be the client's or the server's.
    let server = datagram.endpoints.server;
    let (address, port) = (server.ip(), server.port());
    finding.metadata().announce(Announced { address, port, transport: UDP, application });
}

/// Announces the relay and the peers of a call that is known, so that their flows get its name.
fn announce(message: &Message<'_>, datagram: &Datagram<'_>, finding: &mut Finding) {
    let Some(application) = finding.application() else { return };
    let mut add = |end: SocketAddr| {
        let announced =
            Announced { address: end.ip(), port: end.port(), transport: UDP, application };
        finding.metadata().announce(announced);
    };
    add(datagram.endpoints.client);
    for (kind, value) in message.attributes() {
        if let 0x12 | 0x16 = kind
            && let Some(end) = address(value, true)
        {
            add(end);
        }
    }
}

/// Returns the calls for which an application has servers of its own.
pub(crate) fn calls_of(owner: ProtocolId) -> Option<ProtocolId> {
    CALL_SERVERS.iter().find(|(server, _)| *server == owner).map(|(_, calls)| *calls)
}

/// Returns the application that runs the servers of a realm.
fn of_service(realm: &[u8]) -> Option<ProtocolId> {
    REALMS.iter().find(|(end, _)| realm.ends_with(end)).map(|(_, application)| *application)
}

/// Returns the application that the attributes of a message show.
fn application(message: &Message<'_>, server_port: u16) -> Option<ProtocolId> {
    if !message.modern {
        // Zoom numbers its own attributes from 0x0101.
        let zoom = message.attributes().any(|(kind, _)| matches!(kind, 0x101 | 0x103));
        return zoom.then_some(ZOOM);
    }
    if let Some(application) = message.attribute(0x14).and_then(of_service) {
        return Some(application);
    }
    for (kind, _) in message.attributes() {
        match kind {
            // WhatsApp's own.
            0x4000..=0x4007 => return Some(WHATSAPP_CALL),
            // MS-TURN and MS-TURNBWM: version, bandwidth, candidates, quality, implementation.
            0x8008 | 0x8050..=0x805b | 0x8070 | 0x8095 => return Some(TEAMS_CALL),
            // Attributes of libwebrtc; the ports are Google's.
            0xc057..=0xc05b if GOOGLE_PORTS.contains(&server_port) => return Some(GOOGLE_CALL),
            _ => {}
        }
    }
    // Requests with a check sum of a password that belong to no user name: RFC 8489 has none.
    let whatsapp = message.kind == 1
        && message.attributes.len() == 24
        && message.attribute(8).is_some_and(|hmac| hmac.len() == 20);
    whatsapp.then_some(WHATSAPP_CALL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    const TRANSACTION: &[u8; 12] = b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

    fn message(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend_from_slice(&kind.to_be_bytes());
            body.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let len = u16::try_from(body.len()).unwrap();
        [&kind.to_be_bytes()[..], &len.to_be_bytes(), &COOKIE.to_be_bytes(), TRANSACTION, &body]
            .concat()
    }

    fn found(port: u16, messages: &[&[u8]]) -> Finding {
        let payloads: Vec<_> =
            messages.iter().map(|message| (Direction::FromClient, *message)).collect();
        testing::parse_datagrams(&PROTOCOL, port, &payloads, Finding::default())
    }

    #[test]
    fn messages_with_the_cookie_match() {
        let request = message(1, &[(0x24, &[0; 4])]);
        assert_eq!(testing::datagram(&PROTOCOL, 9999, &request), Verdict::Match);
        testing::assert_streams(&PROTOCOL, 443, &request, b"");
        let framed = [&28_u16.to_be_bytes()[..], &request].concat();
        testing::assert_streams(&PROTOCOL, 443, &framed, b"");
        let mut cookie = request;
        cookie[4] = 0;
        assert_eq!(testing::datagram(&PROTOCOL, 9999, &cookie), Verdict::No);
    }

    #[test]
    fn messages_may_come_late() {
        let request = message(1, &[(6, b"user")]);
        let datagrams = [
            (Direction::FromClient, &b"\xab\xe0\xe1 other data"[..]),
            (Direction::FromServer, &request[..]),
        ];
        assert_eq!(testing::datagrams(&LATE, 35_393, &datagrams[..1]), Verdict::More);
        assert_eq!(testing::datagrams(&LATE, 35_393, &datagrams), Verdict::Match);
        assert_eq!(testing::datagrams(&LATE, 443, &datagrams[..1]), Verdict::No);
        assert_eq!(testing::datagrams(&LATE, 35_393, &[datagrams[0]; 5]), Verdict::No);
    }

    #[test]
    fn classic_messages_need_a_second_sign() {
        let request = [&[0, 1, 0, 0][..], &[7; 16]].concat();
        let response = [&[1, 1, 0, 8][..], &[7; 16], b"\0\x01\0\x04\0\x01\x12\x34"].concat();
        assert_eq!(testing::datagram(&PROTOCOL, 9999, &request), Verdict::More);
        assert_eq!(testing::datagram(&PROTOCOL, 3478, &request), Verdict::Match);
        let answered = [(Direction::FromClient, &request[..]), (Direction::FromServer, &response)];
        assert_eq!(testing::datagrams(&PROTOCOL, 9999, &answered), Verdict::Match);
    }

    #[test]
    fn addresses_and_software_are_read() {
        // Mapped address of RFC 5769, section 2.2.
        let response = message(
            0x101,
            &[(0x8022, b"test vector"), (0x20, b"\x00\x01\xa1\x47\xe1\x12\xa6\x43")],
        );
        let found = found(9, &[&response]);
        let stun = found.found_metadata().unwrap().stun.clone().unwrap();
        assert_eq!(&*stun.client_software, "test vector");
        assert_eq!(stun.mapped_address, Some("192.0.2.1:32853".parse().unwrap()));
    }

    #[test]
    fn attributes_show_applications() {
        for (kind, value, port, application) in [
            (0x4000, &b"abcd"[..], 3478, WHATSAPP_CALL),
            (0x8070, b"\0\0\0\x07", 3479, TEAMS_CALL),
            (0xc057, b"\0\0\0\x0a", 19_305, GOOGLE_CALL),
            (0x14, b"signal.org", 3478, SIGNAL_VOIP),
            (8, &[0; 20], 5000, WHATSAPP_CALL),
        ] {
            let found = found(port, &[&message(1, &[(kind, value)])]);
            assert_eq!(found.application(), Some(application));
            assert_eq!(found.found_metadata().unwrap().announced.len(), 1);
        }
        assert_eq!(found(5000, &[&message(1, &[(0xc057, &[0; 4])])]).application(), None);
    }

    #[test]
    fn what_follows_gives_the_carrier() {
        let request = message(3, &[(0x4000, &[0; 4])]);
        let media = |sequence| [&[0x80, 0x78, 0, sequence][..], &[1; 20]].concat();
        let call = found(3478, &[&request, &media(1), &media(2)]);
        assert_eq!(call.master(), Some(super::super::rtp::SRTP.id));
        let alert = b"\x15\xfe\xfd\0\0\0\0\0\0\0\0\0\x02\x01\0";
        let call = found(3478, &[&request, alert]);
        assert_eq!(call.master(), Some(dtls::PROTOCOL.id));
    }
}
