//! Rx, the remote procedure calls of AFS, by the header of its packets.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};
use crate::read::be32;
use crate::shape::check_all;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(223),
    name: "RX",
    category: Category(16),
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

/// Ports of AFS: file server, callbacks, and the databases of a cell.
const PORTS: std::ops::RangeInclusive<u16> = 7000..=7021;
const DATA: u8 = 1;

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let header = check_all(datagram.payload, |reader| {
        reader.take(8)?;
        let call = reader.u32()?;
        let sequence = reader.u32()?;
        reader.u32()?;
        let kind = reader.u8()?;
        let flags = reader.u8()?;
        reader.u8()?;
        let security = reader.u8()?;
        reader.u16()?;
        Some(
            matches!(kind, 1..=9 | 13)
                && flags & 0xc0 == 0
                && security <= 6
                && (kind == DATA) == (sequence > 0)
                && (kind != DATA || call > 0 && flags & 0x18 == 0)
                && reader.u16()? < 4096,
        )
    });
    if header != Verdict::Match {
        return header;
    }
    let endpoints = datagram.endpoints;
    let usual_port =
        PORTS.contains(&endpoints.client.port()) || PORTS.contains(&endpoints.server.port());
    // The other end answers on the same connection.
    let answers = datagram
        .answered()
        .is_some_and(|head| head.len() >= 28 && be32(head.bytes(), 4) == be32(datagram.payload, 4));
    if usual_port || answers { Verdict::Match } else { Verdict::from_more(datagram.before() < 2) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams};

    fn packet(kind: u8, flags: u8, sequence: u8) -> Vec<u8> {
        let mut bytes = vec![0x57, 0x0f, 0xb5, 0x60, 0x5c, 0x3f, 0xc9, 0x88, 0, 0, 0, 1, 0, 0, 0];
        bytes.extend([sequence, 0, 0, 0, 1, kind, flags, 0, 0, 0, 0, 0, 0x49, 0, 0, 1]);
        bytes
    }

    #[test]
    fn calls_are_known_by_port_or_answer() {
        let [call, answer] = [packet(1, 5, 1), packet(1, 4, 1)];
        assert_eq!(datagram(&PROTOCOL, 7003, &call), Verdict::Match);
        let flow = [(FromClient, &call[..]), (FromServer, &answer[..])];
        assert_eq!(datagrams(&PROTOCOL, 4000, &flow[..1]), Verdict::More);
        assert_eq!(datagrams(&PROTOCOL, 4000, &flow), Verdict::Match);
    }

    #[test]
    fn data_has_a_sequence_number() {
        assert_eq!(datagram(&PROTOCOL, 7003, &packet(1, 5, 0)), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 7003, &packet(2, 0x20, 0)), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 7003, &packet(12, 0, 0)), Verdict::No);
    }
}
