//! RakNet before a connection (as its documentation and that of Minecraft's Bedrock edition
//! describe it).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(286),
    name: "RakNet",
    category: Category(8),
    udp_ports: &[19_132],
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

/// What marks messages without a connection.
const MAGIC: &[u8] = b"\0\xff\xff\0\xfe\xfe\xfe\xfe\xfd\xfd\xfd\xfd\x12\x34\x56\x78";

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    // Where the mark stands, by the kind of message.
    let offset = match payload.first() {
        Some(1 | 2) => 9,
        Some(0x1c) => 17,
        Some(5..=8 | 0x12 | 0x14 | 0x17 | 0x1a | 0x1d) => 1,
        Some(0x19) => 2,
        _ => return Verdict::No,
    };
    Verdict::from_match(payload.get(offset..).is_some_and(|rest| rest.starts_with(MAGIC)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn messages_with_the_mark_match() {
        let ping = [b"\x01\0\0\0\0\0\0\0\x07", MAGIC, b"guid-num"].concat();
        assert_eq!(datagram(&PROTOCOL, 19_132, &ping), Verdict::Match);
        let open = [b"\x05", MAGIC, b"\x0b"].concat();
        assert_eq!(datagram(&PROTOCOL, 60_030, &open), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 19_132, &ping[..20]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 19_132, &[b"\x06\x06", MAGIC].concat()), Verdict::No);
    }
}
