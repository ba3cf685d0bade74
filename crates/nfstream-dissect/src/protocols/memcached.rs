//! Memcached: its text and binary protocols over TCP and UDP; Couchbase, which extends the latter.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::Reader;
use crate::shape::{begins_any, check, check_line, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(40),
    name: "Memcached",
    category: Category(14),
    tcp_ports: &[11_211],
    udp_ports: &[11_211],
    stream: Some(StreamRules::new(probe)),
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

pub(crate) const COUCHBASE: Protocol = Protocol {
    id: ProtocolId(10_119),
    name: "Couchbase",
    category: Category(11),
    tcp_ports: &[11_210],
    stream: Some(StreamRules {
        client: Start::Bytes(&[REQUEST]),
        server: Start::Bytes(&[RESPONSE]),
        ..StreamRules::new(couchbase)
    }),
    ..Protocol::NEW
};

const REQUEST: u8 = 0x80;
const RESPONSE: u8 = 0x81;
/// First command of a Couchbase client.
const HELLO: u8 = 0x1f;
const MAX_LINE: usize = 2048;

/// First words of a client's lines.
const COMMANDS: &[&[u8]] = &[
    b"set ",
    b"add ",
    b"replace ",
    b"append ",
    b"prepend ",
    b"cas ",
    b"get ",
    b"gets ",
    b"stats",
    b"version",
    b"delete ",
    b"incr ",
    b"decr ",
    b"touch ",
    b"flush_all",
    b"verbosity ",
    b"quit",
    b"mg ",
    b"ms ",
    b"gat ",
    b"gats ",
];

/// Lines with which a server answers.
const ANSWERS: &[&[u8]] = &[
    b"VALUE ",
    b"STAT ",
    b"VERSION ",
    b"END\r\n",
    b"STORED\r\n",
    b"NOT_STORED\r\n",
    b"NOT_FOUND\r\n",
    b"DELETED\r\n",
    b"TOUCHED\r\n",
    b"EXISTS\r\n",
    b"CLIENT_ERROR ",
    b"SERVER_ERROR ",
];
/// Answers that no other protocol gives.
const OWN_ANSWERS: &[&[u8]] = &[b"STAT pid ", b"STORED\r\n", b"NOT_STORED\r\n", b"END\r\n"];

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(11_211);
    let client = match streams.client.first() {
        None => Verdict::More,
        Some(&REQUEST) => check(streams.client, request),
        Some(b'a'..=b'z') => command(streams.client, usual_port),
        Some(_) => Verdict::No,
    };
    let server = match streams.server.first() {
        None => Verdict::More,
        Some(&RESPONSE) => check(streams.server, response),
        Some(b'A'..=b'Z') if usual_port || !streams.client.is_empty() => {
            begins_any(streams.server, ANSWERS)
        }
        Some(b'A'..=b'Z') => begins_any(streams.server, OWN_ANSWERS),
        Some(_) => Verdict::No,
    };
    either(client, server)
}

/// Checks a line of words; those that could be of another protocol wait for the answer.
fn command(stream: &[u8], usual_port: bool) -> Verdict {
    let first = begins_any(stream, COMMANDS);
    if first != Verdict::Match {
        return first;
    }
    let mut verdict = Verdict::No;
    let line = check_line(stream, MAX_LINE, |line| {
        let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let name = words.next().unwrap_or_default();
        let arguments = words.clone().count();
        let numbers = words
            .skip(1)
            .take(3)
            .filter(|word| word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'))
            .count();
        let decisive = match name {
            b"set" | b"add" | b"replace" | b"append" | b"prepend" => {
                (4..=5).contains(&arguments) && numbers == 3
            }
            b"cas" => (5..=6).contains(&arguments) && numbers == 3,
            _ => false,
        };
        verdict = if decisive || usual_port { Verdict::Match } else { Verdict::More };
        true
    });
    if line == Verdict::Match { verdict } else { line }
}

/// Checks a request: extras and key as its command has them.
fn request(reader: &mut Reader<'_>) -> Option<bool> {
    binary(reader, |opcode, key, extras| match opcode {
        // Get, delete, append and prepend, quiet or not.
        0x00 | 0x04 | 0x09 | 0x0c..=0x0f | 0x14 | 0x19 | 0x1a => key > 0 && extras == 0,
        // Set, add and replace: flags and expiry.
        0x01..=0x03 | 0x11..=0x13 => key > 0 && extras == 8,
        // Increment and decrement: amount, start and expiry.
        0x05 | 0x06 | 0x15 | 0x16 => key > 0 && extras == 20,
        // Quit, no operation and version.
        0x07 | 0x0a | 0x0b | 0x17 => key == 0 && extras == 0,
        // Flush: perhaps an expiry.
        0x08 | 0x18 => key == 0 && (extras == 0 || extras == 4),
        // Statistics and SASL.
        0x10 | 0x20..=0x22 => extras == 0,
        // Touch, alone and with get.
        0x1c..=0x1e => key > 0 && extras == 4,
        _ => false,
    })
}

/// Checks a response.
fn response(reader: &mut Reader<'_>) -> Option<bool> {
    binary(reader, |opcode, _, extras| {
        (opcode < HELLO || matches!(opcode, 0x20..=0x22)) && matches!(extras, 0 | 4 | 8)
    })
}

/// Checks a header by opcode and the lengths of key and extras: both fit in the body, and the type
/// of data is 0.
fn binary(reader: &mut Reader<'_>, allows: impl FnOnce(u8, u32, u32) -> bool) -> Option<bool> {
    reader.u8()?;
    let opcode = reader.u8()?;
    let key = u32::from(reader.u16()?);
    let extras = u32::from(reader.u8()?);
    if !allows(opcode, key, extras) || key > 250 || reader.u8()? != 0 {
        return Some(false);
    }
    // The number of a virtual bucket, or a status.
    if reader.u16()? > 0x0fff {
        return Some(false);
    }
    Some((key + extras..1 << 24).contains(&reader.u32()?))
}

fn couchbase(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(11_210);
    let allows = |opcode: u8, _: u32, extras: u32| (opcode == HELLO || usual_port) && extras <= 24;
    let header = |stream| check(stream, |reader| binary(reader, allows));
    either(header(streams.client), header(streams.server))
}

/// Checks a header of 8 bytes (request, number, count, reserved) and a command or answer.
fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let Some((header, rest)) = datagram.payload.split_at_checked(8) else { return Verdict::No };
    if !datagram.has_port(11_211) {
        // A single datagram with a line of text.
        let is_single = matches!(header, [_, _, 0, 0, 0, 1, 0, 0]);
        let known = command(rest, true) == Verdict::Match
            || begins_any(rest, OWN_ANSWERS) == Verdict::Match;
        return Verdict::from_match(is_single && known && rest.ends_with(b"\r\n"));
    }
    let fits = matches!(header, [_, _, 0, number, 0, count, 0, 0] if number < count)
        || header.get(6..) == Some(&[0, 0]);
    let known = command(rest, true) == Verdict::Match
        || begins_any(rest, ANSWERS) == Verdict::Match
        || matches!(rest.first(), Some(&(REQUEST | RESPONSE)));
    Verdict::from_match(fits && (known || datagram.endpoints.client.port() == 11_211))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram, streams};

    #[test]
    fn commands_that_others_have_wait_for_the_answer() {
        assert_streams(&PROTOCOL, 4000, b"set key 0 900 5\r\n", b"");
        assert_streams(&PROTOCOL, 11_211, b"stats\r\n", b"");
        let answer = b"VALUE key 0 5\r\n";
        assert_eq!(streams(&PROTOCOL, 4000, b"get key\r\n", answer), Verdict::Match);
        assert_streams(&PROTOCOL, 4000, b"", b"STAT pid 8837\r\n");
        assert_eq!(streams(&PROTOCOL, 4000, b"stats\r\n", b""), Verdict::More);
        assert_eq!(streams(&PROTOCOL, 4000, b"stats\r\n", b"550 no\r\n"), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 4000, b"helo", b""), Verdict::No);
    }

    #[test]
    fn binary_headers_are_checked() {
        let get = b"\x80\0\0\x05\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0Hello";
        assert_streams(&PROTOCOL, 4000, get, b"");
        let hello = b"\x80\x1f\0\x05\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\0\0\0\0\0agent\0\x03\0\x04";
        assert_eq!(streams(&PROTOCOL, 4000, hello, b""), Verdict::No);
        assert_streams(&COUCHBASE, 4000, hello, b"");
        assert_eq!(streams(&PROTOCOL, 4000, b"\x80\0\0\x05\0\x01", b""), Verdict::No);
    }

    #[test]
    fn datagrams_have_a_header() {
        let stats = b"\0\x01\0\0\0\x01\0\0stats\r\n";
        assert_eq!(datagram(&PROTOCOL, 11_211, stats), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 11_212, stats), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 11_212, b"\0\x01\0\0\0\x02\0\0stats\r\n"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 11_212, b"\0\x01\0\0\0\x01\0\0hello\r\n"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 11_211, b"\0\x01\0\0\0\x01\0\x01stats\r\n"), Verdict::No);
    }
}
