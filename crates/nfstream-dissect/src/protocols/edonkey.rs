//! eDonkey and eMule: their messages over TCP, and those of servers and of Kad over UDP, as public
//! descriptions of the protocol give them.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(36),
    name: "eDonkey",
    category: Category(7),
    tcp_ports: &[4662],
    udp_ports: &[4672],
    stream: Some(StreamRules::either(Start::Bytes(&[EDONKEY, EMULE, COMPRESSED]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[EDONKEY, EMULE, KAD, KAD_COMPRESSED]),
        ..DatagramRules::new(datagram)
    }),
    ..Protocol::NEW
};

const EDONKEY: u8 = 0xe3;
const EMULE: u8 = 0xc5;
const COMPRESSED: u8 = 0xd4;
const KAD: u8 = 0xe4;
const KAD_COMPRESSED: u8 = 0xe5;

const HELLO: u8 = 0x01;
const HELLO_ANSWER: u8 = 0x4c;
/// Longest message that is read to see the start of the next.
const MAX_LEN: usize = 4096;
const MAX_TAGS: u32 = 64;

fn probe(streams: &Streams<'_>) -> Verdict {
    either(message(streams.client), message(streams.server))
}

fn message(stream: &[u8]) -> Verdict {
    check(stream, |reader| {
        let protocol = reader.u8()?;
        let len = usize::try_from(reader.le32()?).ok()?;
        if !(1..=1 << 20).contains(&len) {
            return Some(false);
        }
        match (protocol, reader.u8()?) {
            (EDONKEY, opcode @ (HELLO | HELLO_ANSWER)) => {
                // A hello to a client states the size of its hash first; one to a server does not.
                if opcode == HELLO && *reader.0.first()? == 16 {
                    reader.u8()?;
                }
                reader.take(16 + 4 + 2)?;
                Some((1..=MAX_TAGS).contains(&reader.le32()?))
            }
            (EMULE, HELLO | 0x02) => {
                reader.u16()?;
                Some(reader.le32()? <= MAX_TAGS)
            }
            _ if len > MAX_LEN => Some(false),
            _ => {
                reader.take(len - 1)?;
                let next = reader.u8()?;
                let len = reader.le32()?;
                Some(matches!(next, EDONKEY | EMULE | COMPRESSED) && (1..=1 << 20).contains(&len))
            }
        }
    })
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let &[protocol, opcode, ..] = payload else { return Verdict::No };
    let len = payload.len();
    let fits = match (protocol, opcode) {
        (EDONKEY, 0x96) => len == 6,
        (EDONKEY, 0x97) => len >= 14,
        (EDONKEY, 0x9a | 0x94) => len >= 18,
        (EDONKEY, 0x98 | 0x99 | 0x92 | 0x9b | 0xa3) => len >= 6,
        (EDONKEY, 0xa2) => len == 2 || len == 6,
        (EMULE, 0x90) => len >= 18,
        (EMULE, 0x91) => len >= 4,
        (EMULE, 0x92 | 0x93) => len == 2,
        (KAD, 0x01 | 0x60) => len == 2,
        (KAD, 0x61) => len == 4,
        (KAD, 0x20 | 0x21) => len == 35,
        (KAD, 0x11 | 0x19) => len >= 22,
        (KAD, 0x09) => len >= 23,
        (KAD, 0x00 | 0x10 | 0x18) => len == 27,
        (KAD, 0x08 | 0x28 | 0x29 | 0x30..=0x34 | 0x40 | 0x43 | 0x44 | 0x4b) => len >= 18,
        (KAD, 0x50) => len == 4,
        (KAD, 0x53) => len >= 19,
        (KAD, 0x58) => len == 6,
        (KAD, 0x22) => len == 18,
        (KAD_COMPRESSED, 0x08..=0x4b) => payload.get(2) == Some(&0x78),
        _ => false,
    };
    if !fits {
        Verdict::No
    } else if datagram.before() > 0 || datagram.has_port(4672) {
        Verdict::Match
    } else {
        Verdict::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{assert_streams, datagrams, streams};

    #[test]
    fn a_hello_counts_its_tags() {
        let hello = [&b"\xe3\x77\0\0\0\x01\x10"[..], &[7; 22], &[2, 0, 0, 0]].concat();
        assert_streams(&PROTOCOL, 7551, &hello, b"");
        let other = [&b"\xe3\x77\0\0\0\x01\x10"[..], &[7; 22], &[2, 0, 9, 0]].concat();
        assert_eq!(streams(&PROTOCOL, 7551, &other, b""), Verdict::No);
    }

    #[test]
    fn other_messages_are_known_by_the_next() {
        assert_streams(&PROTOCOL, 7551, b"", b"\xe3\x03\0\0\0\x38ab\xe3\x05\0\0\0\x40");
        assert_eq!(streams(&PROTOCOL, 7551, b"", b"\xe3\x01\0\0\0\x38abcdef"), Verdict::No);
    }

    #[test]
    fn two_datagrams_tell_more_than_one() {
        let [ping, pong] = [&b"\xe4\x60"[..], b"\xe4\x61\x40\x12"];
        assert_eq!(datagrams(&PROTOCOL, 7551, &[(FromClient, ping)]), Verdict::More);
        let both = [(FromClient, ping), (FromServer, pong)];
        assert_eq!(datagrams(&PROTOCOL, 7551, &both), Verdict::Match);
        assert_eq!(datagrams(&PROTOCOL, 4672, &both[..1]), Verdict::Match);
    }
}
