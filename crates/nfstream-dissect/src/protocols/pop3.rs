//! POP3 (RFC 1939) and its upgrade to TLS (RFC 2595).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::lines::{begins_command, lines};
use crate::protocols::smtp::MAX_BYTES;
use crate::protocols::starttls;
use crate::protocols::tls::carried::POPS;
use crate::read::{begins, line, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(2),
    name: "POP3",
    category: Category(3),
    tcp_ports: &[110],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"UuCcAaSsRrLlTtDd"),
        server: Start::Bytes(b"+"),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// Commands that no other protocol has.
const COMMANDS: &[&str] = &["CAPA", "APOP", "STLS", "UIDL"];
/// Commands of which the server's answer decides.
const SHARED: &[&str] = &["USER", "AUTH", "STAT", "LIST", "RETR", "TOP", "DELE"];

fn probe(streams: &Streams<'_>) -> Verdict {
    match (streams.client, streams.server) {
        // Others answer `+OK` as well, but alone on its line.
        ([], server) if streams.has_port(110) => begins(server, b"+OK"),
        ([], b"+OK\r" | b"+OK\r\n") => Verdict::More,
        ([], server) => begins(server, b"+OK "),
        (client, []) => match begins_command(client, COMMANDS) {
            // FTP has USER, too: the server decides.
            Verdict::No if begins_command(client, SHARED) == Verdict::No => Verdict::No,
            Verdict::No => Verdict::More,
            verdict => verdict,
        },
        (client, server) => {
            let commands = begins_command(client, COMMANDS).or(begins_command(client, SHARED));
            match (commands, begins(server, b"+OK")) {
                (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
                (Verdict::Match, Verdict::Match) => Verdict::Match,
                _ => Verdict::More,
            }
        }
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let personal = finding.personal;
    let mail = finding.metadata().mail.get_or_insert_default();
    mail.greeting = line(streams.server).map(text).unwrap_or_default();
    for (place, command) in lines(streams.client).enumerate() {
        if let Some(user) = command.argument("USER").or_else(|| command.argument("APOP")) {
            if personal {
                mail.user = text(user.split(|byte| *byte == b' ').next().unwrap_or_default());
            }
            return Need::Done;
        }
        if command.argument("STLS").is_some() {
            // The greeting comes before the first reply; the list of CAPA has several lines.
            let mut replies = lines(streams.server).filter(|line| line.text.starts_with(b"+OK"));
            if let Some(accepted) = replies.nth(place + 1) {
                mail.starttls = true;
                return starttls::follow(streams, [command.next, accepted.next], POPS.id, finding);
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
        testing::assert_streams(&PROTOCOL, 111, b"", b"+OK POP3 ready\r\n");
        testing::assert_streams(&PROTOCOL, 111, b"CAPA\r\n", b"");
        testing::assert_streams(&PROTOCOL, 111, b"USER me\r\n", b"+OK\r\n");
        assert_eq!(testing::streams(&PROTOCOL, 6379, b"", b"+OK\r\n$1"), Verdict::No);
        assert_eq!(testing::streams(&PROTOCOL, 111, b"USER me\r\n", b"220 "), Verdict::No);
    }

    #[test]
    fn an_upgrade_to_tls_is_followed() {
        let client = [b"CAPA\r\nSTLS\r\n", testing::HELLO].concat();
        let server = b"+OK hello\r\n+OK list\r\nSTLS\r\n.\r\n+OK begin\r\n";
        let found = testing::parse_streams(&PROTOCOL, 110, &client, server, Finding::default());
        assert_eq!(found.master(), Some(POPS.id));
    }

    #[test]
    fn users_are_personal() {
        for (personal, user) in [(false, ""), (true, "me")] {
            let finding = testing::finding(personal);
            let found = testing::parse_streams(&PROTOCOL, 110, b"USER me\r\n", b"", finding);
            assert_eq!(&*found.found_metadata().unwrap().mail.as_ref().unwrap().user, user);
        }
    }
}
