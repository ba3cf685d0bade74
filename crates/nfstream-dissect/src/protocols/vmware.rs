//! VMware: the authentication daemon and the heartbeat of hosts.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::by_server;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(28),
    name: "VMware",
    category: Category(12),
    tcp_ports: &[903],
    udp_ports: &[902, 903],
    stream: Some(StreamRules { server: Start::Bytes(b"2"), ..StreamRules::new(probe) }),
    datagram: Some(DatagramRules { start: Start::Bytes(&[0xa4]), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    by_server(streams, |stream| begins(stream, b"220 VMware Authentication Daemon"))
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.endpoints.server.port() == 902 && datagram.payload.len() >= 66)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn the_daemon_names_itself() {
        assert_streams(&PROTOCOL, 902, b"", b"220 VMware Authentication Daemon Version 1.10");
        assert_eq!(streams(&PROTOCOL, 902, b"", b"220 mail ESMTP"), Verdict::No);
    }
}
