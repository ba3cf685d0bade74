//! UDT (draft-gg-udt) and SRT (draft-sharabayko-srt), which grew out of it.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be32;

pub(crate) const SRT: Protocol = Protocol {
    id: ProtocolId(10_214),
    name: "SRT",
    category: Category(1),
    datagram: Some(DatagramRules { start: Start::Bytes(&[0x80]), ..DatagramRules::new(srt) }),
    ..Protocol::NEW
};

pub(crate) const UDT: Protocol = Protocol {
    id: ProtocolId(10_215),
    name: "UDT",
    category: Category(4),
    datagram: Some(DatagramRules { start: Start::Bytes(&[0x80]), ..DatagramRules::new(udt) }),
    ..Protocol::NEW
};

fn srt(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    match handshake_version(payload) {
        Some(5) => Verdict::Match,
        // The first packet looks like one of UDT, but for what stands for the kind of socket: an
        // extension field of 2. The answer decides.
        Some(4) if datagram.before() < 8 && be32(payload, 20) == Some(2) => Verdict::More,
        _ => Verdict::No,
    }
}

fn udt(datagram: &Datagram<'_>) -> Verdict {
    match handshake_version(datagram.payload) {
        Some(4) if be32(datagram.payload, 20) == Some(1) => Verdict::Match,
        Some(4) if datagram.answered().is_some() => Verdict::Match,
        Some(4) => Verdict::More,
        _ => Verdict::No,
    }
}

/// Returns the version in a handshake: a control packet of kind 0 with at least 48 bytes.
fn handshake_version(payload: &[u8]) -> Option<u32> {
    let fits = payload.len() >= 64
        && payload.starts_with(&[0x80, 0, 0, 0])
        && be32(payload, 28).is_some_and(|size| (500..=65_536).contains(&size))
        && be32(payload, 16).is_some_and(|version| version == 4 || version == 5);
    be32(payload, 16).filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{datagram, datagrams};

    fn handshake(version: u8, kind: u8) -> [u8; 64] {
        let mut packet = [0; 64];
        (packet[0], packet[19], packet[23]) = (0x80, version, kind);
        packet[30..32].copy_from_slice(&1500_u16.to_be_bytes());
        packet
    }

    #[test]
    fn the_version_of_the_answer_tells() {
        let (first, answer) = (handshake(4, 2), handshake(5, 0));
        assert_eq!(datagram(&SRT, 9000, &first), Verdict::More);
        assert_eq!(datagram(&UDT, 9000, &first), Verdict::More);
        let newer = [(FromClient, &first[..]), (FromServer, &answer)];
        assert_eq!(datagrams(&SRT, 9000, &newer), Verdict::Match);
        let older = [(FromClient, &first[..]), (FromServer, &first)];
        assert_eq!(datagrams(&UDT, 9000, &older), Verdict::Match);
        assert_eq!(datagram(&UDT, 9000, &handshake(4, 1)), Verdict::Match);
    }

    #[test]
    fn other_packets_do_not() {
        assert_eq!(datagram(&SRT, 9000, &handshake(3, 2)), Verdict::No);
        assert_eq!(datagram(&UDT, 9000, &handshake(4, 1)[..63]), Verdict::No);
    }
}
