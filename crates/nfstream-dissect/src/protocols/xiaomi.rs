//! Xiaomi: the push service of its phones, and miIO of its devices at home.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Need, Protocol, Start, StreamRules};
use crate::read::{Reader, be16, be32, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(287),
    name: "Xiaomi",
    category: Category(5),
    udp_ports: &[54_321],
    stream: Some(StreamRules {
        client: Start::Bytes(&[0xc2]),
        server: Start::Bytes(&[0xc2]),
        parse: Some(parse),
        probe,
    }),
    datagram: Some(DatagramRules { start: Start::Bytes(b"!"), ..DatagramRules::new(miio) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(|stream| {
        Some(
            *stream.first()? == 0xc2
                && *stream.get(1)? == 0xfe
                && be16(stream, 2)? == 5
                && be32(stream, 4)? < 1 << 20,
        )
    })
}

/// Bytes of a magic number, a version and a length.
const HEADER: usize = 8;
/// Field of a connection request that holds the server, with or without a port.
const SERVER_FIELD: u64 = 7;

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    // The request is the client's, but where its SYN was not captured the roles may be exchanged.
    let mut needed = [usize::MAX; 2];
    for (stream, needed) in [streams.client, streams.server].into_iter().zip(&mut needed) {
        let end = match be32(stream, 4).and_then(|len| usize::try_from(len).ok()) {
            Some(len) => len.saturating_add(HEADER),
            None => HEADER,
        };
        let Some(frame) = stream.get(HEADER..end).filter(|frame| !frame.is_empty()) else {
            *needed = end;
            continue;
        };
        if let Some(server) = server(frame) {
            let colon = server.iter().rposition(|byte| *byte == b':');
            finding.metadata().host = text(&server[..colon.unwrap_or(server.len())]);
            return Need::Done;
        }
    }
    match needed {
        [usize::MAX, usize::MAX] => Need::Done,
        [client, server] => Need::Bytes { client, server },
    }
}

/// Returns the server that a connection request names: a kind, the sizes of a header and a body,
/// both in Protocol Buffers.
fn server(frame: &[u8]) -> Option<&[u8]> {
    let mut rest = Reader(frame);
    rest.u16()?;
    let header = rest.u16()?;
    let body = usize::try_from(rest.u32()?).ok()?;
    rest.take(header.into())?;
    let mut fields = Reader(rest.take(body)?);
    loop {
        let key = number(&mut fields)?;
        match key & 7 {
            0 => {
                number(&mut fields)?;
            }
            2 => {
                let len = usize::try_from(number(&mut fields)?).ok()?;
                let value = fields.take(len)?;
                if key >> 3 == SERVER_FIELD {
                    return Some(value);
                }
            }
            _ => return None,
        }
    }
}

/// Returns a number of seven bits a byte, the lowest first.
fn number(rest: &mut Reader<'_>) -> Option<u64> {
    let mut value = 0;
    for place in 0..9 {
        let byte = rest.u8()?;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn miio(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        payload.starts_with(b"!1")
            && payload.len() >= 32
            && be16(payload, 2).map(usize::from) == Some(payload.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::TCP;
    use crate::protocols::testing::{datagram, endpoints, streams};

    #[test]
    fn push_and_hello_match() {
        let push = b"\xc2\xfe\0\x05\0\0\0\x36\0\x02\0\x16";
        assert_eq!(streams(&PROTOCOL, 5222, b"", push), Verdict::Match);
        let mut hello = [0xff; 32];
        hello[..4].copy_from_slice(b"!1\0\x20");
        assert_eq!(datagram(&PROTOCOL, 54_321, &hello), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 54_321, &hello[..31]), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 5222, b"\xc2\xfe\0\x06\0\0\0\0", b""), Verdict::No);
    }

    #[test]
    fn a_connection_request_names_its_server() {
        let frame = b"\0\x02\0\x02\0\0\0\x16\x08\0\x08\x6a\x12\x02ab\x3a\x0e192.0.2.7:5222";
        assert_eq!(server(frame), Some(&b"192.0.2.7:5222"[..]));
        assert_eq!(server(&frame[..20]), None);
    }

    #[test]
    fn the_server_is_read_once_its_frame_is_complete() {
        let client =
            b"\xc2\xfe\0\x05\0\0\0\x1a\0\x02\0\0\0\0\0\x12\x08\x6a\x3a\x0e192.0.2.7:5222rest";
        let endpoints = endpoints(TCP, 5222);
        let mut finding = Finding::default();
        let part =
            Streams { endpoints: &endpoints, client: &client[..20], server: b"", swapped: false };
        assert_eq!(parse(&part, &mut finding), Need::Bytes { client: 34, server: 8 });
        let whole = Streams { client, ..part };
        assert_eq!(parse(&whole, &mut finding), Need::Done);
        assert_eq!(&*finding.metadata().host, "192.0.2.7");
    }
}
