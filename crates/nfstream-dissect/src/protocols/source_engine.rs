//! Queries of game servers: those of the Source engine (Valve's "Server queries") and of Quake III.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const SOURCE_ENGINE: Protocol = Protocol {
    id: ProtocolId(333),
    name: "Source_Engine",
    category: Category(8),
    udp_ports: &[27_015],
    datagram: Some(DatagramRules { start: ALL_ONES, ..DatagramRules::new(source) }),
    ..Protocol::NEW
};

pub(crate) const QUAKE: Protocol = Protocol {
    id: ProtocolId(10_219),
    name: "Quake",
    category: Category(8),
    udp_ports: &[27_960],
    datagram: Some(DatagramRules { start: ALL_ONES, ..DatagramRules::new(quake) }),
    ..Protocol::NEW
};

const ALL_ONES: Start = Start::Bytes(&[0xff]);
/// First bytes of a datagram without a connection.
const PREFIX: &[u8] = &[0xff; 4];

fn source(datagram: &Datagram<'_>) -> Verdict {
    let Some(message) = datagram.payload.strip_prefix(PREFIX) else { return Verdict::No };
    Verdict::from_match(match message {
        [b'T', query @ ..] => query.starts_with(b"Source Engine Query\0"),
        // Players, rules and a challenge; answers to them.
        [b'U' | b'V' | b'W', challenge @ ..] => challenge.len() == 4,
        [b'A', challenge @ ..] => challenge.len() == 4,
        [b'I', 2..=0x40, name @ ..] => name.contains(&0),
        [b'D', _, 0, ..] => true,
        [b'E', _, _, name @ ..] => name.contains(&0),
        _ => false,
    })
}

fn quake(datagram: &Datagram<'_>) -> Verdict {
    const COMMANDS: [&[u8]; 10] = [
        b"getstatus",
        b"getinfo",
        b"getchallenge",
        b"getservers",
        b"connect ",
        b"statusResponse",
        b"infoResponse",
        b"challengeResponse",
        b"connectResponse",
        b"heartbeat ",
    ];
    let message = datagram.payload.strip_prefix(PREFIX);
    Verdict::from_match(
        message.is_some_and(|message| COMMANDS.iter().any(|command| message.starts_with(command))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn queries_match() {
        let query = b"\xff\xff\xff\xffTSource Engine Query\0";
        assert_eq!(datagram(&SOURCE_ENGINE, 27_015, query), Verdict::Match);
        assert_eq!(
            datagram(&SOURCE_ENGINE, 27_016, b"\xff\xff\xff\xffU\xff\xff\xff\xff"),
            Verdict::Match
        );
        assert_eq!(datagram(&QUAKE, 27_960, b"\xff\xff\xff\xffgetstatus\n"), Verdict::Match);
    }

    #[test]
    fn other_messages_do_not() {
        assert_eq!(datagram(&SOURCE_ENGINE, 27_015, b"\xff\xff\xff\xffU\xff"), Verdict::No);
        assert_eq!(
            datagram(&SOURCE_ENGINE, 27_015, b"\xff\xff\xff\xfeU\xff\xff\xff\xff"),
            Verdict::No
        );
        assert_eq!(datagram(&QUAKE, 27_960, b"\xff\xff\xff\xffget"), Verdict::No);
    }
}
