//! Teredo (RFC 4380): IPv6 over UDP past NATs.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::{Reader, be16};
use crate::shape::check_all;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(214),
    name: "Teredo",
    category: Category(14),
    udp_ports: &[3544],
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[
            0x00, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c,
            0x6d, 0x6e, 0x6f,
        ]),
        ..DatagramRules::new(datagram)
    }),
    ..Protocol::NEW
};

/// Prefix of Teredo addresses, `2001::/32`.
const PREFIX: &[u8] = &[0x20, 0x01, 0, 0];

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, |reader| {
        let mut indicated = false;
        if reader.0.starts_with(&[0, 1]) {
            reader.u16()?;
            let id = usize::from(reader.u8()?);
            let authentication = usize::from(reader.u8()?);
            reader.take(id + authentication + 9)?;
            indicated = true;
        }
        if reader.0.starts_with(&[0, 0]) {
            reader.take(8)?;
            indicated = true;
        }
        let is_teredo = |at| reader.0.get(at..).is_some_and(|address| address.starts_with(PREFIX));
        let addressed = is_teredo(8) || is_teredo(24);
        Some(is_ipv6(reader) && (datagram.has_port(3544) || addressed && !indicated))
    })
}

/// Returns whether the rest is an IPv6 packet.
fn is_ipv6(reader: &Reader<'_>) -> bool {
    reader.0.first().is_some_and(|first| first >> 4 == 6)
        && be16(reader.0, 4).is_some_and(|len| usize::from(len) + 40 >= reader.0.len())
        && reader.0.len() >= 40
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    fn bubble(source: [u8; 4]) -> Vec<u8> {
        [&[0x60, 0, 0, 0, 0, 0, 59, 21][..], &source, &[1; 12], &[0xfe; 16]].concat()
    }

    #[test]
    fn indications_come_before_ipv6() {
        let authentication = [0, 1, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 0];
        let origin = [0, 0, 1, 2, 3, 4, 5, 6];
        let packet = bubble([0xfe, 0x80, 0, 0]);
        let whole = [&authentication[..], &origin, &packet].concat();
        assert_eq!(datagram(&PROTOCOL, 3544, &whole), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 3544, &whole[..40]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 4000, &whole), Verdict::No);
    }

    #[test]
    fn peers_are_known_by_their_addresses() {
        assert_eq!(datagram(&PROTOCOL, 4000, &bubble([0x20, 1, 0, 0])), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4000, &bubble([0x20, 1, 0xd, 0xb8])), Verdict::No);
    }
}
