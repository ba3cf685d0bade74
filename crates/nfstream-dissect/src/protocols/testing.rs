//! Probes on hand-made streams and datagrams.

use std::net::{Ipv4Addr, SocketAddr};

use crate::packet::{Direction, Endpoints, TCP, UDP};
use crate::probe::{Datagram, History, Streams, Verdict};
use crate::protocol::Protocol;

/// Returns the ends of a flow from port 50,000 to `port`.
pub(crate) fn endpoints(protocol: u8, port: u16) -> Endpoints {
    Endpoints {
        protocol,
        client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
        server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), port)),
    }
}

/// Returns the verdict on streams to a server at `port`.
///
/// # Panics
///
/// Panics if a proper beginning of matching streams gets the verdict `No`.
pub(crate) fn streams(protocol: &Protocol, port: u16, client: &[u8], server: &[u8]) -> Verdict {
    let rules = protocol.stream.as_ref().unwrap();
    let endpoints = endpoints(TCP, port);
    let verdict = |client: &[u8], server: &[u8]| {
        let starts = client.first().is_none_or(|byte| rules.client.allows(*byte))
            && server.first().is_none_or(|byte| rules.server.allows(*byte));
        let streams = Streams { endpoints: &endpoints, client, server, swapped: false };
        if starts { (rules.probe)(&streams) } else { Verdict::No }
    };
    let whole = verdict(client, server);
    if whole == Verdict::Match {
        for len in 0..client.len() {
            assert_ne!(verdict(&client[..len], server), Verdict::No, "{len} bytes of the client");
        }
        for len in 0..server.len() {
            assert_ne!(verdict(client, &server[..len]), Verdict::No, "{len} bytes of the server");
            assert_ne!(verdict(&[], &server[..len]), Verdict::No, "{len} bytes of a server alone");
        }
    }
    whole
}

/// Returns the verdict on datagrams to a server at `port` and back, as of the first that decides.
pub(crate) fn datagrams(
    protocol: &Protocol,
    port: u16,
    payloads: &[(Direction, &[u8])],
) -> Verdict {
    let rules = protocol.datagram.as_ref().unwrap();
    let endpoints = endpoints(UDP, port);
    let mut history = History::default();
    for &(direction, payload) in payloads {
        if !payload.first().is_none_or(|byte| rules.start.allows(*byte)) {
            return Verdict::No;
        }
        let datagram = Datagram { endpoints: &endpoints, direction, payload, history: &history };
        match (rules.probe)(&datagram) {
            Verdict::More => history.add(direction, payload),
            decided => return decided,
        }
    }
    Verdict::More
}

/// Returns the verdict on one datagram of the client to a server at `port`.
pub(crate) fn datagram(protocol: &Protocol, port: u16, payload: &[u8]) -> Verdict {
    datagrams(protocol, port, &[(Direction::FromClient, payload)])
}
