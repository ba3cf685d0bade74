//! OpenVPN over UDP and TCP: the resets that begin a session, plain, with an HMAC (`tls-auth`) or
//! encrypted (`tls-crypt`), as its protocol description gives them.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::be32;
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(159),
    name: "OpenVPN",
    category: Category(2),
    tcp_ports: &[1194],
    udp_ports: &[1194],
    stream: Some(StreamRules::either(Start::Range(0, 5), probe)),
    datagram: Some(DatagramRules {
        start: Start::Range(0x38, 0x50),
        ..DatagramRules::new(datagram)
    }),
    ..Protocol::NEW
};

const CLIENT_RESET_V2: u8 = 7;
const SERVER_RESET_V2: u8 = 8;
const DATA_V2: u8 = 9;
const CLIENT_RESET_V3: u8 = 10;

/// Bytes of an HMAC: none, MD5, SHA-1, SHA-256, SHA-384 and SHA-512.
const HMACS: [usize; 6] = [0, 16, 20, 32, 48, 64];
/// Longest first message of a direction: with a wrapped client key.
const MAX_RESET: usize = 1500;
/// Earliest time stamp: September 2001, before the program existed.
const EARLIEST: u32 = 1_000_000_000;

fn probe(streams: &Streams<'_>) -> Verdict {
    either(framed(streams.client), framed(streams.server))
}

/// Checks the first message after its length of two bytes.
fn framed(stream: &[u8]) -> Verdict {
    check(stream, |reader| {
        let len = usize::from(reader.u16()?);
        if !(14..=MAX_RESET).contains(&len) || !is_reset_opcode(*reader.0.first()?) {
            return Some(false);
        }
        reader.take(len).map(is_reset)
    })
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    if is_reset(payload) || is_data(datagram) {
        return Verdict::Match;
    }
    // Sessions begun before the capture: a peer number below 256 distinguishes data from text.
    let fits = match payload {
        [first, 0, 0, _, ..] => first >> 3 == DATA_V2,
        _ => false,
    };
    Verdict::from_more(datagram.before() < 6 && fits)
}

/// Returns whether the key is the first one and the opcode a reset's.
fn is_reset_opcode(first: u8) -> bool {
    first & 7 == 0 && matches!(first >> 3, CLIENT_RESET_V2 | SERVER_RESET_V2 | CLIENT_RESET_V3)
}

/// Returns whether `message` is a reset. After the opcode and the session comes the HMAC with packet
/// number and time if there is one, then the acknowledgements and the number of the message, 0.
fn is_reset(message: &[u8]) -> bool {
    let Some(&first) = message.first() else { return false };
    if !is_reset_opcode(first) {
        return false;
    }
    // Encrypted: packet number and time come first, and nothing after them is readable.
    if stamped(message, 9) && (message.len() >= 54) {
        return true;
    }
    HMACS.into_iter().any(|hmac| {
        let acknowledgements = if hmac == 0 { 9 } else { 9 + hmac + 8 };
        (hmac == 0 || stamped(message, 9 + hmac))
            && match message.get(acknowledgements) {
                Some(0) => {
                    message.len() == acknowledgements + 5
                        && be32(message, acknowledgements + 1) == Some(0)
                }
                Some(count @ 1..=4) => {
                    let number = acknowledgements + 1 + usize::from(*count) * 4 + 8;
                    message.len() == number + 4 && be32(message, number) == Some(0)
                }
                _ => false,
            }
    })
}

/// Returns whether a small packet number and a plausible time stand at `offset`. Clients that can
/// negotiate early set the highest byte of the number to 0x0f (`tls-crypt-v2`) or to 0x0a.
fn stamped(message: &[u8], offset: usize) -> bool {
    let number = be32(message, offset).map(|number| (number >> 24, number & 0x00ff_ffff));
    let time = be32(message, offset + 4);
    matches!(number, Some((0 | 0x0a | 0x0f, 1..=0x0001_0010)))
        && time.is_some_and(|time| time >= EARLIEST)
}

/// Returns whether datagrams of a session before the capture follow each other: the same peer, and
/// packet numbers that grow.
fn is_data(datagram: &Datagram<'_>) -> bool {
    let Some(last) = datagram.history.last(datagram.direction) else { return false };
    let step = match (be32(datagram.payload, 4), be32(last.bytes(), 4)) {
        (Some(number), Some(before)) => number.wrapping_sub(before),
        _ => return false,
    };
    let opcode = datagram.payload.first().map(|first| first >> 3);
    opcode == Some(DATA_V2)
        && be32(datagram.payload, 0) == be32(last.bytes(), 0)
        && (1..=16).contains(&step)
        && datagram.payload.len() >= 24
        && datagram.history.count(datagram.direction) >= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    const SESSION: [u8; 8] = [0xb0, 0x2c, 0xcf, 0xf1, 0xb5, 0xf0, 0x17, 0x4f];

    fn reset(opcode: u8, hmac: usize) -> Vec<u8> {
        let mut bytes = vec![opcode << 3];
        bytes.extend(SESSION);
        if hmac > 0 {
            bytes.extend(vec![0x5a; hmac]);
            bytes.extend([0, 0, 0, 1, 0x57, 0xa1, 0xc1, 0x5f]);
        }
        bytes.extend([0; 5]);
        bytes
    }

    #[test]
    fn resets_are_known_with_any_hmac() {
        for hmac in HMACS {
            assert_eq!(datagram(&PROTOCOL, 4000, &reset(7, hmac)), Verdict::Match, "{hmac}");
        }
        let mut late = reset(7, 20);
        late[32] = 7;
        late[29] = 7;
        assert_eq!(datagram(&PROTOCOL, 4000, &late), Verdict::No);
    }

    #[test]
    fn servers_acknowledge() {
        let mut bytes = vec![0x40];
        bytes.extend(SESSION);
        bytes.extend([1, 0, 0, 0, 0]);
        bytes.extend(SESSION);
        bytes.extend([0; 4]);
        assert_eq!(datagram(&PROTOCOL, 4000, &bytes), Verdict::Match);
    }

    #[test]
    fn streams_have_a_length_before_each_message() {
        let mut stream = vec![0, 42];
        stream.extend(reset(7, 20));
        assert_streams(&PROTOCOL, 443, &stream, b"");
        stream[2] = 0x39;
        assert_eq!(streams(&PROTOCOL, 443, &stream, b""), Verdict::No);
    }

    #[test]
    fn encrypted_resets_show_number_and_time() {
        let mut bytes = vec![0x50];
        bytes.extend(SESSION);
        bytes.extend([0x0a, 1, 0, 1, 0x62, 0x5a, 0x9e, 0x97]);
        bytes.extend([0x77; 60]);
        assert_eq!(datagram(&PROTOCOL, 1194, &bytes), Verdict::Match);
    }
}
