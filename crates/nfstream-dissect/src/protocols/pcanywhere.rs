//! pcAnywhere: status queries and the start of a session.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::by_server;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_105),
    name: "pcAnywhere",
    category: Category(12),
    tcp_ports: &[5631],
    udp_ports: &[5632],
    stream: Some(StreamRules { server: Start::Bytes(&[0]), ..StreamRules::new(probe) }),
    datagram: Some(DatagramRules { start: Start::Bytes(b"NS"), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

/// Checks the line with which a host waits for the user: `\0X\x08`, then `Please press <Enter>`.
fn probe(streams: &Streams<'_>) -> Verdict {
    by_server(streams, |stream| begins(stream, b"\0X\x08\0}\x08\r\n\0.\x08"))
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(
        datagram.has_port(5632) && matches!(datagram.payload, b"NQ" | b"ST" | [b'N', b'R', ..]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram};

    #[test]
    fn hosts_are_queried_by_name_and_status() {
        assert_eq!(datagram(&PROTOCOL, 5632, b"NQ"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 5632, b"NX"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 53, b"ST"), Verdict::No);
    }

    #[test]
    fn a_host_waits_for_its_user() {
        assert_streams(&PROTOCOL, 5631, b"", b"\0X\x08\0}\x08\r\n\0.\x08");
    }
}
