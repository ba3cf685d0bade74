//! WireGuard: its four messages, as the protocol's specification gives them.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start};
use crate::read::{le32, le64};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(206),
    name: "WireGuard",
    category: Category(2),
    udp_ports: &[51_820],
    datagram: Some(DatagramRules {
        start: Start::Range(1, 4),
        parse: DatagramParser::Each(parse),
        ..DatagramRules::new(probe)
    }),
    ..Protocol::NEW
};

/// Cloudflare's service over WireGuard, which puts an identity in the reserved bytes.
pub(crate) const WARP: Protocol = Protocol {
    id: ProtocolId(300),
    name: "CloudflareWarp",
    category: Category(2),
    ..Protocol::NEW
};

const WARP_PORT: u16 = 2408;

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
            if datagram.before() > 0 {
                Verdict::Match
            } else {
                Verdict::More
            }
        }
        (Some(TRANSPORT_DATA), len) if len >= 32 && len % 16 == 0 => {
            if datagram.has_port(51_820) || follows(datagram) {
                Verdict::Match
            } else {
                Verdict::from_more(datagram.before() < 8)
            }
        }
        (Some(number), len) => Verdict::from_match(is_warp(datagram, number, len)),
        (None, _) => Verdict::No,
    }
}

fn is_warp(datagram: &Datagram<'_>, number: u32, len: usize) -> bool {
    datagram.has_port(WARP_PORT)
        && matches!((number & 0xff, len), (INITIATION, 148) | (RESPONSE, 92))
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    if datagram.has_port(WARP_PORT) {
        finding.set_application(WARP.id);
    }
    Progress::Done
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
        let mut identified = message(1, 148, 0);
        identified[1] = 7;
        assert_eq!(datagram(&PROTOCOL, 4000, &identified), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 2408, &identified), Verdict::Match);
    }

    #[test]
    fn data_is_known_by_counters_that_grow() {
        let [first, second, other] = [message(4, 32, 7), message(4, 96, 8), message(4, 128, 200)];
        let seen = [(FromClient, &first[..]), (FromClient, &second[..])];
        assert_eq!(datagrams(&PROTOCOL, 4000, &seen), Verdict::Match);
        let seen = [(FromClient, &first[..]), (FromServer, &other[..])];
        assert_eq!(datagrams(&PROTOCOL, 4000, &seen), Verdict::More);
        let seen = [(FromClient, &first[..]), (FromClient, &other[..])];
        assert_eq!(datagrams(&PROTOCOL, 4000, &seen), Verdict::More);
        assert_eq!(datagram(&PROTOCOL, 51_820, &first), Verdict::Match);
    }
}
