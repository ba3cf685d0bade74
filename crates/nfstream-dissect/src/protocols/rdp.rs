//! RDP (MS-RDPBCGR) over TCP, and its UDP transport (MS-RDPEUDP).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Need, Protocol, Start, StreamRules};
use crate::read::{be16, le32, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(88),
    name: "RDP",
    category: Category(12),
    tcp_ports: &[3389],
    udp_ports: &[3389],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(&[3]),
        server: Start::Bytes(&[3]),
        parse: Some(parse),
    }),
    datagram: Some(DatagramRules {
        probe: probe_datagram,
        start: Start::Bytes(&[0xff]),
        parse: DatagramParser::Nothing,
    }),
    ..Protocol::NEW
};

/// Metadata of the connection of a remote desktop.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rdp {
    /// Security that the client offers, as bits (1 for TLS, 2 for CredSSP).
    pub offered: u32,
    /// Security that the server chose, `None` before that.
    pub chosen: Option<u32>,
    /// User of the routing cookie; only if personal data is wanted.
    pub user: Box<str>,
}

/// Bytes of TPKT and of X.224 before the data.
const HEADER: usize = 11;
const COOKIE: &[u8] = b"Cookie: mstshash=";

fn probe(streams: &Streams<'_>) -> Verdict {
    let (stream, kind) = match (streams.client, streams.server) {
        ([], server) => (server, 0xd0),
        (client, _) => (client, 0xe0),
    };
    match stream {
        [3, 0, high, low, len, found, ..] => {
            let whole = usize::from(u16::from_be_bytes([*high, *low]));
            if *found != kind || usize::from(*len) + 5 != whole || whole < HEADER {
                return Verdict::No;
            }
            let Some(request) = stream.get(..whole) else { return Verdict::More };
            let data = &request[HEADER..];
            let known = match data {
                // Other protocols connect without data.
                [] => streams.has_port(3389),
                [1, _, 8, 0, ..] => kind == 0xe0,
                [2, _, 8, 0, ..] | [3, 0, 8, 0, ..] => kind == 0xd0,
                _ => data.starts_with(b"Cookie: ") || data.starts_with(b"tsv://"),
            };
            Verdict::from_match(known)
        }
        [] | [3] | [3, 0] | [3, 0, _] | [3, 0, _, _] | [3, 0, _, _, _] => Verdict::More,
        _ => Verdict::No,
    }
}

/// The first datagram: nothing acknowledged, and the flag of a synchronisation.
fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let synchronises = be16(payload, 6).is_some_and(|flags| flags & 1 != 0 && flags & 4 == 0);
    Verdict::from_match(
        datagram.has_port(3389)
            && payload.starts_with(&[0xff; 4])
            && synchronises
            && payload.len() >= 1000,
    )
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let negotiation = |stream: &[u8], kind: u8| {
        let len = usize::from(be16(stream, 2)?);
        let data = stream.get(HEADER..len)?;
        let tail = data.get(data.len().checked_sub(8)?..)?;
        (tail.first() == Some(&kind)).then(|| le32(tail, 4)).flatten()
    };
    let personal = finding.personal;
    let rdp = finding.metadata().rdp.get_or_insert_default();
    rdp.offered = negotiation(streams.client, 1).unwrap_or(0);
    rdp.chosen = negotiation(streams.server, 2);
    if personal {
        let cookie = streams.client.get(HEADER..).and_then(|data| data.strip_prefix(COOKIE));
        let user = cookie.and_then(|user| user.split(|byte| *byte == b'\r').next());
        rdp.user = text(user.unwrap_or_default());
    }
    if streams.server.len() >= HEADER + 8 { Need::Done } else { Need::server(HEADER + 8) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    const CONFIRM: &[u8] = b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0";

    fn request() -> Vec<u8> {
        let data = b"Cookie: mstshash=me\r\n\x01\0\x08\0\x03\0\0\0";
        let len = u8::try_from(HEADER + data.len()).unwrap();
        [&[3, 0, 0, len, len - 5, 0xe0, 0, 0, 0, 0, 0][..], data].concat()
    }

    #[test]
    fn connections_match() {
        testing::assert_streams(&PROTOCOL, 4000, &request(), CONFIRM);
        testing::assert_streams(&PROTOCOL, 4000, b"", CONFIRM);
        // Lengths that differ, and S7's parameters.
        assert_eq!(testing::streams(&PROTOCOL, 3389, b"\x03\0\0\x2b\x20\xe0", b""), Verdict::No);
        let s7 = b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc1\x02\x01\0\xc2\x02\x01\x02\xc0\x01\x0a";
        assert_eq!(testing::streams(&PROTOCOL, 102, s7, b""), Verdict::No);
    }

    #[test]
    fn security_is_read() {
        for (personal, user) in [(false, ""), (true, "me")] {
            let finding = testing::finding(personal);
            let found = testing::parse_streams(&PROTOCOL, 3389, &request(), CONFIRM, finding);
            let rdp = found.found_metadata().unwrap().rdp.clone().unwrap();
            assert_eq!((rdp.offered, rdp.chosen, &*rdp.user), (3, Some(2), user));
        }
    }
}
