//! BitTorrent: peers over TCP (BEP 3), uTP (BEP 29), DHT (BEP 5), trackers over UDP (BEP 15) and
//! local discovery (BEP 14).

use std::fmt::Write;

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Need, Protocol, Start, StreamRules};
use crate::protocols::rpc_text::contains;
use crate::read::{Reader, be16, begins};
use crate::shape::check;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(37),
    name: "BitTorrent",
    category: Category(7),
    tcp_ports: &[6881, 51_413],
    udp_ports: &[6771, 6881, 51_413],
    stream: Some(StreamRules {
        probe: probe_stream,
        client: Start::Bytes(&[19, 0]),
        server: Start::Bytes(&[19, 0]),
        parse: Some(parse_stream),
    }),
    datagram: Some(DatagramRules {
        probe,
        start: Start::Bytes(&[b'd', 0, b'B', 0x01, 0x41]),
        parse: DatagramParser::Each(parse_datagram),
    }),
    ..Protocol::NEW
};

/// uTP in the middle of a connection: a weak sign, so after all others.
pub(crate) const UTP: Protocol = Protocol {
    datagram: Some(DatagramRules {
        probe: probe_utp,
        start: Start::Bytes(&[0x01, 0x11, 0x21, 0x31, 0x41]),
        parse: DatagramParser::Each(parse_datagram),
    }),
    stream: None,
    tcp_ports: &[],
    udp_ports: &[],
    ..PROTOCOL
};

/// Metadata of BitTorrent messages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BitTorrent {
    /// Hash of the torrent in hexadecimal digits.
    pub info_hash: Box<str>,
}

const HANDSHAKE: &[u8] = b"\x13BitTorrent protocol";
/// Bytes of the handshake before the hash.
const HASH: usize = HANDSHAKE.len() + 8;
const HASH_LEN: usize = 20;
/// First bytes of a request to a tracker: a constant and the action.
const TRACKER_CONNECT: &[u8] = &[0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0];
const UTP_HEADER: usize = 20;
/// Bytes of a block.
const BLOCK: u32 = 1 << 14;

fn probe_stream(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    match stream.first() {
        Some(0) => check(stream, are_messages),
        _ => begins(stream, HANDSHAKE),
    }
}

/// Returns whether messages between peers follow each other, of a connection that has begun before:
/// one about a block, or three others.
fn are_messages(reader: &mut Reader<'_>) -> Option<bool> {
    for _ in 0..3 {
        let len = reader.u32()?;
        match (reader.u8()?, len) {
            // Choked or not, interested or not; all or nothing.
            (0..=3 | 14 | 15, 1) => {}
            // A piece that a peer has, suggests or allows.
            (4 | 13 | 17, 5) => {
                reader.u32()?;
            }
            // A request, its end or its refusal.
            (6 | 8 | 16, 13) => {
                reader.u32()?;
                let begin = reader.u32()?;
                return Some(begin % BLOCK == 0 && (1..=BLOCK).contains(&reader.u32()?));
            }
            (7, _) if len == 9 + BLOCK => {
                reader.u32()?;
                return Some(reader.u32()? % BLOCK == 0);
            }
            _ => return Some(false),
        }
    }
    Some(true)
}

fn parse_stream(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let has_handshake = |stream: &&[u8]| stream.first() == HANDSHAKE.first();
    let mut handshakes = [streams.client, streams.server].into_iter().filter(has_handshake);
    let hash = handshakes.clone().find_map(|stream| stream.get(HASH..HASH + HASH_LEN));
    match hash {
        Some(hash) => {
            set_hash(hash, finding);
            Need::Done
        }
        None if handshakes.next().is_some() => {
            Need::Bytes { client: HASH + HASH_LEN, server: HASH + HASH_LEN }
        }
        // A connection that began before the capture has none.
        None => Need::Done,
    }
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        is_dht(payload)
            || (payload.starts_with(TRACKER_CONNECT) && payload.len() == 16)
            || payload.starts_with(b"BT-SEARCH * HTTP/1.1\r\n")
            || is_utp_syn(payload)
            || payload.get(UTP_HEADER..).is_some_and(|data| data.starts_with(HANDSHAKE)),
    )
}

fn probe_utp(datagram: &Datagram<'_>) -> Verdict {
    let Some(connection) = utp_connection(datagram.payload) else { return Verdict::No };
    // The ends of a connection number it alike, or one apart.
    let answer = datagram.answered().and_then(|head| {
        (head.len() >= UTP_HEADER).then(|| utp_connection(head.bytes())).flatten()
    });
    match answer {
        Some(other) => Verdict::from_match(connection.abs_diff(other) <= 1),
        None if datagram.before() < 8 => Verdict::More,
        None => Verdict::No,
    }
}

/// Returns whether a payload is a query, response or error of the DHT: a dictionary in the order
/// of its keys.
fn is_dht(payload: &[u8]) -> bool {
    let begins = [&b"d1:ad2:id20:"[..], b"d1:rd2:id20:", b"d2:ip6:", b"d2:ip18:", b"d1:eli2"]
        .iter()
        .any(|begin| payload.starts_with(begin));
    // A key `v` may follow the type.
    begins && (payload.ends_with(b"e") || payload.len() >= 1000) && contains(payload, b"1:y1:")
        || (payload.starts_with(b"d1:ad2:id20:") && contains(payload, b"1:q"))
}

/// Returns whether a payload opens a connection of uTP: the first packet, to which nothing came.
fn is_utp_syn(payload: &[u8]) -> bool {
    let [0x41, extension, ..] = *payload else { return false };
    let fits = match extension {
        0 => payload.len() == UTP_HEADER,
        // One extension: the next type, its length, its bytes.
        1..=3 => {
            payload.get(21).is_some_and(|len| payload.len() == UTP_HEADER + 2 + usize::from(*len))
        }
        _ => false,
    };
    fits && payload.get(8..12) == Some(&[0; 4])
        && be16(payload, 16) == Some(1)
        && be16(payload, 18) == Some(0)
}

/// Returns the connection of a packet that can be one of uTP.
fn utp_connection(payload: &[u8]) -> Option<u16> {
    let [first, extension, ..] = *payload else { return None };
    let kind = first >> 4;
    let valid = first & 15 == 1
        && kind <= 4
        && extension <= 3
        && payload.len() >= UTP_HEADER
        // All but data have no payload of their own.
        && (kind == 0 || extension != 0 || payload.len() <= UTP_HEADER);
    be16(payload, 2).filter(|connection| valid && *connection != 0)
}

fn parse_datagram(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    let payload = datagram.payload;
    let handshake = payload.get(UTP_HEADER..).filter(|data| data.starts_with(HANDSHAKE));
    if let Some(hash) = handshake.and_then(|data| data.get(HASH..HASH + HASH_LEN)) {
        set_hash(hash, finding);
        return Progress::Done;
    }
    let key = b"9:info_hash20:";
    if let Some(place) = payload.windows(key.len()).position(|window| window == key)
        && let Some(hash) = payload.get(place + key.len()..place + key.len() + HASH_LEN)
    {
        set_hash(hash, finding);
        return Progress::Done;
    }
    if datagram.before() < 6 { Progress::More } else { Progress::Done }
}

fn set_hash(hash: &[u8], finding: &mut Finding) {
    let mut digits = String::with_capacity(2 * HASH_LEN);
    for byte in hash {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    finding.metadata().bittorrent = Some(Box::new(BitTorrent { info_hash: digits.into() }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    #[test]
    fn pieces_are_no_hash() {
        let piece = [&[0, 0, 0x40, 9, 7, 0, 0, 0, 1, 0, 0, 0, 0][..], &[0xab; 60]].concat();
        testing::assert_streams(&PROTOCOL, 6881, &piece, b"");
        let found = testing::parse_streams(&PROTOCOL, 6881, &piece, b"", Finding::default());
        let found = found.found_metadata().and_then(|metadata| metadata.bittorrent.as_ref());
        assert!(found.is_none());
    }

    #[test]
    fn handshakes_match_and_show_the_hash() {
        let handshake = [HANDSHAKE, &[0; 8], &[0xab; 20], b"-TR3000-"].concat();
        testing::assert_streams(&PROTOCOL, 6881, &handshake, b"");
        let found = testing::parse_streams(&PROTOCOL, 6881, &handshake, b"", Finding::default());
        let hash = &found.found_metadata().unwrap().bittorrent.as_ref().unwrap().info_hash;
        assert_eq!(&**hash, "ab".repeat(20));
        assert_eq!(testing::streams(&PROTOCOL, 6881, b"\x13BitTorrent protocoX", b""), Verdict::No);
    }

    #[test]
    fn queries_and_trackers_match() {
        // Examples of BEP 5.
        for payload in [
            &b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"[..],
            b"d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re",
            b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
            b"\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0abcd",
            b"BT-SEARCH * HTTP/1.1\r\n",
        ] {
            assert_eq!(testing::datagram(&PROTOCOL, 6881, payload), Verdict::Match);
        }
        assert_eq!(testing::datagram(&PROTOCOL, 6881, b"d1:x1:ye"), Verdict::No);
    }

    #[test]
    fn connections_of_utp_match() {
        let syn = b"\x41\0\x12\x34aaaa\0\0\0\0\0\x10\0\0\0\x01\0\0";
        assert_eq!(testing::datagram(&PROTOCOL, 6881, syn), Verdict::Match);
        let data = b"\x01\0\x12\x35aaaabbbb\0\x10\0\0\0\x02\0\x01payload";
        let state = b"\x21\0\x12\x34aaaabbbb\0\x10\0\0\0\x02\0\x01";
        assert_eq!(testing::datagram(&UTP, 6881, data), Verdict::More);
        let of = |second: &[u8]| {
            let payloads = [(Direction::FromClient, &data[..]), (Direction::FromServer, second)];
            testing::datagrams(&UTP, 6881, &payloads)
        };
        assert_eq!(of(state), Verdict::Match);
        assert_eq!(of(b"\x21\0\x99\x99aaaabbbb\0\x10\0\0\0\x02\0\x01"), Verdict::No);
    }
}
