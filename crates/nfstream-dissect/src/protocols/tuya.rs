//! Tuya's local protocol, as public libraries for its devices describe it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(331),
    name: "TuyaLP",
    category: Category(31),
    tcp_ports: &[6668],
    udp_ports: &[6666, 6667],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0]),
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

/// Returns whether a frame of version 3.1 to 3.4, or of 3.5, begins: its prefix, a command and a
/// length.
fn is_frame(bytes: &[u8]) -> Option<bool> {
    let fits = |command: usize, len: usize| {
        Some(be32(bytes, command)? < 0x100 && be32(bytes, len)? < 0x1_0000)
    };
    Some(
        *bytes.first()? == 0
            && *bytes.get(1)? == 0
            && match (*bytes.get(2)?, bytes.get(3)) {
                (0x55, None) | (0x66, None) => return None,
                (0x55, Some(0xaa)) => fits(8, 12)?,
                (0x66, Some(0x99)) => fits(10, 14)?,
                _ => false,
            },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const HEARTBEAT: &[u8] =
        b"\0\0\x55\xaa\0\0\0\x01\0\0\0\x09\0\0\0\x08\xb0\x51\xab\x03\0\0\xaa\x55";

    #[test]
    fn both_prefixes_match() {
        assert_eq!(streams(&PROTOCOL, 6668, HEARTBEAT, b""), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 6667, HEARTBEAT), Verdict::Match);
        let newer = b"\0\0\x66\x99\0\0\0\0\0\x01\0\0\0\x13\0\0\0\x20";
        assert_eq!(datagram(&PROTOCOL, 7000, newer), Verdict::Match);
    }

    #[test]
    fn other_prefixes_do_not() {
        assert_eq!(streams(&PROTOCOL, 6668, b"\0\0\x55\x99\0\0\0\x01", b""), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 6667, &HEARTBEAT[..15]), Verdict::No);
    }
}
