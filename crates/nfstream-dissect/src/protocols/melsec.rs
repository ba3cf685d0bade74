//! Mitsubishi's MELSEC communication in binary form (SLMP, SH-080956), frames 3E and 4E.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::le16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(75),
    name: "MELSEC",
    category: Category(31),
    tcp_ports: &[5007],
    udp_ports: &[5006],
    stream: Some(StreamRules { client: STARTS, server: STARTS, ..StreamRules::new(probe) }),
    datagram: Some(DatagramRules { start: STARTS, ..DatagramRules::new(probe_datagram) }),
    ..Protocol::NEW
};

const STARTS: Start = Start::Bytes(&[0x50, 0x54, 0x57, 0xd0, 0xd4, 0xd7]);

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(5007);
    streams.either(|stream| is_frame(stream, usual_port))
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let usual_port = datagram.has_port(5006) || datagram.has_port(5000);
    Verdict::from_match(is_frame(datagram.payload, usual_port) == Some(true))
}

/// Returns whether a request or response begins.
fn is_frame(bytes: &[u8], usual_port: bool) -> Option<bool> {
    let kind = *bytes.first()?;
    // Offset of the module's address: after the subheader, in 4E after a serial number.
    let address = match kind {
        0x50 | 0xd0 => 2,
        0x54 | 0xd4 => 6,
        // The programming software's own frames.
        0x57 | 0xd7 => return Some(usual_port && *bytes.get(1)? == 0 && *bytes.get(4)? == 0),
        _ => return Some(false),
    };
    // A request holds a timer, a command and a subcommand; a response an end code.
    let shortest = if kind & 0x80 == 0 { 6 } else { 2 };
    Some(
        *bytes.get(1)? == 0
            && (address == 2 || le16(bytes, 4)? == 0)
            && *bytes.get(address + 3)? == 0x03
            && (*bytes.get(address + 2)? == 0xff || *bytes.get(address + 2)? >= 0xd0)
            && *bytes.get(address + 4)? <= 31
            && (shortest..=2048).contains(&le16(bytes, address + 5)?),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const READ: &[u8] = b"\x50\0\0\xff\xff\x03\0\x0c\0\x10\0\x01\x04\0\0\x64\0\0\xa8\x01\0";

    #[test]
    fn requests_and_responses_match() {
        assert_eq!(streams(&PROTOCOL, 5007, READ, b""), Verdict::Match);
        let response = b"\xd0\0\0\xff\xff\x03\0\x04\0\0\0\x01\0";
        assert_eq!(streams(&PROTOCOL, 5007, b"", response), Verdict::Match);
        let numbered = b"\x54\0\x01\0\0\0\0\xff\xff\x03\0\x0c\0\x10\0\x01\x04";
        assert_eq!(datagram(&PROTOCOL, 5000, numbered), Verdict::Match);
    }

    #[test]
    fn text_does_not() {
        assert_eq!(streams(&PROTOCOL, 5007, b"POST / HTTP/1.1", b""), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 5000, &READ[..8]), Verdict::No);
    }
}
