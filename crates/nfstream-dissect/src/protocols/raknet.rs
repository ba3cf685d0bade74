//! RakNet before a connection (as its documentation and that of Minecraft's Bedrock edition
//! describe it).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::{Reader, be16};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(286),
    name: "RakNet",
    category: Category(8),
    udp_ports: &[19_132],
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

/// Roblox, whose messages without a connection have kinds of their own.
pub(crate) const ROBLOX: Protocol = Protocol {
    id: ProtocolId(346),
    name: "Roblox",
    category: Category(8),
    datagram: Some(DatagramRules { start: Start::Range(0x78, 0x7b), ..DatagramRules::new(roblox) }),
    ..Protocol::NEW
};

/// Mark of messages without a connection.
const MAGIC: &[u8] = b"\0\xff\xff\0\xfe\xfe\xfe\xfe\xfd\xfd\xfd\xfd\x12\x34\x56\x78";

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    // Offset of the mark, by the kind of message.
    let offset = match payload.first() {
        Some(1 | 2) => 9,
        Some(0x1c) => 17,
        Some(5..=8 | 0x12 | 0x14 | 0x17 | 0x1a | 0x1d) => 1,
        Some(0x19) => 2,
        // One datagram of frames may be chance; two are not.
        Some(0x80..=0x8f) => {
            return match has_frames(payload) {
                Some(true) if datagram.before() == 0 => Verdict::More,
                frames => Verdict::from_match(frames == Some(true)),
            };
        }
        Some(0xa0 | 0xc0) => return Verdict::from_match(has_records(payload) == Some(true)),
        _ => return Verdict::No,
    };
    let marked = payload.get(offset..).is_some_and(|rest| rest.starts_with(MAGIC));
    Verdict::from_match(marked || is_pong(payload))
}

/// Offset of the length of a pong's text.
const LENGTH: usize = 33;

/// Returns whether a pong with another mark ends in text of the length before it.
fn is_pong(payload: &[u8]) -> bool {
    payload.first() == Some(&0x1c)
        && payload.get(LENGTH + 2..).is_some_and(|text| {
            be16(payload, LENGTH).map(usize::from) == Some(text.len())
                && !text.is_empty()
                && text.iter().all(|byte| !byte.is_ascii_control())
        })
}

fn roblox(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.payload.get(1..).is_some_and(|rest| rest.starts_with(MAGIC)))
}

/// Returns whether frames fill the datagram after its number, each with a reliability, a length in
/// bits and the numbers that its reliability needs.
fn has_frames(payload: &[u8]) -> Option<bool> {
    let mut rest = Reader(payload);
    rest.take(4)?;
    while !rest.is_empty() {
        let flags = rest.u8()?;
        let bits = usize::from(rest.u16()?);
        let reliability = flags >> 5;
        let is_split = flags & 0x10 != 0;
        if flags & 0x03 != 0 || bits == 0 || bits % 8 != 0 {
            return Some(false);
        }
        let reliable = if matches!(reliability, 2..=4 | 6 | 7) { 3 } else { 0 };
        let sequenced = if matches!(reliability, 1 | 4) { 3 } else { 0 };
        let ordered = if matches!(reliability, 1 | 3 | 4 | 7) { 4 } else { 0 };
        let split = if is_split { 10 } else { 0 };
        rest.take(reliable + sequenced + ordered + split + bits / 8)?;
    }
    Some(payload.len() > 8)
}

/// Returns whether an acknowledgement, positive or negative, holds the records that it counts: a
/// number of three bytes each, or two of them.
fn has_records(payload: &[u8]) -> Option<bool> {
    let mut rest = Reader(payload);
    rest.u8()?;
    let count = rest.u16()?;
    for _ in 0..count {
        let numbers = match rest.u8()? {
            0 => 2,
            1 => 1,
            _ => return Some(false),
        };
        rest.take(3 * numbers)?;
    }
    Some(count > 0 && rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams};

    #[test]
    fn messages_with_the_mark_match() {
        let ping = [b"\x01\0\0\0\0\0\0\0\x07", MAGIC, b"guid-num"].concat();
        assert_eq!(datagram(&PROTOCOL, 19_132, &ping), Verdict::Match);
        let open = [b"\x05", MAGIC, b"\x0b"].concat();
        assert_eq!(datagram(&PROTOCOL, 60_030, &open), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 19_132, &ping[..20]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 19_132, &[b"\x06\x06", MAGIC].concat()), Verdict::No);
        let pong = [&[0x1c; LENGTH][..], b"\0\x02hi"].concat();
        assert_eq!(datagram(&PROTOCOL, 19_132, &pong), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 19_132, &pong[..36]), Verdict::No);
    }

    #[test]
    fn kinds_of_roblox_match() {
        let open = [b"\x7b", MAGIC].concat();
        assert_eq!(datagram(&ROBLOX, 55_000, &open), Verdict::Match);
        assert_eq!(datagram(&ROBLOX, 55_000, &open[..16]), Verdict::No);
    }

    #[test]
    fn frames_and_acknowledgements_must_fit() {
        let frame = b"\x84\0\0\0\x40\0\x10\0\0\0\x09\0";
        assert_eq!(datagram(&PROTOCOL, 60_021, frame), Verdict::More);
        let two = [(FromClient, &frame[..]), (FromServer, frame)];
        assert_eq!(datagrams(&PROTOCOL, 60_021, &two), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 60_021, &frame[..11]), Verdict::No);
        let acknowledgement = b"\xc0\0\x01\0\x01\0\0\x02\0\0";
        assert_eq!(datagram(&PROTOCOL, 60_005, acknowledgement), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 60_005, &acknowledgement[..9]), Verdict::No);
    }
}
