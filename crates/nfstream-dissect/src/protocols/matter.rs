//! Matter (Core Specification, section 4.4): sessions being established, in clear.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::Reader;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(457),
    name: "Matter",
    category: Category(31),
    udp_ports: &[5540, 5542],
    datagram: Some(DatagramRules { start: Start::Range(0, 7), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(opens_session(datagram.payload) == Some(true))
}

/// Returns whether a message without encryption belongs to the secure channel.
fn opens_session(payload: &[u8]) -> Option<bool> {
    const SOURCE_PRESENT: u8 = 4;
    let mut rest = Reader(payload);
    let flags = rest.u8()?;
    let session = rest.u16()?;
    let security = rest.u8()?;
    rest.u32()?;
    rest.take(if flags & SOURCE_PRESENT == 0 { 0 } else { 8 })?;
    rest.take(match flags & 3 {
        0 => 0,
        1 => 8,
        _ => 2,
    })?;
    let exchange_flags = rest.u8()?;
    let opcode = rest.u8()?;
    rest.u16()?;
    let protocol = rest.u16()?;
    Some(
        session == 0
            && security == 0
            && exchange_flags <= 0x1f
            && protocol == 0
            && matches!(opcode, 0x10 | 0x20..=0x24 | 0x30..=0x33 | 0x40)
            // Both ends name themselves in one of the two headers' ways.
            && flags & 0x07 != 0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    const PARAMETERS: &[u8] =
        b"\x04\0\0\0\x11\x22\x33\x04\x01\x02\x03\x04\x05\x06\x07\x08\x05\x20\x34\x12\0\0\x15";

    #[test]
    fn session_establishment_matches() {
        assert_eq!(datagram(&PROTOCOL, 5540, PARAMETERS), Verdict::Match);
        let mut encrypted = PARAMETERS.to_vec();
        encrypted[1] = 9;
        assert_eq!(datagram(&PROTOCOL, 5540, &encrypted), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 5540, &PARAMETERS[..20]), Verdict::No);
    }
}
