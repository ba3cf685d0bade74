//! Omron FINS (W342): over TCP with a header of its own, over UDP without.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(362),
    name: "FINS",
    category: Category(31),
    tcp_ports: &[9600],
    udp_ports: &[9600],
    stream: Some(StreamRules::either(Start::Bytes(b"F"), probe)),
    datagram: Some(DatagramRules {
        start: Start::Range(0x80, 0xc1),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        let head = &stream[..stream.len().min(4)];
        if !b"FINS".starts_with(head) {
            return Some(false);
        }
        // The length counts what follows; commands go from 0 to 6.
        Some((8..1 << 16).contains(&be32(stream, 4)?) && be32(stream, 8)? <= 6)
    })
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let Some(header) = payload.first_chunk::<12>() else { return Verdict::No };
    let [control, reserved, gateways, .., main, sub] = *header;
    Verdict::from_match(
        datagram.has_port(9600)
            && control & 0x3e == 0
            && reserved == 0
            && gateways <= 7
            && matches!(main, 0x01..=0x0c | 0x20..=0x28)
            && sub <= 0x65,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const READ_AREA: &[u8] = b"\x80\0\x02\0\x0a\0\0\x22\0\x01\x01\x01\x82\0\0\0\0\x01";

    #[test]
    fn commands_match() {
        assert_eq!(datagram(&PROTOCOL, 9600, READ_AREA), Verdict::Match);
        let node_address = b"FINS\0\0\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(streams(&PROTOCOL, 9600, node_address, b""), Verdict::Match);
    }

    #[test]
    fn other_ports_and_texts_do_not() {
        assert_eq!(datagram(&PROTOCOL, 9601, READ_AREA), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 9600, &READ_AREA[..11]), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 9600, b"FINStern", b""), Verdict::No);
    }
}
