//! STOMP: the frames that begin a session.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::read::Reader;
use crate::shape::{begins_any, check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(390),
    name: "STOMP",
    category: Category(16),
    tcp_ports: &[61_613],
    stream: Some(StreamRules {
        client: Start::Bytes(b"CSA"),
        server: Start::Bytes(b"CEMR"),
        ..StreamRules::new(probe)
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    let client = frame(streams.client, &[b"CONNECT", b"STOMP", b"SEND", b"SUBSCRIBE", b"ACK"]);
    let answers: &[&[u8]] = &[b"CONNECTED", b"ERROR", b"MESSAGE", b"RECEIPT"];
    either(client, frame(streams.server, answers))
}

/// Checks the command on a line of its own and a header, or the empty line after them.
fn frame(stream: &[u8], commands: &[&[u8]]) -> Verdict {
    let verdict = begins_any(stream, commands);
    if verdict != Verdict::Match {
        return verdict;
    }
    let longest = commands.iter().filter(|command| stream.starts_with(command)).map(|c| c.len());
    let rest = stream.get(longest.max().unwrap_or_default()..).unwrap_or_default();
    check(rest, |reader: &mut Reader<'_>| {
        let first = match reader.u8()? {
            b'\r' => reader.u8()?,
            first => first,
        };
        Some(first == b'\n' && matches!(reader.u8()?, b'a'..=b'z' | b'\r' | b'\n'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn commands_stand_on_a_line() {
        assert_streams(&PROTOCOL, 61_614, b"STOMP\naccept-version:1.1\n\n\0", b"");
        assert_streams(&PROTOCOL, 61_614, b"CONNECT\r\nlogin:a\r\n", b"CONNECTED\nversion:1.1\n");
        assert_eq!(streams(&PROTOCOL, 61_613, b"CONNECT example.org:443", b""), Verdict::No);
    }
}
