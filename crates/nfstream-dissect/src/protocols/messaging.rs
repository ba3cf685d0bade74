//! Calls and messages between programs: CORBA (GIOP), OpenWire, SMPP and the PROXY protocol.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::begins;
use crate::shape::{begins_any, by_client, check, either};

pub(crate) const CORBA: Protocol = Protocol {
    id: ProtocolId(168),
    name: "Corba",
    category: Category(16),
    stream: Some(StreamRules::either(Start::Bytes(b"G"), corba)),
    ..Protocol::NEW
};

pub(crate) const OPENWIRE: Protocol = Protocol {
    id: ProtocolId(421),
    name: "OpenWire",
    category: Category(16),
    tcp_ports: &[61_616],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), openwire)),
    ..Protocol::NEW
};

pub(crate) const SMPP: Protocol = Protocol {
    id: ProtocolId(207),
    name: "SMPP",
    category: Category(7),
    tcp_ports: &[2775],
    stream: Some(StreamRules::either(Start::Bytes(&[0]), smpp)),
    ..Protocol::NEW
};

pub(crate) const HAPROXY: Protocol = Protocol {
    id: ProtocolId(350),
    name: "HAProxy",
    category: Category(5),
    stream: Some(StreamRules { client: Start::Bytes(b"P\r"), ..StreamRules::new(haproxy) }),
    ..Protocol::NEW
};

/// Checks magic number, version, flags and kind of message.
fn corba(streams: &Streams<'_>) -> Verdict {
    let message = |stream| {
        check(stream, |reader| {
            Some(
                reader.u32()? == u32::from_be_bytes(*b"GIOP")
                    && reader.u8()? == 1
                    && reader.u8()? <= 4
                    && reader.u8()? <= 7
                    && reader.u8()? <= 7,
            )
        })
    };
    either(message(streams.client), message(streams.server))
}

/// Checks the information about the format with which both ends begin.
fn openwire(streams: &Streams<'_>) -> Verdict {
    let message = |stream| {
        check(stream, |reader| {
            if !(16..4096).contains(&reader.u32()?) || reader.u8()? != 1 {
                return Some(false);
            }
            match begins(reader.0, b"ActiveMQ") {
                Verdict::More => None,
                verdict => Some(verdict == Verdict::Match),
            }
        })
    };
    either(message(streams.client), message(streams.server))
}

/// Checks length, command, status and sequence number of a unit.
fn smpp(streams: &Streams<'_>) -> Verdict {
    let unit = |stream| {
        check(stream, |reader| {
            let len = reader.u32()?;
            let command = reader.u32()?;
            let is_known =
                matches!(command & 0x7fff_ffff, 1..=9 | 0x0b | 0x15 | 0x21 | 0x102 | 0x103);
            if !(16..4096).contains(&len) || !is_known {
                return Some(false);
            }
            let status = reader.u32()?;
            let sequence = reader.u32()?;
            let plausible = (status == 0 || command >> 31 == 1 && status < 0x600)
                && (1..0x8000_0000).contains(&sequence);
            if !plausible {
                return Some(false);
            }
            // The name of the system that binds.
            Some(match command {
                1 | 2 | 9 => len > 20 && matches!(reader.u8()?, b' '..=b'~'),
                0x15 | 0x8000_0015 => len == 16 && streams.has_port(2775),
                _ => streams.has_port(2775),
            })
        })
    };
    either(unit(streams.client), unit(streams.server))
}

fn haproxy(streams: &Streams<'_>) -> Verdict {
    let headers: &[&[u8]] =
        &[b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN", b"\r\n\r\n\0\r\nQUIT\n"];
    by_client(streams, |stream| begins_any(stream, headers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn magic_words_are_decisive() {
        assert_streams(&CORBA, 2809, b"GIOP\x01\x02\x01\0\0\0\0\x20", b"GIOP\x01\x02\x01\x01");
        assert_streams(&OPENWIRE, 61_617, b"\0\0\x01\x42\x01ActiveMQ\0\0\0\x0c", b"");
        assert_streams(&HAPROXY, 80, b"PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\n", b"");
        assert_streams(&HAPROXY, 80, b"\r\n\r\n\0\r\nQUIT\n\x21\x11", b"");
        assert_eq!(streams(&CORBA, 2809, b"GIOP\x09", b""), Verdict::No);
        assert_eq!(streams(&HAPROXY, 80, b"PROPFIND / ", b""), Verdict::No);
    }

    #[test]
    fn smpp_binds_with_a_name() {
        let bind = b"\0\0\0\x2f\0\0\0\x09\0\0\0\0\0\0\0\x01smppclient\0";
        assert_streams(&SMPP, 2776, bind, b"");
        assert_streams(&SMPP, 2775, b"", b"\0\0\0\x10\x80\0\0\x15\0\0\0\0\0\0\0\x02");
        assert_eq!(streams(&SMPP, 2776, b"\0\0\0\x2f\0\0\0\x0a", b""), Verdict::No);
    }
}
