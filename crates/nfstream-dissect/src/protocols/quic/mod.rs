//! QUIC (RFC 9000, RFC 9369), its drafts from 23 on, and the public versions of Google and
//! Facebook.

mod google;
mod initial;
mod packet;
#[cfg(test)]
mod tests;

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::packet::Direction;
use crate::pieces::Pieces;
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Follow, Protocol, Start};
use crate::protocols::tls::hello::{ClientHello, Cookie};
use crate::protocols::tls::{self, Carrier, read_client_hello, read_server_hello};
use crate::read::{Reader, be32, text};

use initial::{Keys, Role, Secret};
use packet::{ConnectionId, Kind, Long, Version};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(188),
    name: "QUIC",
    category: Category(5),
    names_applications: true,
    udp_ports: &[443],
    datagram: Some(DatagramRules {
        probe,
        start: Start::Bytes(&FIRST_BYTES),
        parse: DatagramParser::Following(|| Box::<Connection>::default()),
    }),
    ..Protocol::NEW
};

/// First bytes of packets that tell their version: long headers, and Google's public flags.
const FIRST_BYTES: [u8; 144] = {
    let mut bytes = [0; 144];
    let mut place = 0;
    while place < bytes.len() {
        bytes[place] = if place < 16 { place as u8 } else { place as u8 - 16 + 0x80 };
        place += 1;
    }
    bytes
};
/// Smallest datagram with a client's first packet (RFC 9000, section 14.1).
const MIN_FIRST: usize = 1200;
/// Datagrams of the server after the client's hello in which its own is expected.
const MAX_SERVER_DATAGRAMS: u8 = 4;
/// Transport parameter with the user agent of Google's client.
const USER_AGENT: u64 = 0x3129;

/// The handshake of a QUIC connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Quic {
    /// Version of the latest packet with a long header: 1, 0x6b3343cf for version 2,
    /// 0xff00001d for draft 29, 0x51303530 for Google's Q050.
    pub version: u32,
    /// User agent, which Google's clients send.
    pub user_agent: Box<str>,
    /// Whether the server requested another version.
    pub version_negotiation: bool,
    /// Whether the server requested another first packet with a token (Retry).
    pub retry: bool,
    /// Whether the client sent data before the handshake was complete (0-RTT).
    pub early_data: bool,
}

/// The beginning of a connection, read datagram by datagram.
#[derive(Debug, Default)]
struct Connection {
    /// The client, once one of its packets was opened.
    client: Option<Direction>,
    /// Destination of the client's first packet, from which keys are derived.
    destination: ConnectionId,
    /// Secret of the keys in use.
    secret: Option<Secret>,
    /// Keys in use, of the client and of the server.
    keys: [Option<Keys>; 2],
    /// Handshake bytes of the client and of the server.
    handshakes: [Pieces; 2],
    /// The hello of a client whose packets are not encrypted.
    hello: google::Hello,
    client_done: bool,
    server_done: bool,
    /// Datagrams of the server after the client's hello was read.
    server_datagrams: u8,
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(is_quic(datagram.payload))
}

/// Returns whether a datagram begins with a packet of a known version of QUIC.
///
/// A version of four bytes, a fixed bit and lengths that fit leave less to chance than one in
/// 2^40, so nothing is decrypted here and packets that were captured in part count too.
pub(crate) fn is_quic(payload: &[u8]) -> bool {
    if google::has_public_version(payload) {
        return true;
    }
    let first = payload.first().copied().unwrap_or_default();
    let version = be32(payload, 1).map_or(Version::Unknown, Version::new);
    if first < 0x80 || version == Version::Unknown {
        return false;
    }
    let Some(packet) = Long::read(&mut Reader(payload)) else { return false };
    match version {
        Version::Negotiation => packet.offers_known_version(),
        // Clients send reserved versions to provoke a negotiation.
        Version::Reserved => {
            payload.len() >= MIN_FIRST && packet.destination.bytes().len() >= 8 && packet.fixed
        }
        _ => packet.fixed,
    }
}

impl Follow for Connection {
    fn add(&mut self, datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
        let Datagram { endpoints, direction, payload, .. } = *datagram;
        if self.client.is_some_and(|client| client != direction) && self.client_done {
            self.server_datagrams += 1;
        }
        if google::has_public_version(payload) || google::is_plain_long(payload) {
            return self.add_google(direction, payload, finding);
        }
        let mut reader = Reader(payload);
        while let Some(packet) = Long::read(&mut reader) {
            self.add_packet(direction, &packet, finding);
        }
        tls::set_label(endpoints, finding);
        let over = self.server_datagrams >= MAX_SERVER_DATAGRAMS;
        if self.client_done && (self.server_done || over) { Progress::Done } else { Progress::More }
    }

    fn memory(&self) -> usize {
        let pieces: usize = self.handshakes.iter().map(Pieces::memory).sum();
        size_of_val(self) + pieces + self.hello.memory()
    }
}

impl Connection {
    fn add_google(
        &mut self,
        direction: Direction,
        payload: &[u8],
        finding: &mut Finding,
    ) -> Progress {
        let Some(frames) = google::plain_frames(payload) else { return Progress::More };
        let quic = finding.metadata().quic.get_or_insert_default();
        quic.version = frames.version;
        if self.client.is_some_and(|client| client != direction) {
            return Progress::More;
        }
        self.hello.add(frames);
        if !self.hello.bytes().is_empty() {
            self.client = Some(direction);
        }
        self.client_done = google::read_hello(self.hello.bytes(), finding);
        if self.client_done { Progress::Done } else { Progress::More }
    }

    fn add_packet(&mut self, direction: Direction, packet: &Long<'_>, finding: &mut Finding) {
        let quic = finding.metadata().quic.get_or_insert_default();
        match packet.kind {
            Kind::Negotiation => {
                quic.version_negotiation = true;
                return;
            }
            Kind::Retry => quic.retry = true,
            Kind::ZeroRtt => quic.early_data = true,
            Kind::Initial | Kind::Handshake => {}
        }
        if packet.version != Version::Unknown {
            quic.version = packet.number;
        }
        if packet.kind != Kind::Initial || packet.version.salt().is_none() {
            return;
        }
        let Some((role, frames)) = self.open(direction, packet) else { return };
        let done = match role {
            Role::Client => &mut self.client_done,
            Role::Server => &mut self.server_done,
        };
        if *done {
            return;
        }
        let handshake = &mut self.handshakes[role.index()];
        initial::add_frames(&frames, packet.version, handshake);
        *done = read_handshake(handshake.prefix(), role, packet.version, finding);
        if *done {
            handshake.clear();
        }
    }

    /// Decrypts an Initial packet; returns which end sent it and its frames.
    fn open(&mut self, direction: Direction, packet: &Long<'_>) -> Option<(Role, Vec<u8>)> {
        if self.client.is_some_and(|client| client != direction) {
            if self.server_done {
                return None;
            }
            let keys = self.keys(Role::Server, packet.version)?;
            return Some((Role::Server, keys.open(packet)?));
        }
        if self.client_done {
            return None;
        }
        if self.client.is_some() {
            let keys = self.keys(Role::Client, packet.version)?;
            if let Some(frames) = keys.open(packet) {
                return Some((Role::Client, frames));
            }
        }
        // The first packet, or one after a Retry: its destination gives the keys.
        if packet.destination == self.destination {
            return None;
        }
        let secret = Secret::derive(packet.version, packet.destination.bytes())?;
        let keys = secret.keys(Role::Client)?;
        let frames = keys.open(packet)?;
        self.client = Some(direction);
        self.destination = packet.destination;
        self.secret = Some(secret);
        self.keys = [Some(keys), None];
        Some((Role::Client, frames))
    }

    /// Returns the keys of one end for packets of `version`.
    fn keys(&mut self, role: Role, version: Version) -> Option<&Keys> {
        let keys = &mut self.keys[role.index()];
        if keys.as_ref().is_none_or(|keys| keys.version() != version) {
            if self.secret.as_ref().is_none_or(|secret| secret.version() != version) {
                self.secret = Secret::derive(version, self.destination.bytes());
            }
            *keys = self.secret.as_ref()?.keys(role);
        }
        keys.as_ref()
    }
}

/// Reads the hello at the beginning of the handshake bytes of one end; returns whether it was
/// there as a whole.
fn read_handshake(bytes: &[u8], role: Role, version: Version, finding: &mut Finding) -> bool {
    const CLIENT_HELLO: u8 = 1;
    const SERVER_HELLO: u8 = 2;
    if version == Version::GoogleCrypto {
        return role == Role::Server || google::read_hello(bytes, finding);
    }
    let mut reader = Reader(bytes);
    let (Some(kind), Some(len)) = (reader.u8(), reader.u24()) else { return false };
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let body = reader.0.get(..len);
    match (role, kind) {
        (Role::Client, CLIENT_HELLO) => {
            let complete = body.is_some();
            let body = body.unwrap_or(reader.0);
            read_client_hello(body, Carrier::Quic, complete, finding);
            let hello = ClientHello::read(body, Cookie::Absent).unwrap_or_default();
            if let Some(agent) = user_agent(hello.quic_parameters) {
                let quic = finding.metadata().quic.get_or_insert_default();
                quic.user_agent = text(agent);
            }
            complete
        }
        (Role::Server, SERVER_HELLO) => {
            let Some(body) = body else { return false };
            read_server_hello(body, finding);
            true
        }
        // No hello: nothing of interest follows.
        _ => true,
    }
}

/// Returns the user agent among transport parameters.
fn user_agent(parameters: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(parameters);
    loop {
        let number = packet::varint(&mut reader)?;
        let len = usize::try_from(packet::varint(&mut reader)?).ok()?;
        let value = reader.take(len)?;
        if number == USER_AGENT {
            return Some(value);
        }
    }
}
