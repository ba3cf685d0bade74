//! RIP (RFC 1058, 2453) and RIPng (RFC 2080).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be16;

pub(crate) const RIP: Protocol = Protocol {
    id: ProtocolId(10_200),
    name: "RIP",
    category: Category(14),
    udp_ports: &[520],
    datagram: Some(DatagramRules { start: COMMANDS, ..DatagramRules::new(rip) }),
    ..Protocol::NEW
};

pub(crate) const RIPNG: Protocol = Protocol {
    id: ProtocolId(10_201),
    name: "RIPng",
    category: Category(14),
    udp_ports: &[521],
    datagram: Some(DatagramRules { start: COMMANDS, ..DatagramRules::new(ripng) }),
    ..Protocol::NEW
};

const COMMANDS: Start = Start::Bytes(&[1, 2]);
/// Bytes of a header, and of each entry.
const HEADER: usize = 4;
const ENTRY: usize = 20;

fn rip(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        datagram.has_port(520)
            && matches!(payload.get(1), Some(1 | 2))
            && has_entries(payload)
            && matches!(be16(payload, 4), Some(0 | 2 | 0xffff)),
    )
}

fn ripng(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        datagram.has_port(521)
            && payload.get(1..HEADER) == Some(&[1, 0, 0])
            && has_entries(payload),
    )
}

fn has_entries(payload: &[u8]) -> bool {
    payload.len() >= HEADER + ENTRY && (payload.len() - HEADER).is_multiple_of(ENTRY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn entries_match() {
        let mut request = [0; 24];
        request[..2].copy_from_slice(&[1, 2]);
        request[23] = 16;
        assert_eq!(datagram(&RIP, 520, &request), Verdict::Match);
        assert_eq!(datagram(&RIP, 520, &request[..23]), Verdict::No);
        request[1] = 1;
        assert_eq!(datagram(&RIPNG, 521, &request), Verdict::Match);
        assert_eq!(datagram(&RIPNG, 520, &request), Verdict::No);
    }
}
