//! Raft in the encoding of the dqlite library: the handshake of a node.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{by_client, check};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(392),
    name: "Raft",
    category: Category(14),
    stream: Some(StreamRules { client: Start::Bytes(&[1]), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

/// Checks version, number of the node, and its address, padded to words.
fn probe(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            if reader.le64()? != 1 {
                return Some(false);
            }
            reader.le64()?;
            let len = usize::try_from(reader.le64()?).ok()?;
            if !(8..=256).contains(&len) || len % 8 != 0 {
                return Some(false);
            }
            let address = reader.take(len)?;
            let end = address.iter().position(|byte| *byte == 0).unwrap_or(len);
            let (text, padding) = address.split_at(end);
            let printable = text.iter().all(|byte| matches!(byte, b'!'..=b'~'));
            Some(printable && text.contains(&b':') && padding.iter().all(|byte| *byte == 0))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn nodes_give_their_address() {
        let hello = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\x00127.0.0.1:9001\0\0";
        assert_streams(&PROTOCOL, 9002, hello, b"");
        let other = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x11\0\0\0\0\0\0\0";
        assert_eq!(streams(&PROTOCOL, 9002, other, b""), Verdict::No);
    }
}
