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
    stream: Some(StreamRules {
        client: Start::Bytes(b"Bl"),
        server: Start::Bytes(&[0, 1, 2]),
        ..StreamRules::new(probe)
    }),
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
    if streams.client.is_empty() && !streams.server.is_empty() {
        return check(streams.server, is_acceptance);
    }
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

/// Returns whether a server accepts a connection: version 11.0, and numbers for the resources of
/// the client. A refusal is too short to tell.
fn is_acceptance(reader: &mut Reader<'_>) -> Option<bool> {
    if reader.u16()? != 0x0100 {
        return Some(false);
    }
    let little = match reader.u32()? {
        0x0b00_0000 => true,
        0x000b_0000 => false,
        _ => return Some(false),
    };
    reader.u16()?;
    reader.u32()?;
    let mut number = || if little { reader.le32() } else { reader.u32() };
    let (base, mask) = (number()?, number()?);
    Some(mask > 0xff && base & mask == 0)
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
        let accepted = b"\x01\0\x0b\0\0\0\x46\0\x60\xb7\xb8\0\0\0\xa0\x01\xff\xff\x1f\0";
        assert_streams(&PROTOCOL, 6010, b"", accepted);
        assert_eq!(streams(&PROTOCOL, 6010, b"", b"\x01\0\x0b\0\x01\0\x46\0"), Verdict::No);
    }

    #[test]
    fn xdmcp_states_its_length() {
        assert_eq!(datagram(&XDMCP, 177, b"\0\x01\0\x02\0\x01\0"), Verdict::Match);
        assert_eq!(datagram(&XDMCP, 177, b"\0\x01\0\x02\0\x02\0"), Verdict::No);
    }
}
