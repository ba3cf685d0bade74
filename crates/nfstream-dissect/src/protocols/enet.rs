//! ENet's connection requests, and those of Photon, a relative in many mobile games.

use super::statsd::GAIJIN;
use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol};
use crate::read::{be16, be32};

pub(crate) const ENET: Protocol = Protocol {
    id: ProtocolId(10_216),
    name: "ENet",
    category: Category(8),
    datagram: Some(DatagramRules {
        parse: DatagramParser::Each(parse),
        ..DatagramRules::new(enet)
    }),
    ..Protocol::NEW
};

/// Photon; nDPI knows it by the name of one game.
pub(crate) const PHOTON: Protocol = Protocol {
    id: ProtocolId(155),
    name: "TocaBoca",
    category: Category(8),
    udp_ports: &[5055],
    datagram: Some(DatagramRules::new(photon)),
    ..Protocol::NEW
};

fn enet(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(is_connect(datagram.payload) == Some(true))
}

/// Returns whether a datagram of an unknown peer holds a connection request, with a time and
/// perhaps a checksum before it.
fn is_connect(payload: &[u8]) -> Option<bool> {
    /// The command, with the flag for an acknowledgement, the channel and its first number.
    const CONNECT: &[u8] = &[0x82, 0xff, 0, 1];
    let peer = be16(payload, 0)?;
    let request = [4, 8]
        .iter()
        .filter_map(|offset| payload.get(*offset..))
        .find(|request| request.starts_with(CONNECT))?;
    Some(
        matches!(peer, 0x8fff | 0xbfff | 0xffff)
            && (576..=4096).contains(&be32(request, 8)?)
            && (1..=255).contains(&be32(request, 16)?),
    )
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    // The ports of War Thunder's battles.
    if (20_010..=20_500).contains(&datagram.endpoints.server.port()) {
        finding.set_application(GAIJIN.id);
    }
    Progress::Done
}

fn photon(datagram: &Datagram<'_>) -> Verdict {
    let usual_port = datagram.has_port_in(5055, 5058);
    // A ping between two peers.
    if usual_port && datagram.payload.len() == 13 && datagram.payload.starts_with(&[0x7d; 12]) {
        return Verdict::Match;
    }
    Verdict::from_match(is_photon(datagram.payload, usual_port) == Some(true))
}

/// Returns whether a header stands before commands: a peer, whether there is a checksum, the number
/// of commands, a time and a challenge, then the first command and its length.
fn is_photon(payload: &[u8], usual_port: bool) -> Option<bool> {
    let commands = *payload.get(3)?;
    // A checksum of four bytes follows the challenge.
    let first = match *payload.get(2)? {
        0 => 12,
        0xcc => 16,
        _ => return Some(false),
    };
    let [kind, channel, flags, reserved] = *payload.get(first..)?.first_chunk()?;
    let len = usize::try_from(be32(payload, first + 4)?).ok()?;
    let is_connect = kind == 2 && channel == 0xff && be16(payload, 0)? == 0xffff && len == 44;
    let is_other = usual_port
        && (1..=14).contains(&kind)
        && (channel == 0xff || channel < 32)
        && flags <= 3
        && reserved <= 4;
    Some(
        (1..=64).contains(&commands)
            && (is_connect || is_other)
            && len >= 12
            && (if commands == 1 {
                first + len == payload.len()
            } else {
                first + len < payload.len()
            }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Direction, UDP};
    use crate::probe::History;
    use crate::protocols::testing::{datagram, endpoints};

    #[test]
    fn connection_requests_match() {
        let mut request = [0; 52];
        request[..8].copy_from_slice(&[0x8f, 0xff, 0x12, 0x34, 0x82, 0xff, 0, 1]);
        (request[14], request[15], request[23]) = (5, 0x78, 2);
        assert_eq!(datagram(&ENET, 7777, &request), Verdict::Match);
        assert_eq!(datagram(&ENET, 7777, &request[..20]), Verdict::No);

        let mut request = [0; 56];
        request[..20]
            .copy_from_slice(b"\xff\xff\0\x01\0\0\0\x04\x22\xb6\xe6\xba\x02\xff\x01\x04\0\0\0\x2c");
        assert_eq!(datagram(&PHOTON, 5055, &request), Verdict::Match);
        assert_eq!(datagram(&PHOTON, 7777, &request), Verdict::Match);
        assert_eq!(datagram(&PHOTON, 5055, &request[..55]), Verdict::No);
        request[12] = 6;
        assert_eq!(datagram(&PHOTON, 7777, &request), Verdict::No);
    }

    #[test]
    fn ports_of_war_thunder_name_the_game() {
        let application = |port| {
            let mut finding = Finding::default();
            let (endpoints, history) = (endpoints(UDP, port), History::default());
            let direction = Direction::FromClient;
            let datagram =
                Datagram { endpoints: &endpoints, direction, payload: b"", history: &history };
            parse(&datagram, &mut finding);
            finding.application()
        };
        assert_eq!(application(20_011), Some(GAIJIN.id));
        assert_eq!(application(7777), None);
    }
}
