//! sFlow, versions 2, 4 (RFC 3176) and 5.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(129),
    name: "sFlow",
    category: Category(14),
    udp_ports: &[6343],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(is_export(datagram.payload) == Some(true))
}

/// Returns whether a datagram of samples begins.
fn is_export(bytes: &[u8]) -> Option<bool> {
    let version = be32(bytes, 0)?;
    // The agent's address, by its family.
    let after = match be32(bytes, 4)? {
        1 => 12,
        2 => 24,
        _ => return Some(false),
    };
    // Version 5 has a number of the agent's part here.
    let samples = match version {
        2 | 4 => after + 8,
        5 => after + 12,
        _ => return Some(false),
    };
    Some(be32(bytes, samples)? <= 1024 && bytes.len().is_multiple_of(4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    const EXPORT: &[u8] = b"\0\0\0\x05\0\0\0\x01\xc0\0\x02\x01\0\0\0\0\0\0\0\x01\0\0\x10\0\0\0\0\0";

    #[test]
    fn exports_match() {
        assert_eq!(datagram(&PROTOCOL, 6343, EXPORT), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 6343, &EXPORT[..24]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 6343, b"\0\0\0\x03\0\0\0\x01"), Verdict::No);
    }
}
