//! Redis: commands and replies in its serialization protocol, RESP.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, StreamRules};
use crate::read::Reader;
use crate::shape::{begins_any, check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(182),
    name: "RESP",
    category: Category(11),
    tcp_ports: &[6379],
    stream: Some(StreamRules::new(probe)),
    ..Protocol::NEW
};

/// Digits of a length.
const MAX_DIGITS: usize = 9;

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(6379);
    let client = match streams.client.first() {
        // Commands may be typed as plain lines.
        Some(byte) if usual_port && byte.is_ascii_alphabetic() => inline(streams.client),
        _ => check(streams.client, |reader| {
            // An array of at least one text.
            Some(number(reader, b'*')? && number(reader, b'$')?)
        }),
    };
    let server = match streams.server.first() {
        None => Verdict::More,
        Some(b'+' | b'-' | b':' | b'$' | b'*' | b'%' | b'~' | b'_') if usual_port => reply(streams),
        Some(b'-') => {
            let errors: &[&[u8]] = &[b"-NOAUTH ", b"-WRONGPASS ", b"-DENIED Redis", b"-MOVED "];
            begins_any(streams.server, errors)
        }
        // Elsewhere a reply says nothing: other protocols have such lines, too.
        Some(b'+' | b':' | b'$' | b'*' | b'%') => Verdict::More,
        Some(_) => Verdict::No,
    };
    either(client, server)
}

/// Reads `kind`, digits and the end of the line.
fn number(reader: &mut Reader<'_>, kind: u8) -> Option<bool> {
    if reader.u8()? != kind {
        return Some(false);
    }
    let digits = reader.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > MAX_DIGITS || digits == 0 && !reader.is_empty() {
        return Some(false);
    }
    reader.take(digits)?;
    Some(reader.u8()? == b'\r' && reader.u8()? == b'\n')
}

fn inline(stream: &[u8]) -> Verdict {
    let commands: &[&[u8]] = &[b"PING", b"ping", b"AUTH ", b"INFO", b"info", b"GET ", b"SET "];
    begins_any(stream, commands)
}

/// Checks the first line of a reply at the usual port.
fn reply(streams: &Streams<'_>) -> Verdict {
    check(streams.server, |reader| {
        let kind = reader.u8()?;
        if matches!(kind, b'+' | b'-') {
            return Some(matches!(reader.u8()?, b' '..=b'~'));
        }
        let digits = reader.0.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-');
        let digits = digits.count();
        if digits > MAX_DIGITS {
            return Some(false);
        }
        reader.take(digits)?;
        Some(reader.u8()? == b'\r' && reader.u8()? == b'\n')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn commands_are_arrays_of_texts() {
        assert_streams(&PROTOCOL, 6380, b"*1\r\n$4\r\nPING\r\n", b"");
        assert_streams(&PROTOCOL, 6379, b"PING\r\n", b"");
        assert_eq!(streams(&PROTOCOL, 6380, b"*x", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 6380, b"*1\r\n+", b""), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 6380, b"PING\r\n", b""), Verdict::No);
    }

    #[test]
    fn replies_alone_need_the_usual_port_or_an_error_of_its_own() {
        assert_streams(&PROTOCOL, 6379, b"", b"+PONG\r\n");
        assert_streams(&PROTOCOL, 6380, b"", b"-NOAUTH Authentication required.\r\n");
        assert_eq!(streams(&PROTOCOL, 6380, b"", b"+OK POP3\r\n"), Verdict::More);
    }
}
