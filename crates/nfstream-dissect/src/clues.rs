//! Facts about other flows in a single packet: names of addresses, and announced ends.
//!
//! Each packet is read without the rest of its flow, so packets can be read in any order and in
//! parallel. The caller applies the facts in packet order.

use std::net::IpAddr;
use std::sync::Arc;

use crate::flow::Finding;
use crate::label::ProtocolId;
use crate::metadata::{Announced, Metadata};
use crate::packet::{Direction, Endpoints, TCP, UDP};
use crate::probe::{Datagram, History, Streams, Verdict};
use crate::protocol::{DatagramParser, Protocol};
use crate::protocols::{dns, ftp, rtsp, sip, stun, tftp, tinc};
use crate::read::shown;

/// Most addresses read from a DNS response.
const MAX_NAMES: usize = 32;

/// Ports of DNS, mDNS and LLMNR, the source ports of responses.
const DNS_PORTS: [u16; 3] = [53, 5353, 5355];
const TFTP_PORT: u16 = 69;
const FTP_PORT: u16 = 21;

/// Fact about future flows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Clue {
    /// A DNS answer gives an address this name.
    Name {
        /// Address of the host.
        address: IpAddr,
        /// Name in the question, in lower case.
        name: Arc<str>,
    },
    /// A flow will have this end.
    End(Announced),
}

/// Knowledge about a flow from other flows.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hints {
    /// Name for the server's address from a DNS answer.
    pub name: Option<Arc<str>>,
    /// Application from an announcement of the flow.
    pub announced: Option<ProtocolId>,
}

impl Hints {
    /// Returns whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.name.is_none() && self.announced.is_none()
    }
}

impl Clue {
    /// Returns the facts in a packet. The client of `endpoints` is its sender; `payload` begins
    /// after its transport header.
    ///
    /// ```
    /// use std::net::{Ipv4Addr, SocketAddr};
    ///
    /// use nfstream_dissect::{Clue, Endpoints};
    ///
    /// let endpoints = Endpoints {
    ///     protocol: 6,
    ///     client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), 21)),
    ///     server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
    /// };
    /// let clues = Clue::read(&endpoints, b"227 Entering Passive Mode (192,0,2,2,4,1).\r\n");
    /// let [Clue::End(end)] = &clues[..] else { panic!() };
    /// assert_eq!((end.address, end.port), (endpoints.client.ip(), 1025));
    /// ```
    pub fn read(endpoints: &Endpoints, payload: &[u8]) -> Vec<Self> {
        let ports = [endpoints.client.port(), endpoints.server.port()];
        if !Self::may_be_in(endpoints.protocol, ports, payload) {
            return Vec::new();
        }
        if endpoints.protocol == UDP {
            of_datagram(endpoints, payload)
        } else {
            of_segment(endpoints, payload)
        }
    }

    /// Returns whether a packet may hold facts; other packets cost no more than this check. The
    /// sender's port comes first in `ports`.
    #[inline]
    pub fn may_be_in(protocol: u8, ports: [u16; 2], payload: &[u8]) -> bool {
        let [from, to] = ports;
        let Some(first) = payload.first_chunk::<4>() else { return false };
        match (protocol, first[0]) {
            (UDP, b'A'..=b'Z') if is_method(first) => true,
            (UDP, 0..=3) if stun::has_cookie(payload) => true,
            (UDP, _) => DNS_PORTS.contains(&from) || to == TFTP_PORT,
            (TCP, b'A'..=b'Z') => is_method(first) || matches!(first, b"PORT" | b"EPRT" | b"RTSP"),
            (TCP, b'2') => matches!(first, b"227 " | b"229 ") || from == FTP_PORT,
            (TCP, b'0') => first[1] == b' ',
            (TCP, _) => from == DNS_PORTS[0],
            _ => false,
        }
    }
}

/// Returns whether a message begins like a SIP message that may carry a session description.
#[inline]
fn is_method(first: &[u8; 4]) -> bool {
    matches!(first, b"SIP/" | b"INVI" | b"ACK " | b"UPDA" | b"PRAC")
}

fn of_datagram(endpoints: &Endpoints, payload: &[u8]) -> Vec<Clue> {
    if DNS_PORTS.contains(&endpoints.client.port()) {
        return names(payload);
    }
    let history = History::default();
    let direction = Direction::FromClient;
    let datagram = Datagram { endpoints, direction, payload, history: &history };
    let mut finding = Finding::default();
    if stun::has_cookie(payload) {
        stun::announce_alone(&datagram, &mut finding);
    } else {
        for protocol in [&sip::PROTOCOL, &tftp::PROTOCOL] {
            if let Some(rules) = &protocol.datagram
                && let DatagramParser::Each(parse) = rules.parse
                && payload.first().is_some_and(|byte| rules.start.allows(*byte))
                && (rules.probe)(&datagram) == Verdict::Match
            {
                parse(&datagram, &mut finding);
            }
        }
    }
    ends(finding)
}

fn of_segment(endpoints: &Endpoints, payload: &[u8]) -> Vec<Clue> {
    let sent = Streams { endpoints, client: payload, server: &[], swapped: false };
    let parse = |protocol: &Protocol, streams: Streams<'_>| {
        let mut finding = Finding::default();
        if let Some(parse) = protocol.stream.as_ref().and_then(|rules| rules.parse) {
            parse(&streams, &mut finding);
        }
        ends(finding)
    };
    match payload {
        // The datagrams go to the port of the server, which may have sent the segment.
        [b'0', ..] if tinc::is_begun(payload) => {
            [parse(&tinc::PROTOCOL, sent), parse(&tinc::PROTOCOL, sent.reverse())].concat()
        }
        [b'P' | b'E', b'O' | b'P', b'R', ..] => parse(&ftp::PROTOCOL, sent),
        [b'2', ..] => parse(&ftp::PROTOCOL, sent.reverse()),
        [b'R', ..] => parse(&rtsp::PROTOCOL, sent.reverse()),
        [b'A'..=b'Z', ..] => parse(&sip::PROTOCOL, sent),
        [high, low, message @ ..] => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            message.get(..len).map(names).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Returns the names that a DNS response gives addresses.
fn names(message: &[u8]) -> Vec<Clue> {
    let is_host = |address: &IpAddr| {
        let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
        let is_special = address.is_unspecified() || address.is_loopback();
        !(is_special || address.is_multicast() || is_broadcast)
    };
    // Nearly always, the question has the name of all addresses.
    let mut last: Option<(dns::Name<'_>, Arc<str>)> = None;
    dns::answers(message)
        .take(MAX_NAMES)
        // DNS filters answer with such addresses in place of a host's.
        .filter(|(_, address)| is_host(address))
        .filter_map(|(name, address)| {
            let text = match &last {
                Some((before, text)) if before.is_at(&name) => Arc::clone(text),
                _ => {
                    let mut buffer = [0; dns::MAX_NAME];
                    let lower = name.write(&mut buffer);
                    lower.make_ascii_lowercase();
                    let text: Arc<str> = shown(lower).into();
                    last = Some((name, Arc::clone(&text)));
                    text
                }
            };
            (!text.is_empty()).then_some(Clue::Name { address, name: text })
        })
        .collect()
}

fn ends(mut finding: Finding) -> Vec<Clue> {
    let metadata = finding.take_metadata();
    let announced = metadata.map(|metadata: Box<Metadata>| metadata.announced).unwrap_or_default();
    let is_end = |end: &Announced| end.port != 0 && !end.address.is_unspecified();
    announced.into_iter().filter(is_end).map(Clue::End).collect()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;

    fn endpoints(protocol: u8, from: u16, to: u16) -> Endpoints {
        Endpoints {
            protocol,
            client: SocketAddr::from(([192, 0, 2, 1], from)),
            server: SocketAddr::from(([192, 0, 2, 2], to)),
        }
    }

    /// Returns the announced ends as text.
    fn ends(protocol: u8, from: u16, to: u16, payload: &[u8]) -> Vec<(String, u16)> {
        let end = |clue| match clue {
            Clue::End(end) => Some((end.address.to_string(), end.port)),
            Clue::Name { .. } => None,
        };
        Clue::read(&endpoints(protocol, from, to), payload).into_iter().filter_map(end).collect()
    }

    fn end(address: &str, port: u16) -> (String, u16) {
        (address.to_owned(), port)
    }

    /// A response with an address of `WwW.Example.org`.
    fn response(address: [u8; 4]) -> Vec<u8> {
        let mut message = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x03WwW\x07Example\x03org\0\0\x01\
            \0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04"
            .to_vec();
        message.extend(address);
        message
    }

    #[test]
    fn responses_name_addresses_over_udp_and_tcp() {
        let message = response([198, 51, 100, 7]);
        let expected =
            [Clue::Name { address: [198, 51, 100, 7].into(), name: "www.example.org".into() }];
        assert_eq!(Clue::read(&endpoints(UDP, 53, 40_000), &message), expected);
        assert_eq!(Clue::read(&endpoints(UDP, 5353, 5353), &message), expected);
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        let segment = [&length[..], &message].concat();
        assert_eq!(Clue::read(&endpoints(TCP, 53, 40_000), &segment), expected);
        assert_eq!(Clue::read(&endpoints(UDP, 40_000, 53), &message), []);
    }

    #[test]
    fn addresses_of_no_host_get_no_name() {
        for address in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 251], [255; 4]] {
            assert_eq!(Clue::read(&endpoints(UDP, 53, 40_000), &response(address)), []);
        }
    }

    #[test]
    fn control_connections_of_ftp_announce_data() {
        assert_eq!(ends(TCP, 40_000, 21, b"PORT 192,0,2,1,195,80\r\n"), [end("192.0.2.1", 50_000)]);
        assert_eq!(
            ends(TCP, 40_000, 2121, b"EPRT |2|2001:db8::1|50001|\r\n"),
            [end("2001:db8::1", 50_001)]
        );
        let reply = b"229 Entering Extended Passive Mode (|||6446|)\r\n";
        assert_eq!(ends(TCP, 21, 40_000, reply), [end("192.0.2.1", 6446)]);
        assert_eq!(ends(TCP, 21, 40_000, b"227 Passive (0,0,0,0,4,1)\r\n"), []);
    }

    #[test]
    fn calls_announce_media() {
        let invite = b"INVITE sip:bob@example.com SIP/2.0\r\nContent-Type: application/sdp\r\n\
            Content-Length: 51\r\n\r\nv=0\r\nc=IN IP4 198.51.100.1\r\nm=audio 49170 RTP/AVP 0\r\n";
        assert_eq!(ends(UDP, 5060, 5060, invite), [end("198.51.100.1", 49_170)]);
        assert_eq!(ends(TCP, 40_000, 5060, invite), [end("198.51.100.1", 49_170)]);
    }

    #[test]
    fn setups_of_rtsp_announce_media_of_both_ends() {
        let reply = b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP;unicast;client_port=4588-4589;\
            server_port=6256-6257\r\n\r\n";
        let expected = [
            end("192.0.2.2", 4588),
            end("192.0.2.2", 4589),
            end("192.0.2.1", 6256),
            end("192.0.2.1", 6257),
        ];
        assert_eq!(ends(TCP, 554, 40_000, reply), expected);
    }

    #[test]
    fn requests_of_tftp_announce_the_port_of_their_client() {
        let request = b"\0\x01rfc1350.txt\0octet\0";
        assert_eq!(ends(UDP, 40_000, 69, request), [end("192.0.2.1", 40_000)]);
    }

    #[test]
    fn nodes_of_tinc_announce_their_datagrams() {
        let expected = [end("192.0.2.2", 1655), end("192.0.2.1", 40_000)];
        assert_eq!(ends(TCP, 40_000, 1655, b"0 node 17.7\n"), expected);
        assert_eq!(ends(TCP, 40_000, 1655, b"0 node\n"), []);
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(
            from: u16,
            port in prop_oneof![Just(53_u16), Just(21), Just(69), Just(655), any::<u16>()],
            is_tcp: bool,
            start in prop::sample::select(vec![
                &b""[..], b"227 ", b"229 ", b"PORT ", b"EPRT ", b"RTSP/1.0 200 OK\r\n", b"SIP/2.0 ",
                b"INVITE sip:", b"0 n 17.7\n", b"\0\x01", b"\x01\x01\0\x20\x21\x12\xa4\x42",
            ]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let payload = [start, &rest].concat();
            let protocol = if is_tcp { TCP } else { UDP };
            Clue::read(&endpoints(protocol, from, port), &payload);
            Clue::read(&endpoints(protocol, port, from), &payload);
        }
    }
}
