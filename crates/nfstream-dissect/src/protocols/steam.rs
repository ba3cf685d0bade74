//! Steam: its connection to servers over UDP and TCP, the discovery of Remote Play, and the relays
//! of games.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};

pub(crate) const STEAM: Protocol = Protocol {
    id: ProtocolId(74),
    name: "Steam",
    category: Category(8),
    udp_ports: &[27_036],
    stream: Some(StreamRules::new(stream)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[b'V', 0xff]),
        ..DatagramRules::new(steam)
    }),
    ..Protocol::NEW
};

pub(crate) const RELAY: Protocol = Protocol {
    id: ProtocolId(235),
    name: "SteamDatagramRelay",
    category: Category(8),
    datagram: Some(DatagramRules { start: Start::Bytes(&[1]), ..DatagramRules::new(relay) }),
    ..Protocol::NEW
};

fn stream(streams: &Streams<'_>) -> Verdict {
    // Length, then the magic number; the server sends first.
    streams.either(|stream| {
        let magic = stream.get(4..)?;
        let head = &magic[..magic.len().min(4)];
        if !b"VT01".starts_with(head) {
            return Some(false);
        }
        (head.len() == 4).then_some(true)
    })
}

fn steam(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(
        payload.starts_with(b"VS01")
            || payload.starts_with(&[0xff, 0xff, 0xff, 0xff, 0x21, 0x4c, 0x5f, 0xa0]),
    )
}

fn relay(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(matches!(
        *datagram.payload,
        [1, 0x01 | 0x81, b's', b'd', b'p', b'i', b'n', b'g', ..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    #[test]
    fn magic_numbers_match() {
        assert_eq!(datagram(&STEAM, 27_017, b"VS01\0\0\x01\0"), Verdict::Match);
        assert_eq!(datagram(&STEAM, 27_036, b"\xff\xff\xff\xff!L_\xa0\x16"), Verdict::Match);
        assert_eq!(streams(&STEAM, 27_017, b"", b"\x1c\0\0\0VT01\x17"), Verdict::Match);
        assert_eq!(datagram(&RELAY, 27_018, b"\x01\x01sdping\xa1"), Verdict::Match);
    }

    #[test]
    fn other_numbers_do_not() {
        assert_eq!(datagram(&STEAM, 27_017, b"VS02"), Verdict::No);
        assert_eq!(streams(&STEAM, 27_017, b"GET / HTTP", b""), Verdict::No);
        assert_eq!(datagram(&RELAY, 27_018, b"\x01\x01sdpong"), Verdict::No);
    }
}
