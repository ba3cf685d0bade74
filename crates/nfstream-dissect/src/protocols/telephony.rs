//! Signalling of telephony besides SIP: H.323, MGCP, Megaco, Skinny and IAX.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start, StreamRules};
use crate::read::{be16, line, text};

/// H.225 call signalling over TPKT, and registration by UDP (ITU-T H.225.0).
pub(crate) const H323: Protocol = Protocol {
    id: ProtocolId(158),
    name: "H323",
    category: Category(10),
    tcp_ports: &[1719, 1720],
    udp_ports: &[1719, 1720],
    stream: Some(StreamRules {
        probe: probe_h225,
        client: Start::Bytes(&[3]),
        server: Start::Bytes(&[3]),
        parse: None,
    }),
    datagram: Some(DatagramRules::new(probe_ras)),
    ..Protocol::NEW
};

/// MGCP (RFC 3435).
pub(crate) const MGCP: Protocol = Protocol {
    id: ProtocolId(94),
    name: "MGCP",
    category: Category(10),
    udp_ports: &[2427, 2727],
    datagram: Some(DatagramRules {
        probe: probe_mgcp,
        start: Start::Bytes(b"ECMDRNAecmdrna012345678"),
        parse: DatagramParser::Each(parse_mgcp),
    }),
    ..Protocol::NEW
};

/// Megaco in its text form (RFC 3525).
pub(crate) const MEGACO: Protocol = Protocol {
    id: ProtocolId(181),
    name: "Megaco",
    category: Category(10),
    udp_ports: &[2944, 2945],
    datagram: Some(DatagramRules {
        probe: |datagram| {
            let payload = datagram.payload;
            let long = payload.starts_with(b"MEGACO/") && payload.get(8) == Some(&b' ');
            let short = payload.starts_with(b"!/")
                && matches!(payload.get(2..4), Some([b'1'..=b'3', b' ']));
            Verdict::from_match(long || short)
        },
        start: Start::Bytes(b"!M"),
        parse: DatagramParser::Nothing,
    }),
    ..Protocol::NEW
};

/// Cisco's SCCP.
pub(crate) const SKINNY: Protocol = Protocol {
    id: ProtocolId(164),
    name: "CiscoSkinny",
    category: Category(10),
    tcp_ports: &[2000],
    stream: Some(StreamRules::new(probe_skinny)),
    ..Protocol::NEW
};

/// IAX2 (RFC 5456).
pub(crate) const IAX: Protocol = Protocol {
    id: ProtocolId(95),
    name: "IAX",
    category: Category(10),
    udp_ports: &[4569],
    datagram: Some(DatagramRules {
        probe: probe_iax,
        start: Start::Range(0x80, 0xff),
        parse: DatagramParser::Nothing,
    }),
    ..Protocol::NEW
};

fn first_stream<'a>(streams: &Streams<'a>) -> &'a [u8] {
    if streams.client.is_empty() { streams.server } else { streams.client }
}

/// TPKT, then a message of Q.931 with a call reference of two bytes.
fn probe_h225(streams: &Streams<'_>) -> Verdict {
    match first_stream(streams) {
        [3, 0, _, _, 8, 2, _, _, 1..=0x0d | 0x4d | 0x5a | 0x62 | 0x6e | 0x7b | 0x7d, ..] => {
            Verdict::Match
        }
        []
        | [3]
        | [3, 0]
        | [3, 0, _]
        | [3, 0, _, _]
        | [3, 0, _, _, 8]
        | [3, 0, _, _, 8, 2]
        | [3, 0, _, _, 8, 2, _]
        | [3, 0, _, _, 8, 2, _, _] => Verdict::More,
        _ => Verdict::No,
    }
}

/// Registration messages carry the protocol's object identifier, 0.0.8.2250.0.
fn probe_ras(datagram: &Datagram<'_>) -> Verdict {
    let usual = datagram.has_port(1718) || datagram.has_port(1719);
    let head = &datagram.payload[..datagram.payload.len().min(20)];
    let identified = head.windows(6).any(|word| word == [6, 0, 8, 0x91, 0x4a, 0]);
    Verdict::from_match(usual && identified)
}

fn probe_mgcp(datagram: &Datagram<'_>) -> Verdict {
    const VERBS: [&[u8]; 9] =
        [b"EPCF", b"CRCX", b"MDCX", b"DLCX", b"RQNT", b"NTFY", b"AUEP", b"AUCX", b"RSIP"];
    let payload = datagram.payload;
    let first = line(payload).unwrap_or(payload);
    let (Some(verb), Some(b' ')) = (first.get(..4), first.get(4)) else {
        let usual = datagram.has_port(2427) || datagram.has_port(2727);
        return Verdict::from_match(usual && is_mgcp_response(first));
    };
    let known = VERBS.iter().any(|known| known.eq_ignore_ascii_case(verb));
    let version = |word: &[u8]| {
        matches!(word.strip_prefix(b" MGCP "), Some([b'0'..=b'9', b'.', b'0'..=b'9']))
    };
    Verdict::from_match(known && first.windows(9).any(version))
}

/// Reads the domain of the endpoint that a command addresses: `AUEP 1500 aaln/1@gateway.example`.
fn parse_mgcp(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    let first = line(datagram.payload).unwrap_or(datagram.payload);
    let endpoint = first.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).nth(2);
    let at = |endpoint: &[u8]| endpoint.iter().position(|byte| *byte == b'@');
    if is_mgcp_response(first) {
        return Progress::More;
    }
    if let Some(endpoint) = endpoint
        && let Some(domain) = at(endpoint).and_then(|at| endpoint.get(at + 1..))
        && !domain.is_empty()
    {
        finding.metadata().host = text(domain);
    }
    Progress::Done
}

/// Returns whether a line is a return code, then a transaction.
fn is_mgcp_response(line: &[u8]) -> bool {
    matches!(line, [b'0'..=b'8', b'0'..=b'9', b'0'..=b'9', b' ', b'0'..=b'9', ..])
}

/// A length, a version and the number of a message, all little-endian.
fn probe_skinny(streams: &Streams<'_>) -> Verdict {
    let usual = (2000..=2002).any(|port| streams.has_port(port));
    let stream = first_stream(streams);
    if !usual {
        return Verdict::No;
    }
    match stream {
        [low, high, 0, 0, 0 | 0x0a | 0x0b | 0x10..=0x17, 0, 0, 0, _, message, 0, 0, ..] => {
            let len = u16::from_le_bytes([*low, *high]);
            Verdict::from_match((4..=4000).contains(&len) && matches!(message, 0..=3 | 0x80 | 0x81))
        }
        _ if stream.len() >= 12 => Verdict::No,
        _ => {
            let fits =
                |place: usize, valid: fn(u8) -> bool| stream.get(place).is_none_or(|b| valid(*b));
            let possible = fits(2, |b| b == 0)
                && fits(3, |b| b == 0)
                && fits(4, |b| b <= 0x17)
                && [5, 6, 7, 10, 11].into_iter().all(|place| fits(place, |b| b == 0));
            if possible { Verdict::More } else { Verdict::No }
        }
    }
}

/// Full frames that open or answer something, on the usual port.
fn probe_iax(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let matches = match payload {
        [_, _, _, _, _, _, _, _, _, _, 6, command, ..] => {
            datagram.has_port(4569)
                && (1..=0x28).contains(command)
                && be16(payload, 2)
                    .is_some_and(|call| call & 0x7fff == 0 || datagram.answered().is_some())
        }
        _ => false,
    };
    Verdict::from_match(matches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    #[test]
    fn call_signalling_matches() {
        testing::assert_streams(&H323, 1720, b"\x03\x00\x01\x2a\x08\x02\x1a\x2b\x05\x04", b"");
        // A connection request of RDP.
        let request = b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00";
        assert_eq!(testing::streams(&H323, 1720, request, b""), Verdict::No);
        let registration = b"\x0e\x80\x06\xae\x06\x00\x08\x91\x4a\x00\x04\x00";
        assert_eq!(testing::datagram(&H323, 1719, registration), Verdict::Match);
        assert_eq!(testing::datagram(&H323, 1717, registration), Verdict::No);
    }

    #[test]
    fn media_gateway_control_matches() {
        let audit = b"AUEP 1500 aaln/1@rgw.example.com MGCP 1.0\r\nF: A\r\n";
        assert_eq!(testing::datagram(&MGCP, 9, audit), Verdict::Match);
        let old = b"RQNT 1 *@rgw.example.com MGCP 0.1\r\nR: l/hd(n)\r\n";
        assert_eq!(testing::datagram(&MGCP, 9, old), Verdict::Match);
        assert_eq!(testing::datagram(&MGCP, 9, b"RQNT 1 a@b MGCP one\r\n"), Verdict::No);
        assert_eq!(testing::datagram(&MGCP, 2427, b"200 1500 OK\r\n"), Verdict::Match);
        assert_eq!(testing::datagram(&MGCP, 9, b"200 1500 OK\r\n"), Verdict::No);
        assert_eq!(testing::datagram(&MEGACO, 2944, b"MEGACO/1 [192.0.2.1]:2944"), Verdict::Match);
        assert_eq!(testing::datagram(&MEGACO, 2944, b"!/1 <gw.example.com>"), Verdict::Match);
        assert_eq!(testing::datagram(&MEGACO, 2944, b"MEGA"), Verdict::No);
    }

    #[test]
    fn the_domain_of_an_endpoint_is_read() {
        let answer = (Direction::FromServer, &b"200 1500 OK\r\n"[..]);
        let audit = (Direction::FromClient, &b"AUEP 1500 aaln/1@rgw.example.com MGCP 1.0\r\n"[..]);
        let found = testing::parse_datagrams(&MGCP, 2427, &[answer, audit], Finding::default());
        assert_eq!(&*found.found_metadata().unwrap().host, "rgw.example.com");
    }

    #[test]
    fn skinny_messages_match() {
        let register = b"\x38\0\0\0\x12\0\0\0\x01\0\0\0SEP001122334455";
        testing::assert_streams(&SKINNY, 2000, register, b"");
        assert_eq!(testing::streams(&SKINNY, 2010, register, b""), Verdict::No);
        assert_eq!(testing::streams(&SKINNY, 2000, b"\0\0\0\0\0\0\0\0\0\0\0\0", b""), Verdict::No);
    }

    #[test]
    fn iax_calls_match() {
        let new = b"\x80\x01\0\0\0\0\0\x03\0\0\x06\x01\x0b\x02\0\x02";
        assert_eq!(testing::datagram(&IAX, 4569, new), Verdict::Match);
        assert_eq!(testing::datagram(&IAX, 4570, new), Verdict::No);
    }
}
