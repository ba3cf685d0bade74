//! Protocols of SAIA-Burgess controllers: Ether-S-Bus and Ether-S-I/O.

use super::crc;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::{be16, be32};

pub(crate) const ETHER_S_BUS: Protocol = Protocol {
    id: ProtocolId(368),
    name: "Ether-S-Bus",
    category: Category(31),
    udp_ports: &[5050],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0]), ..DatagramRules::new(probe_bus) }),
    ..Protocol::NEW
};

pub(crate) const ETHER_S_IO: Protocol = Protocol {
    id: ProtocolId(363),
    name: "EtherSIO",
    category: Category(31),
    udp_ports: &[6060],
    datagram: Some(DatagramRules { start: Start::Bytes(b"E"), ..DatagramRules::new(probe_io) }),
    ..Protocol::NEW
};

fn probe_bus(datagram: &Datagram<'_>) -> Verdict {
    // Length, version, kind, number, attribute and a CRC over all of them at the end.
    let payload = datagram.payload;
    let Some(body) = payload.len().checked_sub(2).and_then(|len| payload.get(..len)) else {
        return Verdict::No;
    };
    Verdict::from_match(
        payload.len() >= 11
            && be32(payload, 0).and_then(|len| usize::try_from(len).ok()) == Some(payload.len())
            && body.get(8).is_some_and(|attribute| *attribute <= 3)
            && be16(payload, body.len()) == Some(crc::ccitt(0, body)),
    )
}

fn probe_io(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.payload.starts_with(b"ESIO") && datagram.payload.len() >= 12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    const REQUEST: &[u8] = b"\0\0\0\x0d\x01\0\0\x01\0\x0a\x20\x53\x18";

    #[test]
    fn telegrams_match() {
        assert_eq!(datagram(&ETHER_S_BUS, 5050, REQUEST), Verdict::Match);
        assert_eq!(datagram(&ETHER_S_IO, 6060, b"ESIO\0\x01\0\0\0\x01\0\0"), Verdict::Match);
    }

    #[test]
    fn a_wrong_crc_does_not() {
        let mut request = REQUEST.to_vec();
        request[10] = 0x21;
        assert_eq!(datagram(&ETHER_S_BUS, 5050, &request), Verdict::No);
        assert_eq!(datagram(&ETHER_S_BUS, 5050, b"\0"), Verdict::No);
    }
}
