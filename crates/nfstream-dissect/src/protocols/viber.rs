//! Viber: its connection to the servers and its calls.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, StreamRules};
use crate::read::{be16, le16};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(144),
    name: "Viber",
    category: Category(9),
    tcp_ports: &[4244, 5242, 5243, 7985],
    udp_ports: &[4244, 5242, 5243, 7985, 7987],
    stream: Some(StreamRules::new(probe)),
    datagram: Some(DatagramRules::new(probe_datagram)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    if !matches!(streams.server_port(), 4244 | 5242 | 5243 | 7985) {
        return Verdict::No;
    }
    // The length of the message, its number and three zeros.
    streams.either(|stream| {
        Some((8..=4096).contains(&le16(stream, 0)?) && stream.get(3..6)? == [0, 0, 0])
    })
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    if !datagram.has_port_in(7985, 7987)
        && !datagram.has_port_in(5242, 5243)
        && !datagram.has_port(4244)
    {
        return Verdict::No;
    }
    // A number of the call, the same in both directions, then the kind of message and a zero.
    let payload = datagram.payload;
    let is_message = |bytes: &[u8]| {
        bytes.get(2).is_some_and(|kind| (1..=0x20).contains(kind)) && bytes.get(3) == Some(&0)
    };
    if !is_message(payload) || payload.len() < 8 {
        return Verdict::No;
    }
    let before = datagram.history.last(datagram.direction).or_else(|| datagram.answered());
    match before {
        Some(head) => Verdict::from_match(be16(head.bytes(), 0) == be16(payload, 0)),
        None => Verdict::More,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::FromClient;
    use crate::protocols::testing::{datagram, datagrams, streams};

    const FIRST: &[u8] = b"\xed\xf6\x01\0\x05\0\xac\x19";
    const SECOND: &[u8] = b"\xed\xf6\x09\0\xb3\x39\x92\x91";

    #[test]
    fn messages_match_at_their_ports() {
        let hello = b"\x65\0\x0a\0\0\0\x2e\xd0";
        assert_eq!(streams(&PROTOCOL, 4244, hello, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 443, hello, b""), Verdict::No);
        let call = [(FromClient, FIRST), (FromClient, SECOND)];
        assert_eq!(datagrams(&PROTOCOL, 7985, &call), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 7985, FIRST), Verdict::More);
        assert_eq!(datagram(&PROTOCOL, 7988, FIRST), Verdict::No);
    }
}
