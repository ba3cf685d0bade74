//! Telnet (RFC 854): the negotiation of options.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(77),
    name: "Telnet",
    category: Category(12),
    tcp_ports: &[23],
    stream: Some(StreamRules { server: Start::Bytes(&[IAC]), ..StreamRules::new(probe) }),
    ..Protocol::NEW
};

/// Start of a command.
const IAC: u8 = 0xff;
/// Start of a subnegotiation.
const SB: u8 = 0xfa;
/// End of a subnegotiation.
const SE: u8 = 0xf0;
/// Longest value of an option that is read.
const MAX_VALUE: usize = 64;

fn probe(streams: &Streams<'_>) -> Verdict {
    // A person's first keys may come before the client negotiates.
    let client =
        if streams.has_port(23) && streams.client.first().is_some_and(|first| *first != IAC) {
            Verdict::More
        } else {
            negotiation(streams.client, streams.has_port(23))
        };
    either(client, negotiation(streams.server, streams.has_port(23)))
}

/// Checks an option and its end; of a value only the beginning is read.
fn subnegotiation(stream: &[u8]) -> Verdict {
    let &[_, _, option, ref value @ ..] = stream else { return Verdict::More };
    if !matches!(option, 0..=49) {
        return Verdict::No;
    }
    let value = &value[..value.len().min(MAX_VALUE)];
    if value.windows(2).any(|bytes| bytes == [IAC, SE]) {
        Verdict::Match
    } else {
        Verdict::from_more(value.len() < MAX_VALUE)
    }
}

/// Checks two commands; one suffices at the usual port.
fn negotiation(stream: &[u8], usual_port: bool) -> Verdict {
    if !usual_port && stream.starts_with(&[IAC, SB]) {
        return subnegotiation(stream);
    }
    check(stream, |reader| {
        let mut command = || {
            Some(
                reader.u8()? == IAC
                    && matches!(reader.u8()?, SB | 0xfb..=0xfe)
                    && matches!(reader.u8()?, 0..=49 | 138..=141 | 255),
            )
        };
        Some(command()? && (usual_port || command()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn options_are_negotiated_by_either_end() {
        assert_streams(&PROTOCOL, 2323, b"\xff\xfd\x03\xff\xfb\x18", b"");
        assert_streams(&PROTOCOL, 2323, b"", b"\xff\xfd\x18\xff\xfd\x20");
        assert_streams(&PROTOCOL, 23, b"", b"\xff\xfb\x01");
    }

    #[test]
    fn other_bytes_after_iac_are_not_telnet() {
        assert_eq!(streams(&PROTOCOL, 23, b"", b"\xff\xd8\xff"), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 2323, b"", b"\xff\xfd\x18\x00"), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 2323, b"", b"\xff\xfd\x60"), Verdict::No);
    }
}
