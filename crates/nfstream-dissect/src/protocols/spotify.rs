//! Spotify: its discovery in a network and the connection to its access points.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::be32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(156),
    name: "Spotify",
    category: Category(25),
    udp_ports: &[57_621],
    stream: Some(StreamRules { client: Start::Bytes(&[0]), ..StreamRules::new(probe) }),
    datagram: Some(DatagramRules { start: Start::Bytes(b"S"), ..DatagramRules::new(discovery) }),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    // A version, the length of all and a message whose first field is the tenth.
    streams.client_first(|stream| {
        Some(
            *stream.first()? == 0
                && *stream.get(1)? == 4
                && (50..4096).contains(&be32(stream, 2)?)
                && *stream.get(6)? == 0x52,
        )
    })
}

fn discovery(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(datagram.payload.starts_with(b"SpotUdp"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    #[test]
    fn discovery_and_hello_match() {
        assert_eq!(datagram(&PROTOCOL, 57_621, b"SpotUdp0\xdc\x15"), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 4070, b"\0\x04\0\0\x01\x49\x52\x0f", b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 4070, b"\0\x04\0\0\x01\x49\x53", b""), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 57_621, b"SpotTcp0"), Verdict::No);
    }
}
