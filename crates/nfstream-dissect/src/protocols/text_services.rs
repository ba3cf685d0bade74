//! Small services, recognised at their ports: whois (RFC 3912), finger (RFC 1288), Gopher (RFC 1436),
//! Ident (RFC 1413), and those of inetd (RFC 862 to 868).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Need, Protocol, StreamRules};
use crate::read::{line, text};
use crate::shape::{by_client, by_server, check_line, is_word};

pub(crate) const WHOIS: Protocol = Protocol {
    tcp_ports: &[43, 4343],
    stream: Some(StreamRules { parse: Some(parse_whois), ..StreamRules::new(whois) }),
    ..service(170, "Whois-DAS")
};
pub(crate) const FINGER: Protocol = Protocol {
    tcp_ports: &[79],
    stream: Some(StreamRules::new(finger)),
    ..service(10_125, "Finger")
};
pub(crate) const GOPHER: Protocol = Protocol {
    tcp_ports: &[70],
    stream: Some(StreamRules::new(gopher)),
    ..service(10_126, "Gopher")
};
pub(crate) const IDENT: Protocol = Protocol {
    tcp_ports: &[113],
    stream: Some(StreamRules::new(ident)),
    ..service(10_127, "Ident")
};
pub(crate) const DAYTIME: Protocol = Protocol {
    tcp_ports: &[13],
    udp_ports: &[13],
    stream: Some(StreamRules::new(daytime)),
    ..service(10_128, "Daytime")
};
pub(crate) const TIME: Protocol =
    Protocol { tcp_ports: &[37], udp_ports: &[37], ..service(10_129, "Time") };
pub(crate) const ECHO: Protocol = Protocol {
    tcp_ports: &[7],
    udp_ports: &[7],
    stream: Some(StreamRules::new(echo)),
    datagram: Some(DatagramRules::new(echo_datagram)),
    ..service(10_130, "Echo")
};
pub(crate) const DISCARD: Protocol =
    Protocol { tcp_ports: &[9], udp_ports: &[9], ..service(10_131, "Discard") };
pub(crate) const CHARGEN: Protocol = Protocol {
    tcp_ports: &[19],
    udp_ports: &[19],
    stream: Some(StreamRules::new(chargen)),
    datagram: Some(DatagramRules::new(chargen_datagram)),
    ..service(10_132, "Chargen")
};
pub(crate) const QOTD: Protocol =
    Protocol { tcp_ports: &[17], udp_ports: &[17], ..service(10_133, "QOTD") };

const fn service(id: u16, name: &'static str) -> Protocol {
    Protocol { id: ProtocolId(id), name, category: Category(14), ..Protocol::NEW }
}

fn whois(streams: &Streams<'_>) -> Verdict {
    request(streams, 43, |line| !line.is_empty())
}

/// Reads the name that a client looks up.
fn parse_whois(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let name = line(streams.client).unwrap_or_default().trim_ascii();
    if name.contains(&b'.') && is_word(name) {
        finding.metadata().host = text(name);
        // The flow does not belong to the application with that name.
        finding.set_application(WHOIS.id);
    }
    Need::Done
}

fn finger(streams: &Streams<'_>) -> Verdict {
    request(streams, 79, |_| true)
}

fn gopher(streams: &Streams<'_>) -> Verdict {
    request(streams, 70, |_| true)
}

/// Checks a pair of ports.
fn ident(streams: &Streams<'_>) -> Verdict {
    request(streams, 113, |line| {
        let mut ports = line.split(|byte| *byte == b',');
        let is_port = |text: Option<&[u8]>| {
            text.map(<[u8]>::trim_ascii).is_some_and(|text| {
                (1..=5).contains(&text.len()) && text.iter().all(u8::is_ascii_digit)
            })
        };
        is_port(ports.next()) && is_port(ports.next()) && ports.next().is_none()
    })
}

/// Checks the line with which a client of a server at `port` begins.
fn request(streams: &Streams<'_>, port: u16, is_request: impl FnOnce(&[u8]) -> bool) -> Verdict {
    if streams.server_port() != port {
        return Verdict::No;
    }
    by_client(streams, |stream| check_line(stream, 1024, is_request))
}

fn daytime(streams: &Streams<'_>) -> Verdict {
    if streams.server_port() != 13 {
        return Verdict::No;
    }
    by_server(streams, |stream| {
        check_line(stream, 128, |line| line.iter().filter(|byte| **byte == b':').count() >= 2)
    })
}

fn echo(streams: &Streams<'_>) -> Verdict {
    if streams.server_port() != 7 || !streams.client.starts_with(streams.server) {
        return Verdict::from_more(streams.server_port() == 7 && streams.client.is_empty());
    }
    if streams.server.is_empty() { Verdict::More } else { Verdict::Match }
}

fn echo_datagram(datagram: &Datagram<'_>) -> Verdict {
    let is_echo = datagram
        .answered()
        .is_some_and(|head| datagram.payload.starts_with(head.bytes()) && !head.bytes().is_empty());
    match datagram.has_port(7) {
        true if is_echo => Verdict::Match,
        port => Verdict::from_more(port && datagram.answered().is_none()),
    }
}

/// The characters from space to tilde, in order.
fn is_pattern(bytes: &[u8]) -> bool {
    let printable = |byte: &u8| matches!(byte, b' '..=b'~');
    bytes.iter().all(printable)
        && bytes.windows(2).all(|pair| match pair {
            [b'~', next] => *next == b' ',
            [byte, next] => *byte + 1 == *next,
            _ => true,
        })
}

fn chargen(streams: &Streams<'_>) -> Verdict {
    const LINE: usize = 72;
    by_server(streams, |stream| {
        let line = stream.get(..LINE.min(stream.len())).unwrap_or_default();
        if streams.server_port() != 19 || !is_pattern(line) {
            Verdict::No
        } else if line.len() < LINE {
            Verdict::More
        } else {
            Verdict::Match
        }
    })
}

fn chargen_datagram(datagram: &Datagram<'_>) -> Verdict {
    let line = datagram.payload.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let matches = datagram.has_port(19) && line.len() >= 16 && is_pattern(line);
    if matches { Verdict::Match } else { Verdict::from_more(datagram.has_port(19)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{assert_streams, datagram, datagrams, parse_streams, streams};

    #[test]
    fn requests_are_a_line_at_their_port() {
        assert_streams(&WHOIS, 43, b"example.com\r\n", b"");
        assert_streams(&FINGER, 79, b"/W alice\r\n", b"");
        assert_streams(&GOPHER, 70, b"/about\r\n", b"");
        assert_streams(&IDENT, 113, b"6193, 23\r\n", b"");
        assert_eq!(streams(&WHOIS, 44, b"example.com\r\n", b""), Verdict::No);
        assert_eq!(streams(&WHOIS, 43, b"\x16\x03\x01", b""), Verdict::No);
        assert_eq!(streams(&IDENT, 113, b"alice\r\n", b""), Verdict::No);
    }

    #[test]
    fn whois_shows_the_name_that_is_looked_up() {
        let found = |query: &[u8]| {
            let finding = parse_streams(&WHOIS, 43, query, b"", Finding::default());
            finding.found_metadata().map(|metadata| metadata.host.to_string())
        };
        assert_eq!(found(b"example.com\r\n").as_deref(), Some("example.com"));
        assert_eq!(found(b"-T dn,ace example.de\r\n"), None);
    }

    #[test]
    fn servers_of_inetd_answer_in_their_way() {
        assert_streams(&DAYTIME, 13, b"", b"Mon Jan  5 10:11:12 2026\r\n");
        let pattern: Vec<u8> = (b' '..=b'~').take(72).collect();
        assert_streams(&CHARGEN, 19, b"", &[&pattern[..], b"\r\n!"].concat());
        assert_eq!(datagram(&CHARGEN, 19, &pattern), Verdict::Match);
        let echoed = [(FromClient, &b"hello"[..]), (FromServer, b"hello")];
        assert_eq!(datagrams(&ECHO, 7, &echoed), Verdict::Match);
        assert_eq!(streams(&ECHO, 7, b"hello", b"hel"), Verdict::Match);
        assert_eq!(streams(&ECHO, 7, b"hello", b"x"), Verdict::No);
    }
}
