//! Radmin: the first message of either end, as public service probes describe it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(391),
    name: "Radmin",
    category: Category(12),
    tcp_ports: &[4899],
    stream: Some(StreamRules::either(Start::Bytes(&[1]), probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    let client = check(streams.client, |reader| {
        Some(
            reader.u32()? == 0x0100_0000
                && reader.u16()? == 0x0100
                && reader.u16()? == 0
                && reader.u8()? == 8
                && reader.u8()? == 8,
        )
    });
    let server = check(streams.server, |reader| {
        Some(
            reader.u32()? == 0x0100_0000 && reader.u8()? == 0x25 && {
                reader.u8()?;
                reader.u16()?;
                reader.u8()?;
                matches!(reader.u8()?, 0x08 | 0x10..=0x12)
            },
        )
    });
    either(client, server)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn both_ends_have_a_fixed_start() {
        assert_streams(&PROTOCOL, 4899, b"\x01\0\0\0\x01\0\0\0\x08\x08", b"");
        assert_streams(&PROTOCOL, 4899, b"", b"\x01\0\0\0\x25\0\0\x02\x12\x08\x02\0");
        assert_eq!(streams(&PROTOCOL, 4899, b"\x01\0\0\0\x02\0\0\0\x08\x08", b""), Verdict::No);
    }
}
