//! WireGuard: its four messages, as the protocol's specification gives them.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::{le32, le64};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(206),
    name: "WireGuard",
    category: Category(2),
    udp_ports: &[51_820],
    datagram: Some(DatagramRules { start: Start::Range(1, 4), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

const INITIATION: u32 = 1;
const RESPONSE: u32 = 2;
const COOKIE_REPLY: u32 = 3;
const TRANSPORT_DATA: u32 = 4;
/// Packets that may be lost between two of a direction before the match.
const MAX_STEP: u64 = 64;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    // Three reserved zero bytes come after the type, so both are read as one number.
    match (le32(payload, 0), payload.len()) {
        (Some(INITIATION), 148) | (Some(RESPONSE), 92) => Verdict::Match,
        (Some(COOKIE_REPLY), 64) => {
            if datagram.before() > 0 { Verdict::Match } else { Verdict::More }
        }
        (Some(TRANSPORT_DATA), len) if len >= 32 && len % 16 == 0 => {
            if datagram.has_port(51_820) || follows(datagram) {
                Verdict::Match
            } else {
                Verdict::from_more(datagram.before() < 8)
            }
        }
        _ => Verdict::No,
    }
}

/// Returns whether the datagram before this one has the same receiver and a counter before this
/// one's.
fn follows(datagram: &Datagram<'_>) -> bool {
    let Some(last) = datagram.history.last(datagram.direction) else { return false };
    let step = match (le64(datagram.payload, 8), le64(last.bytes(), 8)) {
        (Some(counter), Some(before)) => counter.wrapping_sub(before),
        _ => return false,
    };
    le32(last.bytes(), 0) == Some(TRANSPORT_DATA)
        && le32(last.bytes(), 4) == le32(datagram.payload, 4)
        && (1..=MAX_STEP).contains(&step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams};

    fn message(kind: u8, len: usize, counter: u8) -> Vec<u8> {
        let mut bytes = vec![0xa5; len];
        bytes[..4].copy_from_slice(&[kind, 0, 0, 0]);
        bytes[8..16].copy_from_slice(&[counter, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn handshakes_have_fixed_lengths() {
        assert_eq!(datagram(&PROTOCOL, 4000, &message(1, 148, 0)), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4000, &message(2, 92, 0)), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4000, &message(1, 147, 0)), Verdict::No);
    }

    #[test]
    fn data_is_known_by_counters_that_grow() {
        let [first, second, other] =
            [message(4, 32, 7), message(4, 96, 8), message(4, 128, 200)];
        let seen = [(FromClient, &first[..]), (FromClient, &second[..])];
        assert_eq!(datagrams(&PROTOCOL, 4000, &seen), Verdict::Match);
        let seen = [(FromClient, &first[..]), (FromServer, &other[..])];
        assert_eq!(datagrams(&PROTOCOL, 4000, &seen), Verdict::More);
        let seen = [(FromClient, &first[..]), (FromClient, &other[..])];
        assert_eq!(datagrams(&PROTOCOL, 4000, &seen), Verdict::More);
        assert_eq!(datagram(&PROTOCOL, 51_820, &first), Verdict::Match);
    }
}
