//! DTLS 1.0 to 1.3 (RFC 4347, RFC 6347, RFC 9147).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::pieces::Pieces;
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Follow, Protocol, Start};
use crate::protocols::tls::{
    self, Carrier, Tls, Version, read_certificates, read_client_hello, read_server_hello,
};
use crate::read::Reader;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(30),
    name: "DTLS",
    category: Category(5),
    names_applications: true,
    datagram: Some(DatagramRules {
        probe,
        start: Start::Range(20, 26),
        parse: DatagramParser::Following(|| Box::<Handshake>::default()),
    }),
    ..Protocol::NEW
};

/// Content type of handshake messages; those from 20 to 26 are known.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;
const CERTIFICATE: u8 = 11;
/// Shortest body of a ClientHello and a ServerHello.
const MIN_HELLO: u32 = 38;
/// Messages of a handshake that are put together at the same time.
const MAX_MESSAGES: usize = 4;

/// A record of DTLS 1.2 and before, or a plaintext one of DTLS 1.3.
#[derive(Clone, Copy, Debug)]
struct Record<'a> {
    content: u8,
    epoch: u16,
    /// Length as the header has it.
    len: usize,
    /// The fragment as far as it was captured.
    fragment: &'a [u8],
}

/// A fragment of a handshake message.
#[derive(Clone, Copy, Debug)]
struct Fragment<'a> {
    kind: u8,
    /// Length of the whole message.
    len: u32,
    sequence: u16,
    offset: u32,
    /// Length of the fragment as its header has it.
    fragment_len: u32,
    /// The fragment as far as it was captured.
    body: &'a [u8],
}

/// The handshake of a connection, read datagram by datagram.
#[derive(Debug, Default)]
pub(crate) struct Handshake {
    /// Messages of which a part has arrived.
    messages: Vec<Message>,
    /// Whether the server's part is read.
    server_done: bool,
}

/// A handshake message of which a part has arrived.
#[derive(Debug)]
struct Message {
    kind: u8,
    sequence: u16,
    pieces: Pieces,
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(is_dtls(datagram.payload))
}

/// Returns whether a datagram is made of DTLS records.
pub(crate) fn is_dtls(payload: &[u8]) -> bool {
    let mut reader = Reader(payload);
    let Some(record) = record(&mut reader) else { return false };
    if record.epoch == 0 && record.content == HANDSHAKE {
        return fragment(&mut Reader(record.fragment)).is_some_and(|message| {
            let hello = matches!(message.kind, CLIENT_HELLO | SERVER_HELLO);
            message.kind <= 25
                && message.offset + message.fragment_len <= message.len
                && usize::try_from(message.fragment_len).is_ok_and(|len| len + 12 <= record.len)
                && (!hello || message.len >= MIN_HELLO && message.len < 1 << 16)
        });
    }
    // Records fill the datagram.
    while !reader.is_empty() {
        if self::record(&mut reader).is_none_or(|record| record.fragment.len() < record.len) {
            return false;
        }
    }
    record.len > 0 && record.fragment.len() == record.len
}

fn record<'a>(reader: &mut Reader<'a>) -> Option<Record<'a>> {
    let content = reader.u8()?;
    let version = reader.u16()?;
    let epoch = reader.u16()?;
    let _sequence = reader.take(6)?;
    let len = usize::from(reader.u16()?);
    let fragment = reader.take(len.min(reader.0.len()))?;
    // Version 0x0100 is that of OpenSSL before DTLS 1.0, which Cisco's VPN uses.
    let known = (20..=26).contains(&content)
        && matches!(version, 0xfeff | 0xfefd | 0xfefc | 0x0100)
        && epoch < 1 << 8
        && len <= (1 << 14) + 2048;
    known.then_some(Record { content, epoch, len, fragment })
}

fn fragment<'a>(reader: &mut Reader<'a>) -> Option<Fragment<'a>> {
    let kind = reader.u8()?;
    let len = reader.u24()?;
    let sequence = reader.u16()?;
    let offset = reader.u24()?;
    let fragment_len = reader.u24()?;
    let available = usize::try_from(fragment_len).ok()?.min(reader.0.len());
    let body = reader.take(available)?;
    Some(Fragment { kind, len, sequence, offset, fragment_len, body })
}

impl Follow for Handshake {
    fn add(&mut self, datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
        let progress = self.add_payload(datagram.payload, finding);
        tls::set_label(datagram.endpoints, finding);
        progress
    }

    fn memory(&self) -> usize {
        let pieces: usize = self.messages.iter().map(|message| message.pieces.memory()).sum();
        size_of_val(self) + self.messages.capacity() * size_of::<Message>() + pieces
    }
}

impl Handshake {
    /// Reads the next datagram, also one of a flow that began with another protocol.
    pub(crate) fn add_payload(&mut self, payload: &[u8], finding: &mut Finding) -> Progress {
        let mut reader = Reader(payload);
        while let Some(record) = record(&mut reader) {
            if record.epoch > 0 {
                // Later records are encrypted.
                return Progress::Done;
            }
            if record.content != HANDSHAKE {
                continue;
            }
            let mut fragments = Reader(record.fragment);
            while let Some(fragment) = fragment(&mut fragments) {
                self.add_fragment(&fragment, finding);
            }
        }
        let tls = finding.found_metadata().and_then(|found| found.tls.as_deref());
        if self.server_done && tls.is_some_and(|tls| tls.client_read) {
            return Progress::Done;
        }
        Progress::More
    }

    fn add_fragment(&mut self, fragment: &Fragment<'_>, finding: &mut Finding) {
        let Fragment { kind, len, sequence, offset, body, .. } = *fragment;
        let (Ok(len), Ok(offset)) = (usize::try_from(len), usize::try_from(offset)) else { return };
        if offset == 0 && body.len() == len {
            self.read(kind, body, true, finding);
            return;
        }
        if !matches!(kind, CLIENT_HELLO | SERVER_HELLO | CERTIFICATE) {
            self.read(kind, &[], false, finding);
            return;
        }
        let same = |message: &Message| message.kind == kind && message.sequence == sequence;
        let place = self.messages.iter().position(same).unwrap_or_else(|| {
            if self.messages.len() >= MAX_MESSAGES {
                self.messages.remove(0);
            }
            self.messages.push(Message { kind, sequence, pieces: Pieces::default() });
            self.messages.len() - 1
        });
        let Some(message) = self.messages.get_mut(place) else { return };
        message.pieces.insert(offset, body);
        let complete = message.pieces.prefix().len() >= len;
        if !complete && (kind != CLIENT_HELLO || offset > 0) {
            return;
        }
        // A hello that is cut may show a name already.
        let pieces = std::mem::take(&mut message.pieces);
        self.read(kind, pieces.prefix(), complete, finding);
        if complete {
            self.messages.remove(place);
        } else if let Some(message) = self.messages.get_mut(place) {
            message.pieces = pieces;
        }
    }

    fn read(&mut self, kind: u8, body: &[u8], complete: bool, finding: &mut Finding) {
        match kind {
            CLIENT_HELLO => {
                let tls = finding.found_metadata().and_then(|found| found.tls.as_deref());
                // The second one repeats the first with a cookie.
                if !tls.is_some_and(|tls| tls.client_read) {
                    read_client_hello(body, Carrier::Dtls, complete, finding);
                }
            }
            SERVER_HELLO => {
                read_server_hello(body, finding);
                let tls = finding.metadata().tls.get_or_insert_default();
                let modern = tls.version == Some(Version(0xfefc));
                self.server_done = modern || !Tls::wants_certificate(finding);
            }
            CERTIFICATE => {
                // The client's comes after the server's.
                if !self.server_done {
                    read_certificates(body, finding);
                }
                self.server_done = true;
            }
            HELLO_VERIFY_REQUEST | 0 => {}
            // Messages without a certificate before them.
            _ => self.server_done = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dissector::Fingerprints;
    use crate::packet::Direction;
    use crate::protocols::testing::{datagram, parse_datagrams};
    use crate::protocols::tls::tests::{
        CERTIFICATE, hex, list, server_body, server_name, vector8, vector16, vector24, versions,
    };

    const CLIENT: Direction = Direction::FromClient;
    const SERVER: Direction = Direction::FromServer;

    fn record(content: u8, epoch: u16, fragment: &[u8]) -> Vec<u8> {
        [&[content, 0xfe, 0xfd][..], &epoch.to_be_bytes(), &[0; 6], &vector16(fragment)].concat()
    }

    /// Returns bytes of a handshake message from `offset` on as a fragment.
    fn fragment(kind: u8, sequence: u16, body: &[u8], offset: usize, len: usize) -> Vec<u8> {
        let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes()[1..].to_vec();
        [
            &[kind][..],
            &number(body.len()),
            &sequence.to_be_bytes(),
            &number(offset),
            &vector24(&body[offset..offset + len]),
        ]
        .concat()
    }

    fn whole(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
        record(22, 0, &fragment(kind, sequence, body, 0, body.len()))
    }

    fn client_hello(cookie: &[u8]) -> Vec<u8> {
        let extensions = [server_name(b"www.example.com"), versions(&[0xfefc, 0xfefd])].concat();
        [
            &[0xfe, 0xfd][..],
            &[7; 32],
            &vector8(&[]),
            &vector8(cookie),
            &vector16(&list(&[0x1301, 0xc02b])),
            &vector8(&[0]),
            &vector16(&extensions),
        ]
        .concat()
    }

    fn server_flight() -> Vec<u8> {
        [
            whole(2, 1, &server_body(0xfefd, [1; 32], 0xc02b, &[])),
            whole(11, 2, &vector24(&vector24(&hex(CERTIFICATE)))),
            whole(14, 3, &[]),
        ]
        .concat()
    }

    fn found(payloads: &[(Direction, &[u8])]) -> crate::Metadata {
        let mut finding = Finding::default();
        finding.fingerprints = Fingerprints { ja3: true, ja4: true, hassh: false };
        finding.certificates = true;
        finding.certificate_hashes = true;
        parse_datagrams(&PROTOCOL, 4433, payloads, finding).metadata().clone()
    }

    #[test]
    fn handshakes_are_read() {
        let first = whole(1, 0, &client_hello(&[]));
        let verify = whole(3, 0, &hex("feff0401020304"));
        let second = whole(1, 1, &client_hello(&[1, 2, 3, 4]));
        for payload in [&first, &verify, &second, &server_flight()] {
            assert_eq!(datagram(&PROTOCOL, 4433, payload), Verdict::Match);
        }
        let metadata = found(&[
            (CLIENT, &first),
            (SERVER, &verify),
            (CLIENT, &second),
            (SERVER, &server_flight()),
        ]);
        assert_eq!(&*metadata.host, "www.example.com");
        let tls = metadata.tls.unwrap();
        assert_eq!(tls.offered_versions[..], [Version(0xfefc), Version(0xfefd)]);
        assert_eq!((tls.version, tls.cipher), (Some(Version(0xfefd)), Some(0xc02b)));
        assert_eq!(&tls.ja4[..11], "dd3d020200_");
        assert_eq!(&*tls.certificate.unwrap().common_name, "www.example.com");
    }

    #[test]
    fn encrypted_records_match() {
        let data = [record(23, 1, &[7; 40]), record(22, 1, &[8; 50])].concat();
        assert_eq!(datagram(&PROTOCOL, 4433, &data), Verdict::Match);
        let metadata = found(&[(CLIENT, &data)]);
        assert_eq!(metadata.tls, None);
    }

    #[test]
    fn other_datagrams_do_not_match() {
        let hello = whole(1, 0, &client_hello(&[]));
        let changed = |place: usize, byte: u8| {
            let mut hello = hello.clone();
            hello[place] = byte;
            hello
        };
        // Content, version, epoch, length of the record; type, length and offset of the fragment.
        let cases = [
            changed(0, 27),
            changed(1, 0xfd),
            changed(2, 0xf0),
            changed(3, 2),
            changed(11, 0x60),
            changed(13, 30),
            changed(14, 1),
            changed(16, 5),
            changed(20, 9),
            record(23, 1, &[7; 40])[..50].to_vec(),
            [record(23, 1, &[7; 40]), vec![1, 2, 3]].concat(),
            record(23, 1, &[]),
        ];
        for (place, payload) in cases.iter().enumerate() {
            assert_eq!(datagram(&PROTOCOL, 4433, payload), Verdict::No, "case {place}");
        }
    }

    proptest! {
        #[test]
        fn fragments_and_order_do_not_matter(
            lens in prop::collection::vec(20_usize..200, 1..6),
            seed: u64,
        ) {
            let client = client_hello(&[]);
            let certificate = vector24(&vector24(&hex(CERTIFICATE)));
            let cut = |kind, sequence, body: &[u8]| {
                let mut datagrams = Vec::new();
                let mut offset = 0;
                let mut lens = lens.iter().copied().cycle();
                while offset < body.len() {
                    let len = lens.next().unwrap().min(body.len() - offset);
                    datagrams.push(record(22, 0, &fragment(kind, sequence, body, offset, len)));
                    offset += len;
                }
                let count = datagrams.len();
                for place in 0..count {
                    let other = seed.rotate_left(u32::try_from(place).unwrap() * 7) % 64;
                    datagrams.swap(place, usize::try_from(other).unwrap() % count);
                }
                datagrams
            };
            let hello = whole(2, 0, &server_body(0xfefd, [1; 32], 0xc02b, &[]));
            let (clients, certificates) = (cut(1, 0, &client), cut(11, 1, &certificate));
            let payloads: Vec<(Direction, &[u8])> = clients
                .iter()
                .map(|payload| (CLIENT, &payload[..]))
                .chain([(SERVER, &hello[..])])
                .chain(certificates.iter().map(|payload| (SERVER, &payload[..])))
                .collect();
            let metadata = found(&payloads);
            let client = whole(1, 0, &client);
            let certificate = whole(11, 1, &certificate);
            let payloads = [(CLIENT, &client[..]), (SERVER, &hello), (SERVER, &certificate)];
            prop_assert_eq!(metadata, found(&payloads));
        }

        #[test]
        fn any_bytes_are_read(
            place in 0_usize..800,
            bytes in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut payload = [whole(1, 0, &client_hello(&[])), server_flight()].concat();
            let place = place % payload.len();
            let end = (place + bytes.len()).min(payload.len());
            payload[place..end].copy_from_slice(&bytes[..end - place]);
            let _ = datagram(&PROTOCOL, 4433, &payload);
            let _ = datagram(&PROTOCOL, 4433, &bytes);
            found(&[(CLIENT, &payload), (SERVER, &bytes)]);
        }
    }
}
