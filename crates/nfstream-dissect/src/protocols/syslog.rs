//! Syslog (RFC 5424, RFC 3164) over UDP and TCP (RFC 6587).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start, StreamRules};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(17),
    name: "Syslog",
    category: Category(18),
    tcp_ports: &[514, 601, 6514],
    udp_ports: &[514],
    stream: Some(StreamRules {
        probe: probe_stream,
        client: Start::Bytes(b"<123456789"),
        server: Start::Bytes(b"<123456789"),
        parse: None,
    }),
    datagram: Some(DatagramRules {
        probe: |datagram: &Datagram<'_>| {
            let verdict = probe_message(datagram.payload, datagram.has_port(514));
            Verdict::from_match(verdict == Verdict::Match)
        },
        start: Start::Bytes(b"<"),
        parse: DatagramParser::Nothing,
    }),
    ..Protocol::NEW
};

/// Highest priority: facility 23, severity 7.
const MAX_PRIORITY: u16 = 191;
const MONTHS: [&[u8]; 12] = [
    b"Jan ", b"Feb ", b"Mar ", b"Apr ", b"May ", b"Jun ", b"Jul ", b"Aug ", b"Sep ", b"Oct ",
    b"Nov ", b"Dec ",
];

fn probe_stream(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    let usual = streams.has_port(514) || streams.has_port(601);
    match stream {
        [b'<', ..] => probe_message(stream, usual),
        // A length and a space before each message.
        _ => match stream.iter().take(6).position(|byte| !byte.is_ascii_digit()) {
            None if stream.len() < 6 => Verdict::More,
            Some(end) if stream[end] == b' ' => match &stream[end + 1..] {
                [] => Verdict::More,
                message => probe_message(message, usual),
            },
            _ => Verdict::No,
        },
    }
}

/// A priority in angle brackets, then a version or the name of a month; on the usual port any
/// text.
fn probe_message(message: &[u8], usual: bool) -> Verdict {
    let [b'<', rest @ ..] = message else { return Verdict::No };
    let digits = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 3 || rest.starts_with(b"0") && digits > 1 {
        return Verdict::No;
    }
    let priority = rest[..digits].iter().fold(0, |sum, digit| 10 * sum + u16::from(digit - b'0'));
    match &rest[digits..] {
        [] => Verdict::More,
        [b'>', text @ ..] if digits > 0 && priority <= MAX_PRIORITY => probe_text(text, usual),
        _ => Verdict::No,
    }
}

fn probe_text(text: &[u8], usual: bool) -> Verdict {
    // Some senders put a space or a number before the date.
    let date = match text {
        [b' ', rest @ ..] => rest,
        _ => text,
    };
    let month = MONTHS.iter().any(|month| date.starts_with(month));
    let version = matches!(text, [b'1', b' ', b'-' | b'1' | b'2', ..]);
    if month || version {
        return Verdict::Match;
    }
    let head = &text[..text.len().min(8)];
    let printable = head.iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\t');
    match text.len() {
        0..8 if printable => Verdict::More,
        _ => Verdict::from_match(printable && usual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn messages_of_both_forms_match() {
        for message in [
            &b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - x"[..],
            b"<34>Oct 11 22:14:15 mymachine su: failed",
        ] {
            assert_eq!(testing::datagram(&PROTOCOL, 9999, message), Verdict::Match);
            testing::assert_streams(&PROTOCOL, 9999, message, b"");
            testing::assert_streams(&PROTOCOL, 9999, &[b"65 ", message].concat(), b"");
        }
        assert_eq!(testing::datagram(&PROTOCOL, 514, b"<13>something else"), Verdict::Match);
    }

    #[test]
    fn neighbours_do_not_match() {
        for message in [&b"<192>1 2003"[..], b"<13>something else", b"<?xml version", b"<html>"] {
            assert_eq!(testing::datagram(&PROTOCOL, 9999, message), Verdict::No);
        }
        assert_eq!(testing::streams(&PROTOCOL, 514, b"220 mail", b""), Verdict::No);
    }
}
