//! Train Real Time Data Protocol (IEC 61375-2-3).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, StreamRules};
use crate::read::{be16, be32};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(424),
    name: "TRDP",
    category: Category(31),
    tcp_ports: &[17_225],
    udp_ports: &[17_224, 17_225],
    stream: Some(StreamRules::new(probe)),
    datagram: Some(DatagramRules::new(probe_datagram)),
    ..Protocol::NEW
};

fn probe(streams: &Streams<'_>) -> Verdict {
    if !streams.has_port(17_225) {
        return Verdict::No;
    }
    streams.either(is_header)
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    Verdict::from_match(is_header(payload) == Some(true) && payload.len() >= 40)
}

/// Returns whether a header begins: a number, version 1, the kind of message and a length.
fn is_header(bytes: &[u8]) -> Option<bool> {
    Some(
        *bytes.get(4)? == 1
            && match *bytes.get(6)? {
                b'P' => b"rpde".contains(bytes.get(7)?),
                b'M' => b"nrpqce".contains(bytes.get(7)?),
                _ => false,
            }
            && be16(bytes, 4)? & 0xff < 4
            && be32(bytes, 20)? <= 65_388,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    #[test]
    fn process_and_message_data_match() {
        let mut packet = [0; 44];
        packet[..12].copy_from_slice(b"\0\0\0\x07\x01\0Pd\0\0\x03\xe8");
        packet[23] = 4;
        assert_eq!(datagram(&PROTOCOL, 17_224, &packet), Verdict::Match);
        packet[6..8].copy_from_slice(b"Mr");
        assert_eq!(streams(&PROTOCOL, 17_225, &packet, b""), Verdict::Match);
        packet[7] = b'x';
        assert_eq!(datagram(&PROTOCOL, 17_224, &packet), Verdict::No);
    }
}
