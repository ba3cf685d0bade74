//! Voice of games: Mumble's pings and TeamSpeak.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::has_magic;

pub(crate) const MUMBLE: Protocol = Protocol {
    id: ProtocolId(387),
    name: "Mumble",
    category: Category(10),
    tcp_ports: &[64_738],
    udp_ports: &[64_738],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0]), ..DatagramRules::new(mumble) }),
    ..Protocol::NEW
};

pub(crate) const TEAMSPEAK: Protocol = Protocol {
    id: ProtocolId(162),
    name: "TeamSpeak",
    category: Category(10),
    udp_ports: &[8767, 9987],
    stream: Some(StreamRules {
        server: Start::Bytes(b"T"),
        ..StreamRules::new(|streams: &Streams<'_>| {
            streams.server_first(|stream| has_magic(stream, b"TS3\n\rWelcome to the TeamSpeak"))
        })
    }),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[b'T', 0xf0, 0xf1, 0xf2, 0xf3, 0xf4]),
        ..DatagramRules::new(teamspeak)
    }),
    ..Protocol::NEW
};

fn mumble(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    match (payload, datagram.answered()) {
        // The version and the identifier of the question, then counts of users.
        ([0, 1, _, _, identifier @ ..], Some(question)) => Verdict::from_match(
            payload.len() == 24
                && question.len() == 12
                && question.bytes().get(4..12) == identifier.get(..8),
        ),
        ([0, 0, 0, 0, ..], _) if payload.len() == 12 => {
            if datagram.has_port(64_738) {
                Verdict::Match
            } else {
                Verdict::More
            }
        }
        _ => Verdict::No,
    }
}

fn teamspeak(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        payload.starts_with(b"TS3INIT1")
            // Version 2: the class of the packet and a number of the connection.
            || matches!(*payload, [0xf0..=0xf4, 0xbe, 0..=7, 0, ..] if payload.len() >= 16),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams, streams};

    const PING: &[u8] = b"\0\0\0\0identify";
    const PONG: &[u8] = b"\0\x01\x04\0identify\0\0\0\x02\0\0\0\x64\0\x01\x17\x70";

    #[test]
    fn pings_of_mumble_match() {
        assert_eq!(datagram(&MUMBLE, 64_738, PING), Verdict::Match);
        assert_eq!(datagram(&MUMBLE, 5000, PING), Verdict::More);
        assert_eq!(
            datagrams(&MUMBLE, 5000, &[(FromClient, PING), (FromServer, PONG)]),
            Verdict::Match
        );
        assert_eq!(datagram(&MUMBLE, 64_738, &PING[..11]), Verdict::No);
    }

    #[test]
    fn openings_of_teamspeak_match() {
        assert_eq!(datagram(&TEAMSPEAK, 9987, b"TS3INIT1\0\x65\0\0\x88"), Verdict::Match);
        assert_eq!(
            datagram(&TEAMSPEAK, 8767, b"\xf4\xbe\x03\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            Verdict::Match
        );
        assert_eq!(datagram(&TEAMSPEAK, 9987, b"TS3FAIL!"), Verdict::No);
        let query = b"TS3\n\rWelcome to the TeamSpeak 3 ServerQuery interface";
        assert_eq!(streams(&TEAMSPEAK, 10_011, b"", query), Verdict::Match);
        assert_eq!(streams(&TEAMSPEAK, 10_011, b"", b"TS3\n\rGoodbye"), Verdict::No);
    }
}
