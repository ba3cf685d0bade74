//! DNP3 (IEEE 1815).

use super::crc;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::le16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(244),
    name: "DNP3",
    category: Category(31),
    tcp_ports: &[20_000],
    udp_ports: &[20_000],
    stream: Some(StreamRules::either(Start::Bytes(&[5]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[5]),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(is_frame)
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(is_frame(datagram.payload) == Some(true))
}

/// Returns whether a link frame begins: start bytes, length, control, addresses and their CRC.
fn is_frame(bytes: &[u8]) -> Option<bool> {
    Some(
        *bytes.first()? == 0x05
            && *bytes.get(1)? == 0x64
            && *bytes.get(2)? >= 5
            && !crc::reversed(0xa6bc, 0, bytes.get(..8)?) == le16(bytes, 8)?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    /// A request for the link status of station 1.
    const LINK_STATUS: &[u8] = b"\x05\x64\x05\xc9\x01\0\0\0";

    fn frame() -> Vec<u8> {
        let mut frame = LINK_STATUS.to_vec();
        frame.extend((!crc::reversed(0xa6bc, 0, &frame)).to_le_bytes());
        frame
    }

    #[test]
    fn frames_with_the_right_crc_match() {
        assert_eq!(streams(&PROTOCOL, 20_000, &frame(), b""), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 20_000, &frame()), Verdict::Match);
    }

    #[test]
    fn a_wrong_crc_does_not() {
        let mut frame = frame();
        frame[9] ^= 1;
        assert_eq!(streams(&PROTOCOL, 20_000, &frame, b""), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 20_000, &frame), Verdict::No);
    }
}
