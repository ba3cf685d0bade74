//! RTP and RTCP (RFC 3550) over UDP, and over TCP with lengths (RFC 4571).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start, StreamRules};
use crate::read::{be16, be32};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(87),
    name: "RTP",
    category: Category(1),
    stream: Some(StreamRules {
        probe: probe_stream,
        client: Start::Range(0, 7),
        server: Start::Range(0, 7),
        parse: None,
    }),
    datagram: Some(DatagramRules { probe, start: Start::Any, parse: DatagramParser::Each(parse) }),
    ..Protocol::NEW
};

pub(crate) const RTCP: Protocol = Protocol {
    id: ProtocolId(165),
    name: "RTCP",
    category: Category(10),
    datagram: Some(DatagramRules {
        probe: |datagram| Verdict::from_match(is_compound_report(datagram.payload)),
        start: Start::Range(0x80, 0xbf),
        parse: DatagramParser::Nothing,
    }),
    ..Protocol::NEW
};

/// Encrypted media (RFC 3711): RTP by its header, after STUN.
pub(crate) const SRTP: Protocol =
    Protocol { id: ProtocolId(338), name: "SRTP", category: Category(1), ..Protocol::NEW };

/// Metadata of RTP.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rtp {
    /// Payload type (0 for PCMU, 96 to 127 as the session defines them).
    pub payload_type: u8,
    /// Source of the stream.
    pub ssrc: u32,
}

const HEADER: usize = 12;
/// Sequence numbers that may be missing between two datagrams.
const MAX_LOST: u16 = 20;

/// Longest datagram that opens a path for media, and the most such datagrams.
const MAX_OPENING: usize = 24;
const MAX_OPENINGS: usize = 2;

/// The fixed header.
#[derive(Clone, Copy)]
struct Header {
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
}

impl Header {
    fn parse(payload: &[u8]) -> Option<Self> {
        let [first, second, ..] = *payload else { return None };
        let sources = usize::from(first & 15);
        // Types 64 to 95 are RTCP's in the same port (RFC 5761).
        let payload_type = second & 0x7f;
        let valid = first >> 6 == 2
            && matches!(payload_type, 0..=34 | 71..=72 | 96..=127)
            && payload.len() >= HEADER + 4 * sources;
        if !valid {
            return None;
        }
        Some(Self {
            payload_type,
            sequence: be16(payload, 2)?,
            timestamp: be32(payload, 4)?,
            ssrc: be32(payload, 8)?,
        })
    }

    /// Returns whether this header comes after `earlier` in the same stream.
    fn follows(&self, earlier: &Self) -> bool {
        let gap = self.sequence.wrapping_sub(earlier.sequence);
        self.ssrc == earlier.ssrc
            && (1..=MAX_LOST).contains(&gap)
            // Comfort noise and events may change the type, not the clock.
            && self.timestamp.wrapping_sub(earlier.timestamp) < 1 << 24
    }
}

/// Returns the source of a datagram that has the header of RTP.
pub(crate) fn ssrc(payload: &[u8]) -> Option<[u8; 4]> {
    Header::parse(payload).map(|header| header.ssrc.to_be_bytes())
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let Some(header) = Header::parse(datagram.payload) else {
        // Reports of the receiver come in between.
        let report = is_report(datagram.payload) && datagram.before() > 0;
        // Media may follow datagrams that open a path through a NAT (RFC 6263).
        let opening = datagram.payload.len() <= MAX_OPENING && datagram.before() < MAX_OPENINGS;
        return Verdict::from_more(report || opening);
    };
    let earlier =
        datagram.history.last(datagram.direction).and_then(|head| Header::parse(head.bytes()));
    match earlier {
        Some(earlier) if header.follows(&earlier) => Verdict::Match,
        _ if datagram.before() >= 8 => Verdict::No,
        _ => Verdict::More,
    }
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    if let Some(header) = Header::parse(datagram.payload) {
        let rtp = Rtp { payload_type: header.payload_type, ssrc: header.ssrc };
        finding.metadata().rtp = Some(Box::new(rtp));
    }
    Progress::Done
}

fn probe_stream(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    let (len, earlier) = match framed(stream, 0) {
        Framed::Header(len, header) => (len, header),
        Framed::Short => return Verdict::More,
        Framed::Other => return Verdict::No,
    };
    match framed(stream, 2 + len) {
        Framed::Header(_, header) => Verdict::from_match(header.follows(&earlier)),
        Framed::Short => Verdict::More,
        Framed::Other => Verdict::No,
    }
}

/// Beginning of a packet with a length before it.
enum Framed {
    /// Length and header of RTP.
    Header(usize, Header),
    /// Bytes are missing.
    Short,
    /// Another protocol.
    Other,
}

fn framed(stream: &[u8], offset: usize) -> Framed {
    let Some(len) = be16(stream, offset).map(usize::from) else { return Framed::Short };
    if !(HEADER..=2048).contains(&len) {
        return Framed::Other;
    }
    let packet = stream.get(offset + 2..).unwrap_or_default();
    let packet = packet.get(..len).unwrap_or(packet);
    let Some(first) = packet.first() else { return Framed::Short };
    let header = HEADER + 4 * usize::from(first & 15);
    if first >> 6 != 2 || header > len {
        Framed::Other
    } else if packet.len() < header {
        Framed::Short
    } else {
        Header::parse(packet).map_or(Framed::Other, |header| Framed::Header(len, header))
    }
}

/// Returns whether a payload begins like a sender's or receiver's report.
fn is_report(payload: &[u8]) -> bool {
    matches!(payload, [0x80..=0xbf, 200..=207, ..])
}

/// Returns whether a payload is a compound of reports (RFC 3550, section 6.1).
fn is_compound_report(payload: &[u8]) -> bool {
    let mut rest = payload;
    if !matches!(payload, [0x80..=0x9f, 200 | 201, ..]) {
        return false;
    }
    let mut packets = 0;
    while let [0x80..=0xbf, 200..=207, ..] = rest {
        let Some(len) = be16(rest, 2).map(|words| 4 * (usize::from(words) + 1)) else { break };
        let Some(next) = rest.get(len..) else { return false };
        // A sender's report holds 28 bytes, then a block of 24 for each source in it.
        let [first, kind, ..] = *rest else { break };
        let fixed = if kind == 200 { 28 } else { 8 };
        if kind <= 201 && len < fixed + 24 * usize::from(first & 31) {
            return false;
        }
        packets += 1;
        rest = next;
    }
    packets > 0 && rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    fn media(sequence: u8, ssrc: u8) -> Vec<u8> {
        [&[0x80, 0, 0, sequence, 0, 0, sequence, 0, 9, 9, 9, ssrc][..], &[0x7f; 160]].concat()
    }

    #[test]
    fn two_datagrams_of_a_source_match() {
        let (one, two, other) = (media(1, 1), media(2, 1), media(2, 2));
        let of = |second| {
            let payloads = [(Direction::FromClient, &one[..]), (Direction::FromClient, second)];
            testing::datagrams(&PROTOCOL, 30_000, &payloads)
        };
        assert_eq!(testing::datagram(&PROTOCOL, 30_000, &one), Verdict::More);
        assert_eq!(of(&two), Verdict::Match);
        assert_eq!(of(&other), Verdict::More);
        assert_eq!(of(&one), Verdict::More);
    }

    #[test]
    fn media_may_follow_short_datagrams() {
        let (one, two) = (media(1, 1), media(2, 1));
        let of = |opening| {
            let payloads = [opening, &one[..], &two].map(|bytes| (Direction::FromClient, bytes));
            testing::datagrams(&PROTOCOL, 30_000, &payloads)
        };
        assert_eq!(of(&[1; 16]), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 30_000, &[1; 25]), Verdict::No);
    }

    #[test]
    fn framed_media_match() {
        let frame = |sequence| [&[0, 172][..], &media(sequence, 1)].concat();
        testing::assert_streams(&PROTOCOL, 5000, &[frame(1), frame(2)].concat(), b"");
        assert_eq!(testing::streams(&PROTOCOL, 5000, &[0, 172, 0x40], b""), Verdict::No);
    }

    #[test]
    fn reports_fill_their_datagram() {
        let report = b"\x80\xc9\0\x01\x01\x02\x03\x04\x81\xca\0\x02\x01\x02\x03\x04\x01\0\0\0";
        assert_eq!(testing::datagram(&RTCP, 30_001, report), Verdict::Match);
        assert_eq!(testing::datagram(&RTCP, 30_001, &report[..19]), Verdict::No);
        assert_eq!(
            testing::datagram(&RTCP, 30_001, b"\x81\xc9\0\x01\x01\x02\x03\x04"),
            Verdict::No
        );
    }
}
