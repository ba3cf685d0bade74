//! Tencent's messengers: OICQ of QQ, and mmtls of WeChat.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{be16, be32};

pub(crate) const OICQ: Protocol = Protocol {
    id: ProtocolId(335),
    name: "OICQ",
    category: Category(9),
    udp_ports: &[8000],
    stream: Some(StreamRules { client: Start::Bytes(&[0]), ..StreamRules::new(oicq_stream) }),
    datagram: Some(DatagramRules { start: Start::Bytes(&[START]), ..DatagramRules::new(oicq) }),
    ..Protocol::NEW
};

pub(crate) const WECHAT: Protocol = Protocol {
    id: ProtocolId(197),
    name: "WeChat",
    category: Category(9),
    stream: Some(StreamRules::either(Start::Bytes(&[0x15, 0x16, 0x17, 0x19]), mmtls)),
    ..Protocol::NEW
};

/// First and last byte of a packet.
const START: u8 = 2;
const END: u8 = 3;

fn oicq(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(
        is_oicq(datagram.payload) == Some(true) && datagram.payload.last() == Some(&END),
    )
}

fn oicq_stream(streams: &Streams<'_>) -> Verdict {
    // Over TCP the length stands before the packet.
    let packet =
        |stream: &[u8]| Some((24..=4096).contains(&be16(stream, 0)?) && is_oicq(stream.get(2..)?)?);
    if !streams.has_port(8000) && !streams.has_port(443) && !streams.has_port(80) {
        return Verdict::No;
    }
    streams.client_first(packet)
}

/// Returns whether a packet begins: version, command, number and an account.
fn is_oicq(bytes: &[u8]) -> Option<bool> {
    Some(
        *bytes.first()? == START
            && (0x09..=0x3f).contains(bytes.get(1)?)
            && matches!(
                be16(bytes, 3)?,
                0x01..=0x21 | 0x26 | 0x27 | 0x30 | 0x3c | 0x3e | 0x50 | 0x58 | 0x5c | 0x5e | 0x61
                    | 0x62 | 0x65 | 0x66 | 0x67 | 0x81 | 0x91 | 0xba | 0xcd | 0xce | 0xd1 | 0xdd
                    | 0xec | 0x115 | 0x820..=0x850
            )
            && be32(bytes, 7)? >= 10_000,
    )
}

fn mmtls(streams: &Streams<'_>) -> Verdict {
    // A record as in TLS, with a version of its own.
    streams.either(|stream| {
        Some(
            *stream.get(1)? == 0xf1
                && matches!(*stream.get(2)?, 3 | 4)
                && be16(stream, 3)? <= 1 << 14,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    #[test]
    fn packets_of_oicq_match() {
        let login = b"\x02\x3b\x0b\0\x01\0\x17\x56\x1f\x0c\x7b\0\0\0\x03";
        assert_eq!(datagram(&OICQ, 8000, login), Verdict::Match);
        assert_eq!(datagram(&OICQ, 8000, &login[..14]), Verdict::No);
        assert_eq!(
            datagram(&OICQ, 8000, b"\x02\x3b\x0b\x40\x01\0\x17\x56\x1f\x0c\x7b\x03"),
            Verdict::No
        );
    }

    #[test]
    fn records_of_mmtls_match() {
        assert_eq!(
            streams(&WECHAT, 8080, b"\x16\xf1\x04\0\xa1\0\0\0\x9d\x01", b""),
            Verdict::Match
        );
        assert_eq!(streams(&WECHAT, 443, b"\x16\x03\x01\x02\0", b""), Verdict::No);
    }
}
