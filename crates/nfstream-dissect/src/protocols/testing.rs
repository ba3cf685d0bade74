//! Probes and parsers as tests call them.

use std::net::{Ipv4Addr, SocketAddr};

use crate::flow::Finding;
use crate::packet::{Direction, Endpoints, TCP, UDP};
use crate::probe::{Datagram, History, Streams, Verdict};
use crate::protocol::{DatagramParser, Protocol};

/// The beginning of a record of TLS that holds a hello of a client.
pub(crate) const HELLO: &[u8] = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";

/// Returns the ends of a flow from port 50,000 to `port`.
pub(crate) fn endpoints(protocol: u8, port: u16) -> Endpoints {
    Endpoints {
        protocol,
        client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
        server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), port)),
    }
}

/// Returns an empty finding of an inspection with or without personal data.
pub(crate) fn finding(personal: bool) -> Finding {
    let mut finding = Finding::default();
    finding.personal = personal;
    finding
}

/// Returns the verdict on streams to `port`.
pub(crate) fn streams(protocol: &Protocol, port: u16, client: &[u8], server: &[u8]) -> Verdict {
    let rules = protocol.stream.as_ref().unwrap();
    let allows = |start: crate::protocol::Start, stream: &[u8]| {
        stream.first().is_none_or(|byte| start.allows(*byte))
    };
    if !allows(rules.client, client) || !allows(rules.server, server) {
        return Verdict::No;
    }
    let endpoints = endpoints(TCP, port);
    (rules.probe)(&Streams { endpoints: &endpoints, client, server, swapped: false })
}

/// Asserts that streams match and that no beginning of them is ruled out.
pub(crate) fn assert_streams(protocol: &Protocol, port: u16, client: &[u8], server: &[u8]) {
    let name = protocol.name;
    assert_eq!(streams(protocol, port, client, server), Verdict::Match, "{name}");
    for len in 1..client.len() {
        let verdict = streams(protocol, port, &client[..len], &[]);
        assert_ne!(verdict, Verdict::No, "{name}: {len} bytes of the client");
    }
    for len in 1..server.len() {
        let verdict = streams(protocol, port, &[], &server[..len]);
        assert_ne!(verdict, Verdict::No, "{name}: {len} bytes of the server");
    }
}

/// Returns what the parser of streams finds.
pub(crate) fn parse_streams(
    protocol: &Protocol,
    port: u16,
    client: &[u8],
    server: &[u8],
    mut finding: Finding,
) -> Finding {
    let parse = protocol.stream.as_ref().unwrap().parse.unwrap();
    let endpoints = endpoints(TCP, port);
    parse(&Streams { endpoints: &endpoints, client, server, swapped: false }, &mut finding);
    finding
}

/// Returns the verdict on the first datagram of a flow to `port`.
pub(crate) fn datagram(protocol: &Protocol, port: u16, payload: &[u8]) -> Verdict {
    datagrams(protocol, port, &[(Direction::FromClient, payload)])
}

/// Returns the verdict on several datagrams, as of the first that decides.
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

/// Returns what the parser of datagrams finds.
pub(crate) fn parse_datagrams(
    protocol: &Protocol,
    port: u16,
    payloads: &[(Direction, &[u8])],
    mut finding: Finding,
) -> Finding {
    let rules = protocol.datagram.as_ref().unwrap();
    let endpoints = endpoints(UDP, port);
    let mut history = History::default();
    let mut follow = match &rules.parse {
        DatagramParser::Following(make) => Some(make()),
        _ => None,
    };
    for &(direction, payload) in payloads {
        let datagram = Datagram { endpoints: &endpoints, direction, payload, history: &history };
        match (&mut follow, &rules.parse) {
            (Some(follow), _) => {
                follow.add(&datagram, &mut finding);
            }
            (None, DatagramParser::Each(parse)) => {
                parse(&datagram, &mut finding);
            }
            _ => panic!("{} has no parser", protocol.name),
        }
        history.add(direction, payload);
    }
    finding
}
