//! TiVo's discovery of servers.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::has_magic;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(308),
    name: "TiVoConnect",
    category: Category(14),
    tcp_ports: &[2190],
    udp_ports: &[2190],
    stream: Some(StreamRules {
        client: Start::Bytes(b"Tt"),
        ..StreamRules::new(|streams: &Streams<'_>| {
            streams.client_first(|stream| has_magic(stream, BEACON))
        })
    }),
    datagram: Some(DatagramRules {
        start: Start::Bytes(b"Tt"),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

const BEACON: &[u8] = b"TiVoConnect=";

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let head = datagram.payload.get(..BEACON.len());
    Verdict::from_match(head.is_some_and(|head| head.eq_ignore_ascii_case(BEACON)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    #[test]
    fn beacons_match() {
        assert_eq!(datagram(&PROTOCOL, 2190, b"TiVoConnect=1\nMethod=Broadcast\n"), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 2190, b"TiVoConnect=1\n", b""), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 2190, b"TiVoDisconnect"), Verdict::No);
    }
}
