//! IRC (RFC 1459, RFC 2812).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::protocols::lines::{begins_command, begins_text, first_line, lines};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(65),
    name: "IRC",
    category: Category(9),
    tcp_ports: &[194, 6667],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"NUCPJTnucp"),
        server: Start::Bytes(b":NP"),
        parse: None,
    }),
    ..Protocol::NEW
};

/// Commands of a session that has begun before.
const COMMANDS: &[&str] =
    &["PRIVMSG #", "JOIN #", "PART #", "TOPIC #", "NAMES #", "NOTICE #", "PRIVMSG NickServ"];
/// Bytes in which a login must come.
const MAX_BYTES: usize = 1024;

fn probe(streams: &Streams<'_>) -> Verdict {
    match (streams.client, streams.server) {
        ([], server) => probe_server(server),
        (client, []) => probe_client(client),
        (client, server) => probe_client(client).or(probe_server(server)),
    }
}

/// A login: NICK and USER in either order, after a password or a negotiation.
fn probe_client(stream: &[u8]) -> Verdict {
    match begins_command(stream, &["CAP LS", "CAP REQ"]) {
        Verdict::No => {}
        verdict => return verdict,
    }
    if begins_command(stream, &["NICK", "USER", "PASS"]) == Verdict::No {
        return begins_text(stream, COMMANDS);
    }
    let stream = &stream[..stream.len().min(MAX_BYTES)];
    let mut seen = [false; 2];
    let mut end = 0;
    for command in lines(stream) {
        if let Some(nick) = command.argument("NICK").filter(|nick| !nick.is_empty()) {
            seen[0] |= !nick.contains(&b' ');
        } else if let Some(user) = command.argument("USER") {
            // User, mode, an unused word and the real name.
            if user.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count() < 4 {
                return Verdict::No;
            }
            seen[1] = true;
        } else if command.argument("PASS").is_none() {
            return Verdict::No;
        }
        if seen == [true; 2] {
            return Verdict::Match;
        }
        end = command.next;
    }
    let rest = &stream[end..];
    let possible = stream.len() < MAX_BYTES
        && (rest.is_empty() || begins_command(rest, &["NICK", "USER", "PASS"]) != Verdict::No);
    if possible { Verdict::More } else { Verdict::No }
}

fn probe_server(stream: &[u8]) -> Verdict {
    let notice = [&b"NOTICE AUTH :"[..], b"NOTICE * :"]
        .into_iter()
        .map(|begin| crate::read::begins(stream, begin))
        .reduce(Verdict::or)
        .unwrap_or(Verdict::No);
    if notice != Verdict::No {
        return notice;
    }
    let [b':', rest @ ..] = stream else { return Verdict::No };
    match first_line(rest, 512) {
        // The name of the server, a command or number, and the receiver.
        Ok(line) => {
            let mut words = line.split(|byte| *byte == b' ');
            let name = words.next().is_some_and(|name| !name.is_empty());
            let command = words.next().unwrap_or_default();
            let number = command.len() == 3 && command.iter().all(u8::is_ascii_digit);
            let known = number
                || matches!(command, b"NOTICE" | b"PRIVMSG" | b"JOIN" | b"MODE" | b"PART")
                || matches!(command, b"PONG" | b"NICK" | b"QUIT" | b"KICK" | b"TOPIC");
            Verdict::from_match(name && known && words.next().is_some())
        }
        Err(verdict) => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn logins_and_replies_match() {
        testing::assert_streams(&PROTOCOL, 8000, b"NICK wiz\r\nUSER guest 0 * :Ronnie\r\n", b"");
        testing::assert_streams(&PROTOCOL, 8000, b"PASS x\r\nUSER a 0 * :A\r\nNICK a\r\n", b"");
        testing::assert_streams(&PROTOCOL, 8000, b"CAP LS 302\r\n", b"");
        testing::assert_streams(&PROTOCOL, 8000, b"", b":irc.example.com 001 wiz :Welcome\r\n");
        testing::assert_streams(&PROTOCOL, 8000, b"", b"NOTICE AUTH :*** Looking up\r\n");
    }

    #[test]
    fn neighbours_do_not_match() {
        for client in [&b"USER anonymous\r\n"[..], b"NICK a\r\nQUIT\r\n", b"PASS x\r\nLIST\r\n"] {
            assert_eq!(testing::streams(&PROTOCOL, 6667, client, b""), Verdict::No);
        }
        assert_eq!(testing::streams(&PROTOCOL, 6667, b"", b":1\r\n"), Verdict::No);
    }
}
