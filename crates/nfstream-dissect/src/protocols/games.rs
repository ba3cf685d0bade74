//! Games whose first packets have a form of their own.

use crate::label::{Category, ProtocolId};
use crate::packet::Direction;
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{be32, has_magic, le32};

const fn game(id: u16, name: &'static str) -> Protocol {
    Protocol { id: ProtocolId(id), name, category: Category(8), ..Protocol::NEW }
}

/// Among Us, by the greeting of its Hazel library.
pub(crate) const AMONG_US: Protocol = Protocol {
    udp_ports: &[22_023],
    datagram: Some(DatagramRules { start: Start::Bytes(&[8]), ..DatagramRules::new(among_us) }),
    ..game(69, "AmongUs")
};

/// Genshin Impact and its siblings: packets around a conversation of KCP.
pub(crate) const GENSHIN_IMPACT: Protocol = Protocol {
    udp_ports: &[22_101, 22_102],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0]), ..DatagramRules::new(genshin) }),
    ..game(257, "GenshinImpact")
};

/// Call of Duty Mobile, by its pings.
pub(crate) const COD_MOBILE: Protocol =
    Protocol { datagram: Some(DatagramRules::new(cod_mobile)), ..game(186, "CoD_Mobile") };

/// Call of Duty: the probes of Demonware between a player and servers.
pub(crate) const ACTIVISION: Protocol = Protocol {
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0x0c, 0x0d]),
        ..DatagramRules::new(activision)
    }),
    ..game(258, "Activision")
};

/// The Elder Scrolls Online.
pub(crate) const TES_ONLINE: Protocol = Protocol {
    stream: Some(StreamRules::either(Start::Bytes(&[0]), tes_online)),
    ..game(408, "TES_Online")
};

/// Guild Wars 2: the protocol of its portal.
pub(crate) const GUILD_WARS_2: Protocol = Protocol {
    tcp_ports: &[6112],
    stream: Some(StreamRules {
        client: Start::Bytes(b"P"),
        server: Start::Bytes(b"S"),
        ..StreamRules::new(guild_wars)
    }),
    ..game(109, "GuildWars2")
};

/// Netcode and yojimbo, libraries for games.
pub(crate) const YOJIMBO: Protocol = Protocol {
    datagram: Some(DatagramRules { start: Start::Bytes(&[0]), ..DatagramRules::new(yojimbo) }),
    ..game(388, "Yojimbo")
};

fn among_us(datagram: &Datagram<'_>) -> Verdict {
    // Hello: a number, the version of Hazel, that of the game, a name with its length.
    let payload = datagram.payload;
    let version = le32(payload, 4);
    let name = payload.get(8).map(|len| usize::from(*len));
    Verdict::from_match(
        payload.starts_with(&[8, 0, 1, 0])
            && version.is_some_and(|version| (50_000_000..60_000_000).contains(&version))
            && name.is_some_and(|len| (1..=32).contains(&len) && 9 + len <= payload.len()),
    )
}

fn genshin(datagram: &Datagram<'_>) -> Verdict {
    // Connect, accept and disconnect: a command before and a mark after two numbers and 1234567890.
    let payload = datagram.payload;
    let is_command = matches!(
        (be32(payload, 0), be32(payload, 16)),
        (Some(0xff), Some(0xffff_ffff))
            | (Some(0x145), Some(0x1451_4545))
            | (Some(0x194), Some(0x1941_9494))
    );
    Verdict::from_match(payload.len() == 20 && is_command)
}

fn cod_mobile(datagram: &Datagram<'_>) -> Verdict {
    // Eight bytes and "ping", which come back unchanged.
    let payload = datagram.payload;
    if payload.len() != 12 || !payload.ends_with(b"ping") || !datagram.has_port_in(7000, 20_100) {
        return Verdict::No;
    }
    match datagram.answered() {
        Some(first) => Verdict::from_match(first.bytes() == payload),
        None if datagram.before() < 6 => Verdict::More,
        None => Verdict::No,
    }
}

fn activision(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    if payload.len() != 29 || payload.get(1..3) != Some(&[2, 0]) || !datagram.has_port(3074) {
        return Verdict::No;
    }
    // The answer repeats the question after another first byte.
    let question = datagram.history.first(Direction::FromClient);
    match (payload.first(), question) {
        (Some(0x0d), _) if datagram.before() < 6 => Verdict::More,
        (Some(0x0c), Some(question)) => {
            Verdict::from_match(question.bytes().get(1..) == payload.get(1..20))
        }
        _ => Verdict::No,
    }
}

fn tes_online(streams: &Streams<'_>) -> Verdict {
    // Two lengths, the second without eight bytes, with a mark between.
    streams.either(|stream| {
        let len = be32(stream, 0)?;
        Some(
            (16..8192).contains(&len)
                && be32(stream, 4)? == 0x0001_0001
                && be32(stream, 8)? == len - 8,
        )
    })
}

fn guild_wars(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| match *stream.first()? {
        b'P' => has_magic(stream, b"P /Sts/Connect STS/1.0"),
        _ => has_magic(stream, b"STS/1.0 "),
    })
}

fn yojimbo(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(
        datagram.payload.get(1..).is_some_and(|rest| rest.starts_with(b"NETCODE 1.0")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams, streams};

    #[test]
    fn among_us_greets_with_a_name() {
        let hello = b"\x08\0\x01\0\x80\xd9\x02\x03\x06player";
        assert_eq!(datagram(&AMONG_US, 22_023, hello), Verdict::Match);
        assert_eq!(datagram(&AMONG_US, 22_023, &hello[..14]), Verdict::No);
    }

    #[test]
    fn genshin_impact_connects_with_a_mark() {
        let connect = b"\0\0\0\xff\0\0\0\0\0\0\0\0\x49\x96\x02\xd2\xff\xff\xff\xff";
        assert_eq!(datagram(&GENSHIN_IMPACT, 22_101, connect), Verdict::Match);
        assert_eq!(datagram(&GENSHIN_IMPACT, 22_101, &connect[..19]), Verdict::No);
    }

    #[test]
    fn echoes_are_needed_where_questions_are_weak() {
        let ping = b"\xbb\xb6\x53\xea\x96\xfd\xbb\x03ping";
        assert_eq!(datagram(&COD_MOBILE, 7500, ping), Verdict::More);
        let echoed = [(FromClient, &ping[..]), (FromServer, ping)];
        assert_eq!(datagrams(&COD_MOBILE, 7500, &echoed), Verdict::Match);

        let mut question = [7; 29];
        question[..3].copy_from_slice(&[0x0d, 2, 0]);
        let mut answer = question;
        answer[0] = 0x0c;
        assert_eq!(datagram(&ACTIVISION, 3074, &question), Verdict::More);
        let answered = [(FromClient, &question[..]), (FromServer, &answer)];
        assert_eq!(datagrams(&ACTIVISION, 3074, &answered), Verdict::Match);
    }

    #[test]
    fn streams_of_games_match() {
        let login = b"\0\0\x03\x56\0\x01\0\x01\0\0\x03\x4e\x01\x10";
        assert_eq!(streams(&TES_ONLINE, 24_120, login, b""), Verdict::Match);
        assert_eq!(streams(&TES_ONLINE, 24_120, b"\0\0\x03\x56\0\x01\0\x02", b""), Verdict::No);
        let portal = b"P /Sts/Connect STS/1.0\r\nl:0\r\n";
        assert_eq!(streams(&GUILD_WARS_2, 6112, portal, b""), Verdict::Match);
        assert_eq!(streams(&GUILD_WARS_2, 6112, b"POST / HTTP/1.1", b""), Verdict::No);
        assert_eq!(datagram(&YOJIMBO, 40_000, b"\0NETCODE 1.02\0\x01"), Verdict::Match);
        assert_eq!(datagram(&YOJIMBO, 40_000, b"\0NETCOD"), Verdict::No);
    }
}
