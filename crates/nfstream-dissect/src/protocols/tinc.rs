//! tinc: the first line of its meta protocol.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::metadata::Announced;
use crate::packet::UDP;
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::shape::{check_line, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(209),
    name: "TINC",
    category: Category(2),
    tcp_ports: &[655],
    udp_ports: &[655],
    stream: Some(StreamRules {
        parse: Some(parse),
        ..StreamRules::either(Start::Bytes(b"0"), probe)
    }),
    ..Protocol::NEW
};

/// Announces the tunnel's datagrams, which use the port of the meta protocol.
fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    finding.metadata().announce(Announced {
        address: streams.server_address(),
        port: streams.server_port(),
        transport: UDP,
        application: PROTOCOL.id,
    });
    Need::Done
}

/// Returns whether `segment` begins a meta connection.
pub(crate) fn is_begun(segment: &[u8]) -> bool {
    identity(segment) == Verdict::Match
}

fn probe(streams: &Streams<'_>) -> Verdict {
    either(identity(streams.client), identity(streams.server))
}

/// Checks request 0, a node's name and the version of the protocol, such as `0 node 17.7`.
fn identity(stream: &[u8]) -> Verdict {
    if stream.get(1).is_some_and(|byte| *byte != b' ') {
        return Verdict::No;
    }
    check_line(stream, 2048, |line| {
        let mut words = line.split(|byte| *byte == b' ');
        let [request, name, version] = [words.next(), words.next(), words.next()];
        request == Some(b"0")
            && words.next().is_none()
            && name.is_some_and(is_name)
            && matches!(version, Some([b'1', b'0'..=b'9'] | [b'1', b'0'..=b'9', b'.', b'0'..=b'9']))
    })
}

/// Returns whether `name` is a node's, a control connection's (`^`) or an invitation's (`?`).
fn is_name(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"^").or_else(|| name.strip_prefix(b"?")).unwrap_or(name);
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, parse_streams, streams};

    #[test]
    fn nodes_identify_themselves() {
        assert_streams(&PROTOCOL, 655, b"0 think 17\n", b"0 node 17.7\n");
        assert_eq!(streams(&PROTOCOL, 655, b"0 a b 17\n", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 655, b"0 a 99\n", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 655, b"01", b""), Verdict::No);
    }

    #[test]
    fn the_tunnel_is_announced() {
        let finding = parse_streams(&PROTOCOL, 700, b"0 think 17\n", b"", Finding::default());
        let [end] = finding.found_metadata().unwrap().announced[..] else { panic!("one end") };
        assert_eq!((end.port, end.transport, end.application), (700, UDP, PROTOCOL.id));
    }
}
