//! Apple Filing Protocol over TCP: the header of its Data Stream Interface.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

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
    either(header(streams.client, usual_port), header(streams.server, usual_port))
}

fn header(stream: &[u8], usual_port: bool) -> Verdict {
    check(stream, |reader| {
        let is_reply = reader.u8()? == 1;
        let command = reader.u8()?;
        let opens = command == GET_STATUS || command == OPEN_SESSION;
        if !(1..=8).contains(&command) || !usual_port && !opens {
            return Some(false);
        }
        reader.u16()?;
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
        assert_eq!(streams(&PROTOCOL, 4548, command, b""), Verdict::No);
        let mut other = *status;
        other[15] = 1;
        assert_eq!(streams(&PROTOCOL, 548, &other, b""), Verdict::No);
    }
}
