//! Blizzard: classic Battle.net, World of Warcraft and the datagrams of Heroes of the Storm.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{be32, has_magic, le16};

pub(crate) const BATTLE_NET: Protocol = Protocol {
    id: ProtocolId(213),
    name: "Blizzard",
    category: Category(8),
    tcp_ports: &[1119],
    udp_ports: &[1119],
    stream: Some(StreamRules { client: Start::Bytes(&[1]), ..StreamRules::new(battle_net) }),
    ..Protocol::NEW
};

pub(crate) const WORLD_OF_WARCRAFT: Protocol = Protocol {
    id: ProtocolId(76),
    name: "WorldOfWarcraft",
    category: Category(8),
    tcp_ports: &[3724],
    stream: Some(StreamRules::either(Start::Bytes(b"\0W"), warcraft)),
    ..Protocol::NEW
};

pub(crate) const HEROES: Protocol = Protocol {
    id: ProtocolId(336),
    name: "Heroes_of_the_Storm",
    category: Category(8),
    datagram: Some(DatagramRules::new(heroes)),
    ..Protocol::NEW
};

fn battle_net(streams: &Streams<'_>) -> Verdict {
    // The protocol of games, then SID_AUTH_INFO with its length, a zero and a platform.
    let is_greeting = |stream: &[u8]| {
        Some(
            *stream.first()? == 1
                && *stream.get(1)? == 0xff
                && *stream.get(2)? == 0x50
                && (0x20..0x100).contains(&le16(stream, 3)?)
                && be32(stream, 5)? == 0
                && matches!(stream.get(9..13)?, b"68XI" | b"CAMP" | b"XAMX"),
        )
    };
    streams.client_first(is_greeting)
}

fn warcraft(streams: &Streams<'_>) -> Verdict {
    const GREETING: &[u8] = b"WORLD OF WARCRAFT CONNECTION - ";
    streams.either(|stream| match (*stream.first()?, stream.get(2)) {
        (b'W', _) => has_magic(stream, GREETING),
        // A length of two bytes may stand before the text.
        (_, Some(b'W')) => has_magic(stream.get(2..)?, GREETING),
        (_, None) => None,
        // A challenge: command, error, size and a name.
        _ => Some(
            *stream.get(1)? <= 8
                && (30..=60).contains(&le16(stream, 2)?)
                && stream.get(4..8)? == b"WoW\0",
        ),
    })
}

fn heroes(datagram: &Datagram<'_>) -> Verdict {
    /// Datagrams that must agree.
    const NEEDED: usize = 3;
    let payload = datagram.payload;
    let usual_port = [1119, 1120, 3724, 6113].iter().any(|port| datagram.has_port(*port));
    // After a check of fourteen bytes a fixed flag and a counter.
    let fits = |bytes: &[u8]| bytes.len() >= 20 && bytes.get(14) == Some(&0x40);
    if !usual_port || !fits(payload) {
        return Verdict::No;
    }
    if datagram.before() + 1 >= NEEDED { Verdict::Match } else { Verdict::More }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::FromClient;
    use crate::protocols::testing::{datagrams, streams};

    #[test]
    fn greetings_and_challenges_match() {
        let auth = b"\x01\xff\x50\x3a\0\0\0\0\x0068XIPXES";
        assert_eq!(streams(&BATTLE_NET, 6112, auth, b""), Verdict::Match);
        assert_eq!(streams(&BATTLE_NET, 6112, b"\x01\xff\x51", b""), Verdict::No);
        let challenge = b"\0\x08\x23\0WoW\0\x03\x03\x05";
        assert_eq!(streams(&WORLD_OF_WARCRAFT, 3724, challenge, b""), Verdict::Match);
        let greeting = b"\0\x30WORLD OF WARCRAFT CONNECTION - SERVER TO CLIENT\0";
        assert_eq!(streams(&WORLD_OF_WARCRAFT, 8085, b"", greeting), Verdict::Match);
        assert_eq!(streams(&WORLD_OF_WARCRAFT, 3724, b"\0\x08\x23\0XoX\0", b""), Verdict::No);
    }

    #[test]
    fn three_agreeing_datagrams_match() {
        let mut payload = [0; 24];
        payload[14] = 0x40;
        let sent = (FromClient, &payload[..]);
        assert_eq!(datagrams(&HEROES, 3724, &[sent, sent]), Verdict::More);
        assert_eq!(datagrams(&HEROES, 3724, &[sent, sent, sent]), Verdict::Match);
        assert_eq!(datagrams(&HEROES, 3725, &[sent]), Verdict::No);
    }
}
