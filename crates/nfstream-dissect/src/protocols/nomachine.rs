//! NoMachine: the version line of NX connections, and its datagrams.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::shape::{begins_any, check_all, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(378),
    name: "NoMachine",
    category: Category(12),
    tcp_ports: &[4000],
    udp_ports: &[4000],
    stream: Some(StreamRules::either(Start::Bytes(b"N"), probe)),
    datagram: Some(DatagramRules { start: Start::Bytes(&[1, 2]), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    let version = |stream| begins_any(stream, &[b"NXSH-", b"NXD-", b"NXSERVER-", b"NXPROXY-"]);
    either(version(streams.client), version(streams.server))
}

/// Checks the header: kind, flag, length of the datagram, and a sequence number.
fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let len = datagram.payload.len();
    check_all(datagram.payload, |reader| {
        Some(
            (1..=2).contains(&reader.le16()?)
                && reader.le16()? == 1
                && usize::from(reader.le16()?) == len
                && len == 10,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    #[test]
    fn version_lines_begin_a_connection() {
        assert_streams(&PROTOCOL, 4000, b"NXSH-8.10.1\n", b"NXD-8.10.1\n");
        assert_eq!(streams(&PROTOCOL, 4000, b"NICK a\r\n", b""), Verdict::No);
    }

    #[test]
    fn datagrams_state_their_length() {
        let hello = b"\x01\x00\x01\x00\x0a\x00\x00\x00\x00\x00";
        assert_eq!(datagram(&PROTOCOL, 4000, hello), Verdict::Match);
        assert_eq!(
            datagram(&PROTOCOL, 4000, b"\x01\x00\x01\x00\x0b\x00\x00\x00\x00\x00"),
            Verdict::No
        );
    }
}
