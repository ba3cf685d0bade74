//! IMAP (RFC 9051) and its upgrade to TLS.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::lines::{begins_command, lines};
use crate::protocols::smtp::MAX_BYTES;
use crate::protocols::starttls;
use crate::protocols::tls::carried::IMAPS;
use crate::read::{begins, line, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(4),
    name: "IMAP",
    category: Category(3),
    tcp_ports: &[143],
    stream: Some(StreamRules {
        probe,
        client: Start::Range(b'0', b'z'),
        server: Start::Bytes(b"*"),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

const COMMANDS: &[&str] = &["CAPABILITY", "STARTTLS", "AUTHENTICATE", "LOGIN"];
/// Longest tag of a client that is known.
const MAX_TAG: usize = 12;

fn probe(streams: &Streams<'_>) -> Verdict {
    match (streams.client, streams.server) {
        ([], server) => begins(server, b"* OK").or(begins(server, b"* PREAUTH ")),
        (client, _) => probe_client(client),
    }
}

/// A tag of letters and digits, then a command.
fn probe_client(stream: &[u8]) -> Verdict {
    let tag = stream.iter().take(MAX_TAG + 1).position(|byte| !byte.is_ascii_alphanumeric());
    match tag {
        None if stream.len() <= MAX_TAG => Verdict::More,
        Some(end @ 1..) if stream[end] == b' ' => begins_command(&stream[end + 1..], COMMANDS),
        _ => Verdict::No,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let personal = finding.personal;
    let mail = finding.metadata().mail.get_or_insert_default();
    mail.greeting = line(streams.server).map(text).unwrap_or_default();
    for command in lines(streams.client) {
        let Some(end) = command.text.iter().position(|byte| *byte == b' ') else { continue };
        let (tag, rest) = (&command.text[..end], &command.text[end + 1..]);
        if begins_command(rest, &["LOGIN"]) == Verdict::Match {
            if personal {
                let user = rest.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
                mail.user = text(user.trim_ascii()).trim_matches('"').into();
            }
            return Need::Done;
        }
        if rest.eq_ignore_ascii_case(b"STARTTLS") {
            let accepted = lines(streams.server).find(|reply| {
                reply.text.strip_prefix(tag).is_some_and(|rest| rest.starts_with(b" OK"))
            });
            if let Some(accepted) = accepted {
                mail.starttls = true;
                return starttls::follow(streams, [command.next, accepted.next], IMAPS.id, finding);
            }
        }
    }
    Need::further(streams, MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn greetings_and_commands_match() {
        testing::assert_streams(&PROTOCOL, 144, b"", b"* OK [CAPABILITY IMAP4rev1] ready\r\n");
        testing::assert_streams(&PROTOCOL, 144, b"a001 CAPABILITY\r\n", b"");
        assert_eq!(testing::streams(&PROTOCOL, 143, b"a001 THING\r\n", b""), Verdict::No);
        assert_eq!(testing::streams(&PROTOCOL, 143, b"GET / HTTP/1.1\r\n", b""), Verdict::No);
    }

    #[test]
    fn an_upgrade_to_tls_is_followed() {
        let client = [b"1 STARTTLS\r\n", testing::HELLO].concat();
        let server = b"* OK ready\r\n1 OK begin\r\n";
        let found = testing::parse_streams(&PROTOCOL, 143, &client, server, Finding::default());
        assert_eq!(found.master(), Some(IMAPS.id));
    }
}
