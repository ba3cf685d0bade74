//! 9P, the file protocol of Plan 9 and of virtual machines: the negotiation of its version.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_152),
    name: "9P",
    category: Category(4),
    tcp_ports: &[564],
    stream: Some(StreamRules::new(probe)),
    ..Protocol::NEW
};

const VERSION_REQUEST: u8 = 100;
const VERSION_ANSWER: u8 = 101;

fn probe(streams: &Streams<'_>) -> Verdict {
    let version = |stream, kind| {
        check(stream, |reader| {
            let len = reader.le32()?;
            if !(15..64).contains(&len) || reader.u8()? != kind || reader.u16()? != u16::MAX {
                return Some(false);
            }
            reader.le32()?;
            Some((2..32).contains(&reader.le16()?) && reader.u8()? == b'9' && reader.u8()? == b'P')
        })
    };
    either(version(streams.client, VERSION_REQUEST), version(streams.server, VERSION_ANSWER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn versions_are_negotiated() {
        let request = b"\x15\0\0\0\x64\xff\xff\x18\0\x01\0\x08\x009P2000.L";
        assert_streams(
            &PROTOCOL,
            564,
            request,
            b"\x15\0\0\0\x65\xff\xff\x18\0\x01\0\x08\x009P2000.L",
        );
        assert_eq!(streams(&PROTOCOL, 564, b"\x15\0\0\0\x66", b""), Verdict::No);
    }
}
