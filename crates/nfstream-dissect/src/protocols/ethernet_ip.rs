//! EtherNet/IP (ODVA, The CIP Networks Library, volume 2) and the implicit messages of CIP.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{le16, le32};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(278),
    name: "EthernetIP",
    category: Category(14),
    tcp_ports: &[44_818],
    udp_ports: &[44_818],
    stream: Some(StreamRules { client: COMMANDS, server: COMMANDS, ..StreamRules::new(probe) }),
    datagram: Some(DatagramRules { start: COMMANDS, ..DatagramRules::new(probe_datagram) }),
    ..Protocol::NEW
};

/// Inputs and outputs over UDP.
pub(crate) const CIP: Protocol = Protocol {
    id: ProtocolId(393),
    name: "CIP",
    category: Category(31),
    udp_ports: &[2222],
    datagram: Some(DatagramRules { start: Start::Bytes(&[2]), ..DatagramRules::new(probe_io) }),
    ..Protocol::NEW
};

const COMMANDS: Start = Start::Bytes(&[0, 4, 0x63, 0x64, 0x65, 0x66, 0x6f, 0x70, 0x72, 0x73]);

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(44_818);
    streams.either(|stream| is_header(stream, usual_port))
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    let usual_port = datagram.has_port(44_818);
    Verdict::from_match(
        is_header(datagram.payload, usual_port) == Some(true)
            && le16(datagram.payload, 2).map(|len| usize::from(len) + 24)
                == Some(datagram.payload.len()),
    )
}

/// Returns whether an encapsulation header begins.
fn is_header(bytes: &[u8], usual_port: bool) -> Option<bool> {
    let len = || le16(bytes, 2);
    Some(
        *bytes.get(1)? == 0
            && match *bytes.first()? {
                // A session is registered with a version and options.
                0x65 => len()? == 4,
                0x63 | 0x64 | 4 => usual_port && len()? < 1024,
                0x66 => usual_port && len()? == 0,
                0 | 0x6f | 0x70 | 0x72 | 0x73 => usual_port && le32(bytes, 4)? != 0,
                _ => false,
            }
            && matches!(le32(bytes, 8)?, 0..=3 | 0x64 | 0x65 | 0x69)
            && le32(bytes, 20)? == 0,
    )
}

fn probe_io(datagram: &Datagram<'_>) -> Verdict {
    // Two items: a sequenced address of eight bytes and connected data.
    let payload = datagram.payload;
    Verdict::from_match(
        payload.starts_with(&[2, 0, 2, 0x80, 8, 0])
            && payload.get(14..16) == Some(&[0xb1, 0])
            && le16(payload, 16).map(|len| usize::from(len) + 18) == Some(payload.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const REGISTER: &[u8] = b"\x65\0\x04\0\0\0\0\0\0\0\0\0context_\0\0\0\0\x01\0\0\0";
    const LIST_IDENTITY: &[u8] = b"\x63\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    const OUTPUTS: &[u8] = b"\x02\0\x02\x80\x08\0\x78\x7b\x3a\0\x01\0\0\0\xb1\0\x02\0\xff\xff";

    #[test]
    fn sessions_and_lists_match() {
        assert_eq!(streams(&PROTOCOL, 44_818, REGISTER, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 2221, REGISTER, b""), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 44_818, LIST_IDENTITY), Verdict::Match);
        assert_eq!(datagram(&CIP, 2222, OUTPUTS), Verdict::Match);
    }

    #[test]
    fn other_lengths_do_not() {
        assert_eq!(streams(&PROTOCOL, 2221, LIST_IDENTITY, b""), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 44_818, &LIST_IDENTITY[..23]), Verdict::No);
        assert_eq!(datagram(&CIP, 2222, &OUTPUTS[..19]), Verdict::No);
    }
}
