//! NTP (RFC 5905).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(9),
    name: "NTP",
    category: Category(18),
    udp_ports: &[123],
    datagram: Some(DatagramRules { probe, start: Start::Any, parse: DatagramParser::Each(parse) }),
    ..Protocol::NEW
};

/// Metadata of an NTP packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ntp {
    /// Version, 1 to 4.
    pub version: u8,
    /// Mode (3 for a client, 4 for a server, 7 for private requests).
    pub mode: u8,
    /// Distance from a clock of reference; 0 where the packet has none.
    pub stratum: u8,
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let Some(first) = datagram.payload.first() else { return Verdict::No };
    let version = first >> 3 & 7;
    let mode = first & 7;
    if !datagram.has_port(123) {
        return probe_elsewhere(datagram);
    }
    // Control messages (6) and private ones (7) are shorter than a time stamp packet.
    let shortest = if mode >= 6 { 8 } else { 48 };
    Verdict::from_match(
        (1..=4).contains(&version) && mode != 0 && datagram.payload.len() >= shortest,
    )
}

/// Decides at another port by the answer of a server.
fn probe_elsewhere(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let (Some([first, stratum, poll, precision]), 48 | 52 | 68) =
        (payload.first_chunk(), payload.len())
    else {
        return Verdict::No;
    };
    let version = first >> 3 & 7;
    let fits = (3..=4).contains(&version)
        && *stratum <= 16
        && *poll <= 17
        && (*precision == 0 || *precision >= 0xe0);
    match first & 7 {
        3 if fits => Verdict::from_more(datagram.before() < 3),
        // The times of arrival and of departure are in the same second or two.
        4 if fits && *stratum > 0 => {
            let [received, sent] = [32, 40].map(|offset| be32(payload, offset).unwrap_or(0));
            Verdict::from_match(received >> 30 == 3 && sent.wrapping_sub(received) <= 1)
        }
        _ => Verdict::No,
    }
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    if let [first, second, ..] = *datagram.payload {
        let mode = first & 7;
        let stratum = if mode < 6 { second } else { 0 };
        finding.metadata().ntp = Some(Ntp { version: first >> 3 & 7, mode, stratum });
    }
    Progress::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    #[test]
    fn packets_match_on_their_port() {
        let mut packet = [0; 48];
        packet[..2].copy_from_slice(&[0x24, 2]);
        assert_eq!(testing::datagram(&PROTOCOL, 123, &packet), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 124, &packet), Verdict::No);
        assert_eq!(testing::datagram(&PROTOCOL, 123, &packet[..47]), Verdict::No);
        let payloads = [(Direction::FromServer, &packet[..])];
        let found = testing::parse_datagrams(&PROTOCOL, 123, &payloads, Finding::default());
        let expected = Ntp { version: 4, mode: 4, stratum: 2 };
        assert_eq!(found.found_metadata().unwrap().ntp, Some(expected));
    }
}
