//! collectd's binary network protocol.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::Reader;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(298),
    name: "collectd",
    category: Category(18),
    udp_ports: &[25_826],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0, 2]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

/// Parts that are checked.
const PARTS: usize = 4;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(has_parts(datagram.payload) == Some(true))
}

/// Returns whether the first parts fit their types.
fn has_parts(payload: &[u8]) -> Option<bool> {
    let mut rest = Reader(payload);
    for place in 0..PARTS {
        if rest.is_empty() {
            return Some(place >= 2);
        }
        let kind = rest.u16()?;
        let len = usize::from(rest.u16()?);
        let value = rest.take(len.checked_sub(4)?)?;
        let fits = match kind {
            // Names end with a zero; times and intervals are numbers of 64 bits.
            0 | 2..=5 | 0x100 => value.last() == Some(&0) && value.len() <= 129,
            1 | 7..=9 | 0x101 => value.len() == 8,
            6 => value.len() >= 11,
            // A signature stands before the parts, a user name in it.
            0x200 => place == 0 && value.len() > 32,
            // Encrypted up to the end.
            0x210 => return Some(place == 0 && value.len() > 22 && rest.is_empty()),
            _ => false,
        };
        if !fits {
            return Some(false);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    const VALUES: &[u8] = b"\0\0\0\x09host\0\0\x08\0\x0c\x15\x94\0\0\0\0\0\0\0\x02\0\x08cpu\0";

    #[test]
    fn parts_match() {
        assert_eq!(datagram(&PROTOCOL, 25_826, VALUES), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 25_826, &VALUES[..20]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 25_826, b"\0\0\0\x08host"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 25_826, b"\0\0\0\x03"), Verdict::No);
    }
}
