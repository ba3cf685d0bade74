//! Zoom's media over UDP, to its servers and between two participants (Michel et al., "Enabling
//! Passive Measurement of Zoom Performance in Production Networks", 2022).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(189),
    name: "Zoom",
    category: Category(26),
    udp_ports: &[8801],
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    if opens_path(payload) {
        return Verdict::Match;
    }
    if !datagram.has_port_in(8801, 8810) {
        return Verdict::No;
    }
    match payload {
        // A connection is requested and confirmed.
        [1 | 2, 0, 3, ..] => Verdict::from_match(payload.len() >= 40),
        // Media by way of a server: its direction, then audio, video, a screen or RTCP.
        [5, _, _, _, _, _, _, 0 | 4, 13 | 15 | 16 | 21 | 30 | 33..=35, ..] => Verdict::Match,
        [1..=7, ..] if datagram.before() < 4 => Verdict::More,
        _ => Verdict::No,
    }
}

/// Returns whether one participant opens a path to another: two roles, an address as text and
/// an identifier of 36 characters.
fn opens_path(payload: &[u8]) -> bool {
    /// Offset of the address's length.
    const ADDRESS: usize = 24;
    payload.starts_with(&[0x1f, 2, 1, 0])
        && be32(payload, ADDRESS)
            .and_then(|len| usize::try_from(len).ok())
            .filter(|len| (7..=45).contains(len))
            .and_then(|len| be32(payload, ADDRESS + 4 + len))
            == Some(36)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn media_of_servers_match_at_their_ports() {
        let mut audio = [0; 60];
        (audio[0], audio[8]) = (5, 15);
        assert_eq!(datagram(&PROTOCOL, 8801, &audio), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 8700, &audio), Verdict::No);
        let mut request = [0; 123];
        request[..3].copy_from_slice(&[1, 0, 3]);
        assert_eq!(datagram(&PROTOCOL, 8801, &request), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 8801, b"\x03\0\0\0"), Verdict::More);
    }

    #[test]
    fn paths_between_participants_match_anywhere() {
        let mut path =
            b"\x1f\x02\x01\0\x08\0\x01\0\x04\0\x5c\x9b\x63\x7b\0\0\0\x64\0\0\0\x62\xa0\x4c"
                .to_vec();
        path.extend(b"\0\0\0\x0b192.168.1.2\0\0\0\x24AF065D88");
        assert_eq!(datagram(&PROTOCOL, 41_036, &path), Verdict::Match);
        path[27] = 0x0c;
        assert_eq!(datagram(&PROTOCOL, 41_036, &path), Verdict::No);
    }
}
