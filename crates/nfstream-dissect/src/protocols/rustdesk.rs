//! RustDesk: messages of its rendezvous server, in Protocol Buffers.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, StreamRules};
use crate::read::Reader;
use crate::shape::{check, check_all, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_101),
    name: "RustDesk",
    category: Category(12),
    tcp_ports: &[21_115, 21_116, 21_117, 21_118, 21_119],
    udp_ports: &[21_116, 21_119],
    stream: Some(StreamRules::new(probe)),
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

const PORTS: std::ops::RangeInclusive<u16> = 21_115..=21_119;

fn probe(streams: &Streams<'_>) -> Verdict {
    let endpoints = streams.endpoints;
    if !PORTS.contains(&endpoints.server.port()) && !PORTS.contains(&endpoints.client.port()) {
        return Verdict::No;
    }
    either(framed(streams.client), framed(streams.server))
}

/// Checks a frame: the two low bits of its first byte give the size of a little-endian number, the
/// other bits of which are the length of the message.
fn framed(stream: &[u8]) -> Verdict {
    check(stream, |reader| {
        let first = *reader.0.first()?;
        let size = usize::from(first & 3) + 1;
        let bytes = reader.take(size)?;
        let number = bytes.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        if !(2..=1 << 16).contains(&(number >> 2)) {
            return Some(false);
        }
        message(reader, number >> 2)
    })
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    if !datagram.has_port(21_116) && !datagram.has_port(21_119) {
        return Verdict::No;
    }
    check_all(datagram.payload, |reader| message(reader, reader.0.len()))
}

/// Checks one field of the message: length-delimited, and as long as the rest.
fn message(reader: &mut Reader<'_>, len: usize) -> Option<bool> {
    let key = varint(reader)?;
    let rest = varint(reader)?;
    let header = 1 + usize::from(key >= 1 << 7) + 1 + usize::from(rest >= 1 << 7);
    let field = key >> 3;
    Some(key & 7 == 2 && (6..=30).contains(&field) && header + rest == len)
}

/// Reads a number of at most two bytes.
fn varint(reader: &mut Reader<'_>) -> Option<usize> {
    let first = usize::from(reader.u8()?);
    if first < 1 << 7 {
        return Some(first);
    }
    let second = usize::from(reader.u8()?);
    Some(second << 7 | first & 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    #[test]
    fn a_client_registers() {
        let register = b"\x32\x0d\x0a\x09123456789\x10\x01";
        assert_eq!(datagram(&PROTOCOL, 21_116, register), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 21_116, &register[..9]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 4000, register), Verdict::No);
    }

    #[test]
    fn frames_give_the_length_of_messages() {
        assert_streams(&PROTOCOL, 21_115, b"\x14\xa2\x01\x02\x08\x01", b"");
        assert_eq!(streams(&PROTOCOL, 21_115, b"\x18\xa2\x01\x02\x08\x01", b""), Verdict::No);
    }
}
