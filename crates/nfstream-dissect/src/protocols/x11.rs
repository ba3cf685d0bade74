//! X11: the connection setup, and XDMCP, which starts sessions.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::Reader;
use crate::shape::{by_client, check, check_all};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_102),
    name: "X11",
    category: Category(12),
    tcp_ports: &[6000],
    stream: Some(StreamRules { client: Start::Bytes(b"Bl"), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

/// The X Display Manager Control Protocol.
pub(crate) const XDMCP: Protocol = Protocol {
    id: ProtocolId(15),
    name: "XDMCP",
    category: Category(12),
    tcp_ports: &[177],
    udp_ports: &[177],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0]), ..DatagramRules::new(xdmcp) }),
    ..Protocol::NEW
};

/// Checks byte order, protocol version 11.0 and the lengths of the authorisation.
fn probe(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            let little = reader.u8()? == b'l';
            let number =
                |reader: &mut Reader<'_>| if little { reader.le16() } else { reader.u16() };
            reader.u8()?;
            Some(
                number(reader)? == 11
                    && number(reader)? == 0
                    && number(reader)? <= 256
                    && number(reader)? <= 256
                    && number(reader)? == 0,
            )
        })
    })
}

fn xdmcp(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, |reader| {
        Some(
            reader.u16()? == 1
                && (1..=14).contains(&reader.u16()?)
                && usize::from(reader.u16()?) == reader.0.len()
                && datagram.has_port(177),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    #[test]
    fn setup_is_read_in_either_byte_order() {
        assert_streams(&PROTOCOL, 6000, b"l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT", b"");
        assert_streams(&PROTOCOL, 6000, b"B\0\0\x0b\0\0\0\x12\0\x10\0\0MIT", b"");
        assert_eq!(streams(&PROTOCOL, 6000, b"l\0\x0b\0\x01\0", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 6000, b"", b"\x01\0"), Verdict::No);
    }

    #[test]
    fn xdmcp_states_its_length() {
        assert_eq!(datagram(&XDMCP, 177, b"\0\x01\0\x02\0\x01\0"), Verdict::Match);
        assert_eq!(datagram(&XDMCP, 177, b"\0\x01\0\x02\0\x02\0"), Verdict::No);
    }
}
