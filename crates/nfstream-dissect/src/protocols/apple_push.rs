//! Notifications of Apple's devices, where the handshake of a long connection was not captured:
//! records of TLS at the service's ports and Apple's addresses.

use std::net::IpAddr;

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(238),
    name: "ApplePush",
    category: Category(13),
    stream: Some(StreamRules {
        client: APPLICATION_DATA,
        server: APPLICATION_DATA,
        parse: Some(parse),
        probe,
    }),
    ..Protocol::NEW
};

/// The protocol around the notifications.
const TLS: ProtocolId = ProtocolId(91);
const APPLICATION_DATA: Start = Start::Bytes(&[0x17]);

fn probe(streams: &Streams<'_>) -> Verdict {
    let server = if streams.swapped { streams.endpoints.client } else { streams.endpoints.server };
    let of_apple = match server.ip() {
        IpAddr::V4(address) => address.octets()[0] == 17,
        IpAddr::V6(address) => matches!(address.segments(), [0x2620, 0x149, ..]),
    };
    if !of_apple || !matches!(server.port(), 2197 | 5223) {
        return Verdict::No;
    }
    streams.either(|stream| Some(*stream.first()? == 0x17 && *stream.get(1)? == 3))
}

fn parse(_: &Streams<'_>, finding: &mut Finding) -> Need {
    finding.set_master(TLS);
    finding.set_application(PROTOCOL.id);
    Need::Done
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::packet::{Endpoints, TCP};

    #[test]
    fn records_match_at_apple_s_addresses() {
        let verdict = |address: [u8; 4], client: &[u8]| {
            let endpoints = Endpoints {
                protocol: TCP,
                client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
                server: SocketAddr::from((Ipv4Addr::from(address), 5223)),
            };
            probe(&Streams { endpoints: &endpoints, client, server: b"", swapped: false })
        };
        assert_eq!(verdict([17, 0, 0, 1], b"\x17\x03\x03"), Verdict::Match);
        assert_eq!(verdict([17, 0, 0, 1], b"\x16\x03\x03"), Verdict::No);
        assert_eq!(verdict([192, 0, 2, 2], b"\x17\x03\x03"), Verdict::No);
    }
}
