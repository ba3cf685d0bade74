//! Xiaomi: the push service of its phones, and miIO of its devices at home.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{be16, be32};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(287),
    name: "Xiaomi",
    category: Category(5),
    udp_ports: &[54_321],
    stream: Some(StreamRules {
        client: Start::Bytes(&[0xc2]),
        server: Start::Bytes(&[0xc2]),
        ..StreamRules::new(probe)
    }),
    datagram: Some(DatagramRules { start: Start::Bytes(b"!"), ..DatagramRules::new(miio) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        Some(
            *stream.first()? == 0xc2
                && *stream.get(1)? == 0xfe
                && be16(stream, 2)? == 5
                && be32(stream, 4)? < 1 << 20,
        )
    })
}

fn miio(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        payload.starts_with(b"!1")
            && payload.len() >= 32
            && be16(payload, 2).map(usize::from) == Some(payload.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    #[test]
    fn push_and_hello_match() {
        let push = b"\xc2\xfe\0\x05\0\0\0\x36\0\x02\0\x16";
        assert_eq!(streams(&PROTOCOL, 5222, b"", push), Verdict::Match);
        let mut hello = [0xff; 32];
        hello[..4].copy_from_slice(b"!1\0\x20");
        assert_eq!(datagram(&PROTOCOL, 54_321, &hello), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 54_321, &hello[..31]), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 5222, b"\xc2\xfe\0\x06\0\0\0\0", b""), Verdict::No);
    }
}
