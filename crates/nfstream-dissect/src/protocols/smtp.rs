//! SMTP (RFC 5321) and its upgrade to TLS (RFC 3207).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Need, Protocol, Start, StreamRules};
use crate::protocols::lines::{
    begins_command, begins_reply, begins_text, first_line, lines, mentions,
};
use crate::protocols::starttls;
use crate::protocols::tls::carried::SMTPS;
use crate::read::{line, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(3),
    name: "SMTP",
    category: Category(3),
    tcp_ports: &[25, 587],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"EeHhLlMmRr"),
        server: Start::Bytes(b"235"),
        parse: Some(parse),
    }),
    ..Protocol::NEW
};

/// Metadata of a mail session: SMTP, POP3 or IMAP.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mail {
    /// First line of the server.
    pub greeting: Box<str>,
    /// Name with which an SMTP client introduces itself.
    pub client_name: Box<str>,
    /// Whether the session was upgraded to TLS.
    pub starttls: bool,
    /// User who logs in, in the clear; only if personal data is wanted.
    pub user: Box<str>,
}

/// Bytes of a session that are read.
pub(crate) const MAX_BYTES: usize = 8192;
const HELLO: &[&str] = &["EHLO", "HELO", "LHLO"];
/// Commands of a session that has begun before.
const ENVELOPE: &[&str] = &["MAIL FROM:", "RCPT TO:"];
/// Replies to them: enhanced status codes (RFC 3463), and the wait for a message.
const REPLIES: &[&str] = &["250 2.0.0 ", "250 2.1.", "354 End data", "354 Enter m", "354 Start m"];

fn is_usual(streams: &Streams<'_>) -> bool {
    streams.has_port(25) || streams.has_port(587) || streams.has_port(2525)
}

fn probe(streams: &Streams<'_>) -> Verdict {
    if !streams.client.is_empty() {
        return begins_command(streams.client, HELLO).or(begins_text(streams.client, ENVELOPE));
    }
    match begins_text(streams.server, REPLIES) {
        Verdict::No => {}
        verdict => return verdict,
    }
    // FTP greets alike: the words, the port or the client decide.
    match begins_reply(streams.server, b"220") {
        Verdict::Match => match first_line(streams.server, 1024) {
            Ok(greeting) if mentions(greeting, "SMTP") => Verdict::Match,
            Ok(greeting) if mentions(greeting, "FTP") => Verdict::No,
            Ok(_) if is_usual(streams) => Verdict::Match,
            // The client decides.
            Ok(_) => Verdict::More,
            Err(verdict) => verdict,
        },
        Verdict::No if is_usual(streams) => begins_reply(streams.server, b"554"),
        verdict => verdict,
    }
}

fn parse(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    // A session that began before the capture has no greeting.
    let is_late = begins_text(streams.client, ENVELOPE) == Verdict::Match
        || begins_text(streams.server, REPLIES) == Verdict::Match;
    let greeting = line(streams.server).filter(|_| !is_late).unwrap_or_default();
    let metadata = finding.metadata();
    // `220 mail.example.com ESMTP ready`.
    let name = greeting.get(4..).unwrap_or_default();
    let name = name.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    if name.iter().all(is_name) && !mentions(name, "SMTP") {
        metadata.host = text(name);
    }
    let mail = metadata.mail.get_or_insert_default();
    mail.greeting = text(greeting);
    let mut asked = None;
    let mut mail_begun = false;
    for line in lines(streams.client) {
        if let Some(name) = HELLO.iter().find_map(|hello| line.argument(hello)) {
            mail.client_name = text(name);
        }
        asked = line.argument("STARTTLS").map(|_| line.next);
        mail_begun = line.argument("DATA").is_some();
        if asked.is_some() || mail_begun {
            break;
        }
    }
    if let Some(client) = asked {
        // The reply to STARTTLS is the second 220.
        let accepted = lines(streams.server).skip(1).find(|line| line.text.starts_with(b"220 "));
        if let Some(accepted) = accepted {
            mail.starttls = true;
            return starttls::follow(streams, [client, accepted.next], SMTPS.id, finding);
        }
    }
    if mail_begun {
        return Need::Done;
    }
    Need::further(streams, MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn greetings_and_commands_match() {
        testing::assert_streams(&PROTOCOL, 26, b"EHLO client.example.com\r\n", b"");
        testing::assert_streams(&PROTOCOL, 26, b"", b"220 mail.example.com ESMTP Postfix\r\n");
        testing::assert_streams(&PROTOCOL, 25, b"", b"220-hello\r\n");
        assert_eq!(testing::streams(&PROTOCOL, 25, b"", b"220 ProFTPD ready\r\n"), Verdict::No);
        assert_eq!(testing::streams(&PROTOCOL, 25, b"HELP\r\n", b""), Verdict::No);
    }

    #[test]
    fn replies_in_a_session_are_no_greeting() {
        for (client, server) in [
            (&b"MAIL FROM:<a@example.com>\r\n"[..], &b"250 2.1.0 Ok\r\n"[..]),
            (b"", b"354 End data with <CR><LF>.<CR><LF>\r\n"),
        ] {
            let found = testing::parse_streams(&PROTOCOL, 25, client, server, Finding::default());
            let metadata = found.found_metadata().unwrap();
            assert_eq!((&*metadata.host, &*metadata.mail.as_ref().unwrap().greeting), ("", ""));
        }
    }

    #[test]
    fn an_upgrade_to_tls_is_followed() {
        let client = [b"EHLO me.example.com\r\nSTARTTLS\r\n", testing::HELLO].concat();
        let server = b"220 mx.example.com ESMTP\r\n250-mx\r\n250 STARTTLS\r\n220 go ahead\r\n";
        let found = testing::parse_streams(&PROTOCOL, 25, &client, server, Finding::default());
        assert_eq!(found.master(), Some(SMTPS.id));
        let metadata = found.found_metadata().unwrap();
        assert_eq!(&*metadata.host, "mx.example.com");
        let mail = metadata.mail.as_ref().unwrap();
        assert!(mail.starttls);
        assert_eq!(&*mail.client_name, "me.example.com");
    }
}
