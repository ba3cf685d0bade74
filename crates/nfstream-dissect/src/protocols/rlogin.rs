//! The Berkeley remote commands: rsh, rlogin (RFC 1282) and rexec.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::Reader;
use crate::shape::{by_client, c_string, check, is_printable};

pub(crate) const RSH: Protocol = Protocol {
    id: ProtocolId(294),
    name: "RSH",
    category: Category(12),
    stream: Some(StreamRules {
        client: Start::Range(0, b'9'),
        server: Start::Bytes(&[0, 1]),
        ..StreamRules::new(rsh)
    }),
    ..Protocol::NEW
};

pub(crate) const REXEC: Protocol = Protocol {
    id: ProtocolId(10_104),
    name: "Rexec",
    category: Category(12),
    tcp_ports: &[512],
    stream: Some(StreamRules {
        client: Start::Range(0, b'9'),
        server: Start::Bytes(&[0, 1]),
        ..StreamRules::new(rexec)
    }),
    ..Protocol::NEW
};

pub(crate) const RLOGIN: Protocol = Protocol {
    id: ProtocolId(10_103),
    name: "Rlogin",
    category: Category(12),
    tcp_ports: &[513],
    stream: Some(StreamRules {
        client: Start::Bytes(&[0]),
        server: Start::Bytes(&[0, 1]),
        ..StreamRules::new(rlogin)
    }),
    ..Protocol::NEW
};

const MAX_TEXT: usize = 256;

fn rsh(streams: &Streams<'_>) -> Verdict {
    command(streams, 514)
}

fn rexec(streams: &Streams<'_>) -> Verdict {
    command(streams, 512)
}

/// Checks the port for errors in decimal and the user name after it.
fn command(streams: &Streams<'_>, port: u16) -> Verdict {
    if streams.server_port() != port {
        return Verdict::No;
    }
    by_client(streams, |stream| {
        check(stream, |reader| {
            if !reader.0.iter().take_while(|byte| **byte != 0).take(6).all(u8::is_ascii_digit) {
                return Some(false);
            }
            Some(c_string(reader)?.len() <= 5 && text(reader)?)
        })
    })
}

/// Checks an empty text, two user names, and `TERMINAL/SPEED`.
fn rlogin(streams: &Streams<'_>) -> Verdict {
    if streams.server_port() != 513 {
        return Verdict::No;
    }
    by_client(streams, |stream| {
        check(stream, |reader| Some(reader.u8()? == 0 && text(reader)? && text(reader)?))
    })
}

/// Reads a printable text and the NUL after it.
fn text(reader: &mut Reader<'_>) -> Option<bool> {
    let end = reader.0.iter().position(|byte| *byte == 0).unwrap_or(reader.0.len());
    let shown = reader.0.get(..end).unwrap_or_default();
    if end > MAX_TEXT || !shown.is_empty() && !is_printable(shown) {
        return Some(false);
    }
    c_string(reader).map(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn remote_shell_gives_port_and_users() {
        assert_streams(&RSH, 514, b"1022\0alice\0", b"");
        assert_streams(&RSH, 514, b"\0alice\0", b"");
        assert_eq!(streams(&RSH, 514, b"<34>Oct 11", b""), Verdict::No);
        assert_eq!(streams(&RSH, 514, b"1022\0\x01\x02", b""), Verdict::No);
    }

    #[test]
    fn remote_login_gives_users() {
        assert_streams(&RLOGIN, 513, b"\0alice\0bob\0xterm/38400\0", b"");
        assert_eq!(streams(&RLOGIN, 513, b"\0\0", b""), Verdict::No);
        assert_eq!(streams(&RLOGIN, 80, b"\0alice\0bob\0", b""), Verdict::No);
    }
}
