//! Labels of conversations over TCP: the same however segments cut their bytes.

use std::net::{Ipv4Addr, SocketAddr};

use nfstream_dissect::{Config, Direction, Dissector, Endpoints, Flow, Limits, Packet, Segment};
use proptest::prelude::*;

/// Bytes that the ends send in turn, client first, and the label.
struct Conversation {
    port: u16,
    turns: &'static [&'static [u8]],
    label: &'static str,
}

const CONVERSATIONS: &[Conversation] = &[
    Conversation {
        port: 8000,
        turns: &[
            b"GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>",
        ],
        label: "HTTP",
    },
    Conversation {
        port: 8000,
        turns: &[
            b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        ],
        label: "HTTP.WebSocket",
    },
    Conversation {
        port: 8000,
        turns: &[b"CONNECT example.com:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 407 No\r\n\r\n"],
        label: "HTTP_Connect",
    },
    Conversation {
        port: 8000,
        turns: &[
            b"POST / HTTP/1.1\r\nContent-Type: application/ocsp-request\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        ],
        label: "HTTP.OCSP",
    },
    Conversation {
        port: 2525,
        turns: &[
            b"",
            b"220 mx.example.com ESMTP\r\n",
            b"EHLO me\r\n",
            b"250 mx\r\n",
            b"MAIL FROM:<a@example.com>\r\n",
        ],
        label: "SMTP",
    },
    Conversation {
        port: 2121,
        turns: &[b"", b"220 FTP server\r\n", b"USER me\r\n", b"331 Password\r\n"],
        label: "FTP_CONTROL",
    },
    Conversation {
        port: 1100,
        turns: &[b"", b"+OK ready\r\n", b"USER me\r\n", b"+OK\r\n"],
        label: "POP3",
    },
    Conversation {
        port: 1430,
        turns: &[b"", b"* OK ready\r\n", b"a LOGIN me secret\r\n", b"a OK done\r\n"],
        label: "IMAP",
    },
    Conversation {
        port: 8554,
        turns: &[b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"],
        label: "RTSP",
    },
    Conversation {
        port: 5080,
        turns: &[b"OPTIONS sip:a@example.com SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"],
        label: "SIP",
    },
    Conversation {
        port: 3389,
        turns: &[
            b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
            b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0",
        ],
        label: "RDP",
    },
    Conversation {
        port: 389,
        turns: &[
            b"\x30\x0e\x02\x01\x01\x60\x09\x02\x01\x03\x04\x02cn\x80\x00",
            b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0",
        ],
        label: "LDAP",
    },
    Conversation {
        port: 445,
        turns: &[b"\0\0\0\x54\xffSMBr\0\0\0\0", b"\0\0\0\x54\xffSMBr\0\0\0\0"],
        label: "NetBIOS.SMBv1",
    },
    Conversation {
        port: 6000,
        turns: &[b"\x10\x12\0\x04MQTT\x04\x82\0\x3c\0\x02id\0\x02me", b"\x20\x02\0\0"],
        label: "MQTT",
    },
    Conversation {
        port: 9050,
        turns: &[b"\x05\x01\0", b"\x05\0", b"\x05\x01\0\x03\x0bexample.com\x01\xbb"],
        label: "SOCKS",
    },
    Conversation {
        port: 5300,
        turns: &[b"\0\x21\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01"],
        label: "DNS",
    },
    Conversation {
        port: 6881,
        turns: &[b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0aaaaaaaaaaaaaaaaaaaabbbbbbbbbbbb"],
        label: "BitTorrent",
    },
    Conversation {
        port: 6000,
        turns: &[b"NICK a\r\nUSER a 0 * :A\r\n", b":irc.example.com 001 a :Welcome\r\n"],
        label: "IRC",
    },
];

fn endpoints(port: u16) -> Endpoints {
    Endpoints {
        protocol: 6,
        client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
        server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), port)),
    }
}

/// Returns the label of a conversation of which `cuts` gives the lengths of the segments.
fn label(conversation: &Conversation, mut cuts: impl Iterator<Item = usize>) -> String {
    let limits = Limits { tcp_packets: 1000, udp_packets: 1000 };
    let dissector = Dissector::new(Config { limits, ..Config::default() });
    let endpoints = endpoints(conversation.port);
    let mut flow = Flow::default();
    let mut sequences = [1000_u32, 2000];
    for (turn, bytes) in conversation.turns.iter().enumerate() {
        let direction = if turn % 2 == 0 { Direction::FromClient } else { Direction::FromServer };
        let sequence = &mut sequences[turn % 2];
        let mut rest = *bytes;
        let mut syn = turn < 2;
        while syn || !rest.is_empty() {
            let len = if syn { 0 } else { cuts.next().unwrap_or(rest.len()).min(rest.len()) };
            let (payload, after) = rest.split_at(len);
            let segment =
                Some(Segment { sequence: *sequence, syn, ack: !syn || turn == 1, end: false });
            dissector
                .inspect(&mut flow, &Packet { endpoints: &endpoints, direction, segment, payload });
            let sent = u32::try_from(len).expect("segments are short") + u32::from(syn);
            *sequence = sequence.wrapping_add(sent);
            (rest, syn) = (after, false);
        }
    }
    dissector.name(dissector.finish(flow, &endpoints).label)
}

#[test]
fn conversations_have_their_label() {
    for conversation in CONVERSATIONS {
        assert_eq!(label(conversation, std::iter::empty()), conversation.label);
        assert_eq!(label(conversation, std::iter::repeat(1)), conversation.label);
    }
}

#[test]
fn the_server_may_be_seen_first() {
    let dissector = Dissector::default();
    // The server's answer to a SYN makes it the client of the flow.
    let Endpoints { protocol, client, server } = endpoints(8000);
    let endpoints = Endpoints { protocol, client: server, server: client };
    let mut flow = Flow::default();
    let mut inspect = |direction, syn, payload| {
        let segment = Some(Segment { sequence: 1, syn, ack: true, end: false });
        let packet = Packet { endpoints: &endpoints, direction, segment, payload };
        dissector.inspect(&mut flow, &packet);
    };
    inspect(Direction::FromClient, true, &b""[..]);
    inspect(Direction::FromServer, false, b"GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n");
    let found = dissector.finish(flow, &endpoints);
    assert_eq!(dissector.name(found.label), "HTTP");
    assert_eq!(&*found.metadata.expect("a host").host, "example.com");
}

proptest! {
    #[test]
    fn segments_do_not_change_a_label(
        place in 0..CONVERSATIONS.len(),
        cuts in prop::collection::vec(1_usize..20, 1..30),
    ) {
        let conversation = &CONVERSATIONS[place];
        prop_assert_eq!(label(conversation, cuts.into_iter().cycle()), conversation.label);
    }
}
