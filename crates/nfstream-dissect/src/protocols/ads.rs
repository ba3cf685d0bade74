//! Beckhoff's ADS over AMS/TCP, and the discovery of its routers over UDP.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{le16, le32};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(365),
    name: "BeckhoffADS",
    category: Category(31),
    tcp_ports: &[48_898],
    udp_ports: &[48_899],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), probe)),
    datagram: Some(DatagramRules { start: Start::Bytes(&[3]), ..DatagramRules::new(discovery) }),
    ..Protocol::NEW
};

/// Bytes of an AMS header.
const HEADER: u32 = 32;

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        let len = || le32(stream, 2);
        Some(
            le16(stream, 0)? == 0
                && (HEADER..1 << 20).contains(&len()?)
                && (1..=9).contains(&le16(stream, 22)?)
                && matches!(le16(stream, 24)?, 4 | 5)
                && le32(stream, 26)? == len()? - HEADER,
        )
    })
}

fn discovery(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(payload.starts_with(&[0x03, 0x66, 0x14, 0x71]) && payload.len() >= 12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const READ_STATE: &[u8] = b"\0\0\x20\0\0\0\x05\x0d\x75\x60\x01\x01\x10\x27\xc0\0\x02\x01\
        \x01\x01\x03\x80\x04\0\x04\0\0\0\0\0\0\0\0\0\x05\0\0\0";

    #[test]
    fn requests_match() {
        assert_eq!(streams(&PROTOCOL, 48_898, READ_STATE, b""), Verdict::Match);
        let search = b"\x03\x66\x14\x71\0\0\0\0\x01\0\0\0";
        assert_eq!(datagram(&PROTOCOL, 48_899, search), Verdict::Match);
    }

    #[test]
    fn lengths_that_disagree_do_not() {
        let mut request = READ_STATE.to_vec();
        request[26] = 1;
        assert_eq!(streams(&PROTOCOL, 48_898, &request, b""), Verdict::No);
    }
}
