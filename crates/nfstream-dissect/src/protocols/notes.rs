//! HCL Notes and Domino: the start of its remote procedure calls, as public service probes give it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(150),
    name: "HCL_Notes",
    category: Category(15),
    tcp_ports: &[1352],
    stream: Some(StreamRules::new(probe)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    // Two lengths, then kind 2 for a request or 3 for its answer, flags, and the version.
    let message = |stream, kind| {
        check(stream, |reader| {
            let len = reader.le16()?;
            let inner = reader.le16()?;
            Some(
                (12..2048).contains(&len)
                    && inner <= len
                    && reader.u16()? == 0
                    && reader.le16()? == kind
                    && reader.u16()? == 0x0040
                    && reader.u16()? == 0x020f,
            )
        })
    };
    either(message(streams.client, 2), message(streams.server, 3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn first_messages_state_a_version() {
        let hello = b"\x3a\0\x2f\0\0\0\x02\0\0\x40\x02\x0f\0\x01\0\x3d\x05";
        assert_streams(&PROTOCOL, 1353, hello, b"");
        assert_eq!(streams(&PROTOCOL, 1352, b"\x3a\0\x2f\0\0\0\x04\0", b""), Verdict::No);
    }
}
