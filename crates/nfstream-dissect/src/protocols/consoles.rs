//! Game consoles: the discovery of PlayStations and Xboxes, and the packets of Nintendo's Pia
//! between players.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be16;

pub(crate) const PLAYSTATION: Protocol = Protocol {
    id: ProtocolId(231),
    name: "Playstation",
    category: Category(8),
    udp_ports: &[987, 9302],
    datagram: Some(DatagramRules {
        start: Start::Bytes(b"SWLH"),
        ..DatagramRules::new(playstation)
    }),
    ..Protocol::NEW
};

pub(crate) const NINTENDO: Protocol = Protocol {
    id: ProtocolId(173),
    name: "Nintendo",
    category: Category(8),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0x32, 0xa1, 0xaf, 0xea]),
        ..DatagramRules::new(nintendo)
    }),
    ..Protocol::NEW
};

/// The discovery of consoles and the connection of SmartGlass, as public descriptions give them.
pub(crate) const XBOX: Protocol = Protocol {
    id: ProtocolId(47),
    name: "Xbox",
    category: Category(8),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[0xdd, 0xcc]),
        ..DatagramRules::new(xbox)
    }),
    ..Protocol::NEW
};

fn playstation(datagram: &Datagram<'_>) -> Verdict {
    const KEYS: [&[u8]; 3] =
        [b"device-discovery-protocol-version:", b"host-id:", b"user-credential:"];
    let payload = datagram.payload;
    let is_start =
        [&b"SRCH * HTTP/1.1"[..], b"WAKEUP * HTTP/1.1", b"LAUNCH * HTTP/1.1", b"HTTP/1.1 "]
            .iter()
            .any(|start| payload.starts_with(start));
    let has_key = || {
        KEYS.iter().any(|key| payload.windows(key.len()).any(|text| text.eq_ignore_ascii_case(key)))
    };
    Verdict::from_match(
        is_start && (datagram.has_port(987) || datagram.has_port(9302)) && has_key(),
    )
}

fn xbox(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let len = |offset| be16(payload, offset).map(usize::from);
    Verdict::from_match(match (be16(payload, 0), len(2), len(4)) {
        // Search, answer and wake-up: a length and a version.
        (Some(0xdd00..=0xdd02), Some(plain), Some(0 | 2)) => payload.len() == 6 + plain,
        // A request to connect and its answer: a length of what is encrypted as well.
        (Some(0xcc00 | 0xcc01), Some(plain), Some(encrypted)) => {
            payload.len() >= 8 + plain + encrypted && payload.len() < 8 + plain + encrypted + 64
        }
        _ => false,
    })
}

fn nintendo(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(match *payload {
        // Pia's magic number, then a version.
        [0x32, 0xab, 0x98, 0x64, ..] => payload.len() >= 16,
        // PRUDP of the game servers: version 1 with the size of options and data.
        [0xea, 0xd0, 1, options, low, high, ..] => {
            let data = usize::from(u16::from_le_bytes([low, high]));
            30 + usize::from(options) + data == payload.len()
        }
        // Version 0: two ports of streams, the kind of packet, a session.
        [0xa1 | 0xaf, 0xa1 | 0xaf, kind, 0 | 0x20, ..] => kind & 7 <= 4 && payload.len() >= 12,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn consoles_of_microsoft_are_searched() {
        let search = b"\xdd\0\0\x0a\0\0\0\0\0\0\0\0\0\x02\0\x02";
        assert_eq!(datagram(&XBOX, 5050, search), Verdict::Match);
        assert_eq!(datagram(&XBOX, 5050, &search[..15]), Verdict::No);
        assert_eq!(datagram(&XBOX, 5050, b"\xdd\x07\0\0\0\0"), Verdict::No);
    }

    #[test]
    fn discovery_and_pia_match() {
        let search = b"SRCH * HTTP/1.1\ndevice-discovery-protocol-version:00030010\n";
        assert_eq!(datagram(&PLAYSTATION, 9302, search), Verdict::Match);
        assert_eq!(datagram(&PLAYSTATION, 1900, search), Verdict::No);
        let packet = b"\x32\xab\x98\x64\x02\x56\x03\xcb\x96\x01\x33\xe0\xc6\x48\xf8\x34";
        assert_eq!(datagram(&NINTENDO, 49_432, packet), Verdict::Match);
        assert_eq!(datagram(&NINTENDO, 49_432, &packet[..15]), Verdict::No);
        let mut syn = [0; 40];
        syn[..6].copy_from_slice(&[0xea, 0xd0, 1, 10, 0, 0]);
        assert_eq!(datagram(&NINTENDO, 59_900, &syn), Verdict::Match);
        assert_eq!(datagram(&NINTENDO, 59_900, &syn[..39]), Verdict::No);
        let older = b"\xaf\xa1\x20\0\x01\0\0\0\0\0\0\0\0\0\0\x6b";
        assert_eq!(datagram(&NINTENDO, 60_000, older), Verdict::Match);
    }
}
