//! IMAP (RFC 9051) and its upgrade to TLS.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::lines::{begins_command, begins_text, lines};
use crate::protocols::smtp::MAX_BYTES;
use crate::protocols::starttls;
use crate::protocols::tls::carried::IMAPS;
use crate::read::{line, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(4),
    name: "IMAP",
    category: Category(3),
    tcp_ports: &[143],
    stream: Some(StreamRules {
        probe,
        client: Start::Range(b'0', b'z'),
        server: Start::Range(b'*', b'z'),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

const COMMANDS: &[&str] = &["CAPABILITY", "STARTTLS", "AUTHENTICATE", "LOGIN"];
/// Commands of a session that has begun before, after a tag with a digit.
const LATER_COMMANDS: &[&str] = &[
    "SELECT",
    "EXAMINE",
    "FETCH",
    "UID FETCH",
    "UID SEARCH",
    "UID STORE",
    "UID COPY",
    "NOOP",
    "IDLE",
    "STATUS",
    "LIST",
    "LSUB",
    "NAMESPACE",
    "ENABLE",
    "LOGOUT",
    "CLOSE",
    "EXPUNGE",
    "APPEND",
];
/// Untagged answers with a word, and those with a number.
const ANSWERS: &[&str] = &[
    "* OK",
    "* PREAUTH ",
    "* CAPABILITY IMAP",
    "* FLAGS (",
    "* LIST (",
    "* SEARCH",
    "* STATUS \"",
];
const COUNTS: &[&str] = &["EXISTS", "RECENT", "FETCH (", "EXPUNGE"];
/// Longest tag of a client that is known.
const MAX_TAG: usize = 12;

fn probe(streams: &Streams<'_>) -> Verdict {
    match (streams.client, streams.server) {
        ([], server) => probe_server(server),
        (client, _) => probe_client(client),
    }
}

/// An untagged answer, or the result of a command with a tag of letters and digits.
fn probe_server(stream: &[u8]) -> Verdict {
    let untagged = begins_text(stream, ANSWERS);
    if untagged != Verdict::No || !stream.starts_with(b"*") {
        return untagged.or(probe_result(stream));
    }
    let count = match stream {
        [b'*'] => return Verdict::More,
        [_, b' ', count @ ..] => count,
        _ => return Verdict::No,
    };
    match count.iter().take(MAX_TAG).position(|byte| !byte.is_ascii_digit()) {
        None => Verdict::from_more(count.len() < MAX_TAG),
        Some(end @ 1..) if count[end] == b' ' => begins_text(&count[end + 1..], COUNTS),
        _ => Verdict::No,
    }
}

fn probe_result(stream: &[u8]) -> Verdict {
    let tag = stream.iter().take(MAX_TAG + 1).position(|byte| !byte.is_ascii_alphanumeric());
    match tag {
        None => Verdict::from_more(stream.len() <= MAX_TAG),
        Some(end @ 2..)
            if stream[end] == b' '
                && stream[0].is_ascii_alphabetic()
                && stream[1..end].iter().all(u8::is_ascii_digit) =>
        {
            begins_text(&stream[end + 1..], &["OK ", "NO ", "BAD "])
        }
        _ => Verdict::No,
    }
}

/// A tag of letters and digits, then a command.
fn probe_client(stream: &[u8]) -> Verdict {
    let tag = stream.iter().take(MAX_TAG + 1).position(|byte| !byte.is_ascii_alphanumeric());
    match tag {
        None if stream.len() <= MAX_TAG => Verdict::More,
        Some(end @ 1..) if stream[end] == b' ' => {
            let command = &stream[end + 1..];
            let later = match stream[..end].iter().any(u8::is_ascii_digit) {
                true => begins_command(command, LATER_COMMANDS),
                false => Verdict::No,
            };
            begins_command(command, COMMANDS).or(later)
        }
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
