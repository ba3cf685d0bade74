//! Apple Filing Protocol over TCP: the header of its Data Stream Interface.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{both, check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(97),
    name: "AFP",
    category: Category(4),
    tcp_ports: &[548],
    udp_ports: &[548],
    stream: Some(StreamRules::either(Start::Range(0, 1), probe)),
    ..Protocol::NEW
};

const GET_STATUS: u8 = 3;
const OPEN_SESSION: u8 = 4;

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(548);
    let [client, server] =
        [streams.client, streams.server].map(|stream| header(stream, usual_port));
    let opens = |stream: &[u8]| matches!(stream.get(1), Some(&(GET_STATUS | OPEN_SESSION)));
    if usual_port || opens(streams.client) || opens(streams.server) {
        return either(client, server);
    }
    // Elsewhere the answer to another command has its number.
    match both(client, server) {
        Verdict::Match => {
            let [asked, answered] = [streams.client, streams.server].map(|stream| stream.get(1..4));
            let numbered = asked.is_some_and(|asked| asked[1..] != [0, 0]);
            Verdict::from_match(numbered && asked == answered && streams.server.first() == Some(&1))
        }
        verdict => verdict,
    }
}

fn header(stream: &[u8], usual_port: bool) -> Verdict {
    check(stream, |reader| {
        let is_reply = reader.u8()? == 1;
        let command = reader.u8()?;
        reader.u16()?;
        if !(1..=8).contains(&command) {
            return Some(false);
        }
        // An error of a reply, or where the data of a request begins.
        let offset = reader.u32()?;
        let len = reader.u32()?;
        Some(
            (is_reply || offset <= len)
                && (usual_port || offset == 0 && len < 4096)
                && len < 1 << 24
                && reader.u32()? == 0,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn headers_end_in_zeros() {
        let status = b"\0\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0\0";
        assert_streams(&PROTOCOL, 4548, status, b"");
        let command = b"\0\x02\x22\xc6\0\0\0\0\0\0\0\x06\0\0\0\0";
        assert_streams(&PROTOCOL, 548, command, b"");
        assert_eq!(streams(&PROTOCOL, 4548, command, b""), Verdict::More);
        let reply = b"\x01\x02\x22\xc6\0\0\0\0\0\0\0\x04\0\0\0\0";
        assert_streams(&PROTOCOL, 4548, command, reply);
        let mut reply = *reply;
        reply[3] = 0;
        assert_eq!(streams(&PROTOCOL, 4548, command, &reply), Verdict::No);
        let mut other = *status;
        other[15] = 1;
        assert_eq!(streams(&PROTOCOL, 548, &other, b""), Verdict::No);
    }
}
