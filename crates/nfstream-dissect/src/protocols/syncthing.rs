//! Syncthing (local discovery and relays) and Resilio Sync (local discovery), by magic numbers.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::either;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(313),
    name: "Syncthing",
    category: Category(7),
    stream: Some(StreamRules::either(Start::Bytes(&[0x9e]), probe)),
    datagram: Some(DatagramRules { start: Start::Bytes(&[0x2e]), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

pub(crate) const RESILIO: Protocol = Protocol {
    id: ProtocolId(10_118),
    name: "ResilioSync",
    category: Category(7),
    datagram: Some(DatagramRules { start: Start::Bytes(b"B"), ..DatagramRules::new(resilio) }),
    ..Protocol::NEW
};

const RELAY: &[u8] = &[0x9e, 0x79, 0xbc, 0x40];
const DISCOVERY: &[u8] = &[0x2e, 0xa7, 0xd9, 0x0b];

fn probe(streams: &Streams<'_>) -> Verdict {
    either(begins(streams.client, RELAY), begins(streams.server, RELAY))
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.payload.starts_with(DISCOVERY))
}

fn resilio(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.payload.starts_with(b"BSYNC\0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram};

    #[test]
    fn magic_numbers_are_decisive() {
        assert_streams(&PROTOCOL, 22_067, &[0x9e, 0x79, 0xbc, 0x40, 0, 0, 0, 2], b"");
        assert_eq!(datagram(&PROTOCOL, 21_027, b"\x2e\xa7\xd9\x0b\x0a\x20"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 21_027, b"\x2e\xa7\xd9\x0c\x0a\x20"), Verdict::No);
        assert_eq!(datagram(&RESILIO, 3838, b"BSYNC\0d1:m"), Verdict::Match);
    }
}
