//! MQTT 3.1, 3.1.1 and 5 (OASIS).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::read::{Reader, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(222),
    name: "MQTT",
    category: Category(16),
    tcp_ports: &[1883, 8883],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(FIRST_BYTES),
        server: Start::Bytes(FIRST_BYTES),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// Metadata of an MQTT connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mqtt {
    /// Level of the protocol: 3 for 3.1, 4 for 3.1.1, 5.
    pub level: u8,
    /// Name of the client.
    pub client_id: Box<str>,
    /// User of the client; only if personal data is wanted.
    pub user: Box<str>,
}

const CONNECT: u8 = 0x10;
/// Connections, messages, acknowledgements, subscriptions and signs of life.
const FIRST_BYTES: &[u8] = &[
    CONNECT, 0x20, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x40,
    0x50, 0x70, 0x82, 0x90, 0xb0, 0xc0, 0xd0,
];
/// Names of the protocol with their length and level.
const NAMES: [(&[u8], std::ops::RangeInclusive<u8>); 2] =
    [(b"\0\x04MQTT", 4..=5), (b"\0\x06MQIsdp", 3..=3)];

/// Bytes of packets without a name that suffice at any port.
const ENOUGH: usize = 6;

/// Returns what follows a packet without a name: an acknowledgement of a connection, a message or a
/// subscription, or a sign of life.
fn after_signal(stream: &[u8]) -> Option<&[u8]> {
    match stream {
        [0x20, 2, 0 | 1, 0..=5, rest @ ..]
        | [0xc0 | 0xd0, 0, rest @ ..]
        | [0x40 | 0x50 | 0x70 | 0xb0, 2, _, _, rest @ ..]
        | [0x90, 3, _, _, 0..=2 | 0x80, rest @ ..] => Some(rest),
        _ => None,
    }
}

fn probe(streams: &Streams<'_>) -> Verdict {
    let whole = if streams.client.is_empty() { streams.server } else { streams.client };
    let mut stream = whole;
    // Signals may come first where the beginning was missed.
    while let Some(rest) = after_signal(stream) {
        let read = whole.len() - rest.len();
        if streams.has_port(1883) || stream.len() < whole.len() && read >= ENOUGH {
            return Verdict::Match;
        }
        stream = rest;
    }
    let [first, ref rest @ ..] = *stream else { return Verdict::More };
    match first {
        CONNECT => probe_connect(rest),
        // The answer to a connection of MQTT 5: its session, a code and properties.
        0x20 if streams.has_port(1883) => match rest {
            [len @ 3..=0x7f, 0 | 1, 0 | 0x80..=0x9f, properties, ..] => {
                Verdict::from_match(properties.checked_add(3) == Some(*len))
            }
            _ if rest.len() < 3 => Verdict::More,
            _ => Verdict::No,
        },
        // A message in the middle of a connection.
        0x30..=0x35 | 0x38..=0x3d => probe_publish(first, rest),
        // A subscription of a topic.
        0x82 => probe_subscribe(rest),
        0xc0 | 0xd0 if rest.is_empty() => Verdict::More,
        0x20 | 0x40 | 0x50 | 0x70 | 0x90 | 0xb0 => {
            let cut = rest.len() < if first == 0x90 { 4 } else { 3 };
            Verdict::from_more(cut && rest.first().is_none_or(|len| matches!(len, 2 | 3)))
        }
        _ => Verdict::No,
    }
}

/// The length of the rest of a packet, and what follows; `None` before its end.
fn remaining(bytes: &[u8]) -> Result<(usize, &[u8]), Verdict> {
    let mut len = 0;
    for (place, byte) in bytes.iter().enumerate().take(4) {
        len |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok((len, &bytes[place + 1..]));
        }
    }
    Err(if bytes.len() < 4 { Verdict::More } else { Verdict::No })
}

fn probe_connect(rest: &[u8]) -> Verdict {
    let (len, rest) = match remaining(rest) {
        Ok(parts) => parts,
        Err(verdict) => return verdict,
    };
    if len < 12 {
        return Verdict::No;
    }
    let of = |(name, levels): (&[u8], std::ops::RangeInclusive<u8>)| {
        match (crate::read::begins(rest, name), rest.get(name.len())) {
            // The top bit marks a bridge.
            (Verdict::Match, Some(level)) => Verdict::from_match(levels.contains(&(level & 0x7f))),
            (Verdict::Match, None) => Verdict::More,
            (verdict, _) => verdict,
        }
    };
    NAMES.into_iter().map(of).reduce(Verdict::or).unwrap_or(Verdict::No)
}

/// A topic of printable characters, without wild cards, that leaves room for the message.
fn probe_publish(first: u8, rest: &[u8]) -> Verdict {
    let (len, rest) = match remaining(rest) {
        Ok(parts) => parts,
        Err(verdict) => return verdict,
    };
    let identifier = if first & 6 == 0 { 0 } else { 2 };
    probe_topic(rest, len.saturating_sub(identifier), |byte| {
        (b'!'..=b'~').contains(&byte) && !b"+#".contains(&byte)
    })
}

fn probe_subscribe(rest: &[u8]) -> Verdict {
    let (len, rest) = match remaining(rest) {
        Ok(parts) => parts,
        Err(verdict) => return verdict,
    };
    let Some(rest) = rest.get(2..) else { return Verdict::More };
    probe_topic(rest, len.saturating_sub(3), |byte| (b'!'..=b'~').contains(&byte))
}

fn probe_topic(rest: &[u8], room: usize, allowed: fn(u8) -> bool) -> Verdict {
    let [high, low, ref topic @ ..] = *rest else { return Verdict::More };
    let len = usize::from(u16::from_be_bytes([high, low]));
    if !(4..=512).contains(&len) || len + 2 > room {
        return Verdict::No;
    }
    let there = &topic[..topic.len().min(len)];
    if !there.iter().all(|byte| allowed(*byte)) {
        return Verdict::No;
    }
    // Topics have levels, or at least letters.
    let whole = there.len() == len;
    let letters = there.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    match whole {
        true => Verdict::from_match(2 * letters >= len || there.contains(&b'/')),
        false => Verdict::More,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let [CONNECT, rest @ ..] = streams.client else { return Need::Done };
    let Ok((len, body)) = remaining(rest) else { return Need::client(streams.client.len() + 1) };
    let header = streams.client.len() - body.len();
    // Names are short; a will or password after them may be long.
    let wanted = len.min(2048);
    if body.len() < wanted {
        return Need::client(header + wanted);
    }
    read(&body[..len.min(body.len())], finding);
    Need::Done
}

fn read(body: &[u8], finding: &mut Finding) -> Option<()> {
    let mut reader = Reader(body);
    reader.vector16()?;
    let level = reader.u8()? & 0x7f;
    let flags = reader.u8()?;
    reader.u16()?;
    let properties = |reader: &mut Reader<'_>| {
        if level == 5 {
            let (len, rest) = remaining(reader.0).ok()?;
            reader.0 = rest;
            reader.take(len)?;
        }
        Some(())
    };
    properties(&mut reader)?;
    let personal = finding.personal;
    let mqtt = finding.metadata().mqtt.get_or_insert_default();
    mqtt.level = level;
    mqtt.client_id = text(reader.vector16()?);
    if personal && flags & 0x80 != 0 {
        if flags & 4 != 0 {
            properties(&mut reader)?;
            reader.vector16()?;
            reader.vector16()?;
        }
        mqtt.user = text(reader.vector16()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    const CONNECT_4: &[u8] = b"\x10\x12\0\x04MQTT\x04\x82\0\x3c\0\x02id\0\x02me";
    const CONNECT_5: &[u8] = b"\x10\x14\0\x04MQTT\x05\x02\0\x3c\x05\x11\0\0\0\x0a\0\x02id";

    #[test]
    fn connections_and_messages_match() {
        testing::assert_streams(&PROTOCOL, 2000, CONNECT_4, b"");
        testing::assert_streams(&PROTOCOL, 2000, CONNECT_5, b"");
        testing::assert_streams(&PROTOCOL, 1883, b"", b"\x20\x02\0\0");
        let long = testing::streams(&PROTOCOL, 1883, b"", b"\x20\x7f\0\0\xfd");
        assert_eq!(long, Verdict::No);
        testing::assert_streams(&PROTOCOL, 2000, b"\x30\x0c\0\x07a/topic21C", b"");
        testing::assert_streams(&PROTOCOL, 2000, b"\x82\x0c\0\x01\0\x07a/topic\0", b"");
    }

    #[test]
    fn neighbours_do_not_match() {
        for stream in [
            &b"\x10\x12\0\x04MQTT\x09"[..],
            // LDAP and SNMP.
            b"\x30\x0e\x02\x01\x01\x60\x09\x02\x01\x03",
            b"\x30\x26\x02\x01\x01\x04\x06public",
            b"\x30\x0c\0\x07a+topic21C",
            b"\xc0\x01",
        ] {
            assert_eq!(testing::streams(&PROTOCOL, 2000, stream, b""), Verdict::No);
        }
    }

    #[test]
    fn names_are_read() {
        for (personal, stream, user) in
            [(false, CONNECT_4, ""), (true, CONNECT_4, "me"), (true, CONNECT_5, "")]
        {
            let finding = testing::finding(personal);
            let found = testing::parse_streams(&PROTOCOL, 1883, stream, b"", finding);
            let mqtt = found.found_metadata().unwrap().mqtt.clone().unwrap();
            assert_eq!((&*mqtt.client_id, &*mqtt.user), ("id", user));
        }
    }
}
