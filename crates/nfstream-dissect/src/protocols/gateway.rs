//! Gateways between web servers and applications: AJP 1.3, FastCGI and uwsgi.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{by_client, check, either};

pub(crate) const AJP: Protocol = Protocol {
    id: ProtocolId(139),
    name: "AJP",
    category: Category(5),
    tcp_ports: &[8009, 8010],
    stream: Some(StreamRules {
        client: Start::Bytes(&[0x12]),
        server: Start::Bytes(b"A"),
        ..StreamRules::new(ajp)
    }),
    ..Protocol::NEW
};

pub(crate) const FASTCGI: Protocol = Protocol {
    id: ProtocolId(310),
    name: "FastCGI",
    category: Category(14),
    stream: Some(StreamRules::either(Start::Bytes(&[1]), fastcgi)),
    ..Protocol::NEW
};

pub(crate) const UWSGI: Protocol = Protocol {
    id: ProtocolId(10_122),
    name: "uwsgi",
    category: Category(5),
    stream: Some(StreamRules { client: Start::Bytes(&[0]), ..StreamRules::new(uwsgi) }),
    ..Protocol::NEW
};

/// Checks magic number, length and the kind of message.
fn ajp(streams: &Streams<'_>) -> Verdict {
    let client = check(streams.client, |reader| {
        Some(
            reader.u16()? == 0x1234
                && (1..=8192).contains(&reader.u16()?)
                && matches!(reader.u8()?, 2 | 7 | 8 | 10),
        )
    });
    let server = check(streams.server, |reader| {
        Some(
            reader.u16()? == u16::from_be_bytes(*b"AB")
                && (1..=8192).contains(&reader.u16()?)
                && matches!(reader.u8()?, 3..=6 | 9),
        )
    });
    either(client, server)
}

/// Checks the record that begins a request, or one of an answer.
fn fastcgi(streams: &Streams<'_>) -> Verdict {
    const BEGIN_REQUEST: u8 = 1;
    const GET_VALUES: u8 = 9;
    let client = check(streams.client, |reader| {
        let version = reader.u8()?;
        let kind = reader.u8()?;
        let request = reader.u16()?;
        let len = reader.u16()?;
        reader.u8()?;
        if version != 1 || reader.u8()? != 0 {
            return Some(false);
        }
        Some(match kind {
            BEGIN_REQUEST => {
                len == 8
                    && request > 0
                    && (1..=3).contains(&reader.u16()?)
                    && reader.u8()? <= 1
                    && reader.u8()? == 0
                    && reader.u32()? == 0
            }
            GET_VALUES => request == 0 && len > 0 && usize::from(reader.u8()?) <= usize::from(len),
            _ => false,
        })
    });
    let server = check(streams.server, |reader| {
        let version = reader.u8()?;
        let kind = reader.u8()?;
        let request = reader.u16()?;
        let len = reader.u16()?;
        reader.u8()?;
        let text = version == 1 && reader.u8()? == 0 && request > 0 && len > 0;
        // Output is HTTP without its first line, errors are text.
        Some(text && matches!(kind, 6 | 7) && matches!(reader.u8()?, b'A'..=b'z'))
    });
    either(client, server)
}

/// Checks modifier 0, the length of variables, and the first one, a name in capitals.
fn uwsgi(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| {
        check(stream, |reader| {
            reader.u8()?;
            let len = reader.le16()?;
            if len < 16 || reader.u8()? != 0 {
                return Some(false);
            }
            let name = reader.le16()?;
            if !(4..=32).contains(&name) {
                return Some(false);
            }
            let name = reader.take(name.into())?;
            Some(
                name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
                    && reader.le16()? < len,
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn ajp_has_a_magic_number_each_way() {
        assert_streams(&AJP, 8019, b"\x12\x34\0\x01\x0a", b"AB\0\x01\x09");
        assert_eq!(streams(&AJP, 8009, b"\x12\x34\0\x01\x0b", b""), Verdict::No);
    }

    #[test]
    fn fastcgi_begins_a_request() {
        assert_streams(&FASTCGI, 9000, b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0", b"");
        assert_streams(&FASTCGI, 9000, b"", b"\x01\x06\0\x01\0\x40\0\0Content-type");
        assert_eq!(streams(&FASTCGI, 9000, b"\x01\x01\0\x01\0\x08\0\0\0\x04", b""), Verdict::No);
    }

    #[test]
    fn uwsgi_has_variables() {
        assert_streams(&UWSGI, 3031, b"\0\x40\x01\0\x0e\0REQUEST_METHOD\x03\0GET", b"");
        assert_eq!(
            streams(&UWSGI, 3031, b"\0\x40\x01\0\x0e\0request_method\x03\0", b""),
            Verdict::No
        );
    }
}
