//! NNTP (RFC 3977).

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::protocols::lines::{begins_command, begins_reply, first_line, mentions};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(93),
    name: "Usenet",
    category: Category(5),
    tcp_ports: &[119, 433],
    stream: Some(StreamRules {
        probe,
        client: Start::Bytes(b"MmCcGgAaLlXx"),
        server: Start::Bytes(b"2"),
        parse: None,
    }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    if !streams.client.is_empty() {
        let alone = begins_command(
            streams.client,
            &["MODE READER", "MODE STREAM", "AUTHINFO USER", "XOVER"],
        );
        return match alone {
            Verdict::No if streams.has_port(119) => {
                begins_command(streams.client, &["GROUP", "LIST", "CAPABILITIES", "ARTICLE"])
            }
            verdict => verdict,
        };
    }
    match begins_reply(streams.server, b"200").or(begins_reply(streams.server, b"201")) {
        Verdict::Match => match first_line(streams.server, 512) {
            Ok(greeting) => Verdict::from_match(
                streams.has_port(119) || mentions(greeting, "NNTP") || mentions(greeting, "INN "),
            ),
            Err(verdict) => verdict,
        },
        verdict => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    #[test]
    fn greetings_and_commands_match() {
        testing::assert_streams(&PROTOCOL, 120, b"", b"200 news.example.com NNRP NNTP ready\r\n");
        testing::assert_streams(&PROTOCOL, 119, b"", b"201 no posting\r\n");
        testing::assert_streams(&PROTOCOL, 120, b"MODE READER\r\n", b"");
        assert_eq!(testing::streams(&PROTOCOL, 120, b"", b"200 OK\r\n"), Verdict::No);
        assert_eq!(testing::streams(&PROTOCOL, 120, b"LIST\r\n", b""), Verdict::No);
    }
}
