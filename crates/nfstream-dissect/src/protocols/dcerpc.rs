//! DCE/RPC (The Open Group C706) over TCP and UDP, with PROFINET inside it.

use std::fmt::Write;

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Streams, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Need, Protocol, Start, StreamRules};
use crate::read::{be16, le16};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(370),
    name: "DCERPC",
    category: Category(16),
    tcp_ports: &[135],
    stream: Some(StreamRules {
        probe: probe_stream,
        client: Start::Bytes(&[5]),
        server: Start::Bytes(&[5]),
        parse: Some(parse_stream),
    }),
    datagram: Some(DatagramRules {
        probe,
        start: Start::Bytes(&[4]),
        parse: DatagramParser::Each(parse_datagram),
    }),
    ..Protocol::NEW
};

/// PROFINET's context manager (IEC 61158).
pub(crate) const PROFINET: Protocol =
    Protocol { id: ProtocolId(371), name: "PROFINET_IO", category: Category(31), ..Protocol::NEW };

/// Metadata of a call.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Dcerpc {
    /// Interface that is called, as a UUID in lower case.
    pub interface: Box<str>,
}

/// Bytes of the header over UDP.
const DATAGRAM_HEADER: usize = 80;
/// PROFINET's interfaces differ in their first field: device, controller, supervisor, parameters.
const PROFINET_TAIL: &[u8] = &[0x97, 0x6c, 0xd1, 0x11, 0x82, 0x71, 0, 0xa0, 0x24, 0x42, 0xdf, 0x7d];
const BIND: u8 = 11;
/// Bytes of a bind up to its first interface.
const BIND_HEAD: usize = 32;

fn probe_stream(streams: &Streams<'_>) -> Verdict {
    let stream = if streams.client.is_empty() { streams.server } else { streams.client };
    let valid: [fn(u8) -> bool; 8] = [
        |version| version == 5,
        |minor| minor <= 1,
        |kind| matches!(kind, 0 | 2 | 3 | 11..=19),
        |_flags| true,
        // Order of integers and kind of characters, format of floats, padding.
        |order| matches!(order, 0 | 1 | 0x10 | 0x11),
        |floats| floats <= 3,
        |zero| zero == 0,
        |zero| zero == 0,
    ];
    if stream.iter().zip(valid).any(|(byte, valid)| !valid(*byte)) {
        return Verdict::No;
    }
    let [_, _, _, _, order, ..] = *stream else { return Verdict::More };
    let number = if order & 0x10 != 0 { le16 } else { be16 };
    match (number(stream, 8), number(stream, 10)) {
        (Some(len), Some(auth)) => Verdict::from_match(len >= 16 && auth <= len - 16),
        _ => Verdict::More,
    }
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let matches = match payload {
        [4, kind, _, second, order, floats, 0, ..] => {
            let number = if order & 0x10 != 0 { le16 } else { be16 };
            let len = number(payload, 74).map(usize::from);
            *kind <= 10
                && second & 0xfc == 0
                && matches!(order, 0 | 1 | 0x10 | 0x11)
                && *floats <= 3
                && len == payload.len().checked_sub(DATAGRAM_HEADER)
        }
        _ => false,
    };
    Verdict::from_match(matches)
}

fn parse_datagram(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    if let (Some(&order), Some(interface)) = (datagram.payload.get(4), datagram.payload.get(24..40))
    {
        // The first field follows the order of integers.
        if interface.ends_with(&PROFINET_TAIL[4..]) {
            finding.set_application(PROFINET.id);
        }
        set_interface(interface, order & 0x10 != 0, finding);
    }
    Progress::Done
}

fn parse_stream(streams: &Streams<'_>, finding: &mut Finding) -> Need {
    let [_, _, kind, _, order, ..] = *streams.client else {
        return if streams.server.is_empty() { Need::client(BIND_HEAD + 16) } else { Need::Done };
    };
    if kind != BIND {
        return Need::Done;
    }
    let Some(interface) = streams.client.get(BIND_HEAD..BIND_HEAD + 16) else {
        return Need::client(BIND_HEAD + 16);
    };
    set_interface(interface, order & 0x10 != 0, finding);
    Need::Done
}

fn set_interface(interface: &[u8], little: bool, finding: &mut Finding) {
    let mut bytes: [u8; 16] = [0; 16];
    for (byte, read) in bytes.iter_mut().zip(interface) {
        *byte = *read;
    }
    if little {
        bytes[0..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
    }
    let mut uuid = String::with_capacity(36);
    for (place, byte) in bytes.into_iter().enumerate() {
        let hyphen = if matches!(place, 4 | 6 | 8 | 10) { "-" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(uuid, "{hyphen}{byte:02x}");
    }
    finding.metadata().dcerpc = Some(Box::new(Dcerpc { interface: uuid.into() }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    /// A bind to the endpoint mapper.
    const BIND_REQUEST: &[u8] =
        b"\x05\0\x0b\x03\x10\0\0\0\x48\0\0\0\x01\0\0\0\xd0\x16\xd0\x16\0\0\0\0\
        \x01\0\0\0\0\0\x01\0\x08\x83\xaf\xe1\x1f\x5d\xc9\x11\x91\xa4\x08\0\x2b\x14\xa0\xfa";

    #[test]
    fn binds_match_and_name_their_interface() {
        testing::assert_streams(&PROTOCOL, 49_666, BIND_REQUEST, b"");
        let found = testing::parse_streams(&PROTOCOL, 135, BIND_REQUEST, b"", Finding::default());
        let interface = found.found_metadata().unwrap().dcerpc.clone().unwrap().interface;
        assert_eq!(&*interface, "e1af8308-5d1f-11c9-91a4-08002b14a0fa");
        // SOCKS.
        assert_eq!(testing::streams(&PROTOCOL, 135, b"\x05\x01\0\x05\x01\0\x03", b""), Verdict::No);
        assert_eq!(
            testing::streams(&PROTOCOL, 135, b"\x05\0\x0b\x03\x10\0\0\0\x08\0\0\0", b""),
            Verdict::No
        );
    }

    #[test]
    fn datagrams_have_their_length() {
        let mut call = vec![0; DATAGRAM_HEADER + 4];
        call[..8].copy_from_slice(&[4, 0, 0x20, 0, 0x10, 0, 0, 0]);
        call[24..28].copy_from_slice(&[1, 0, 0xa0, 0xde]);
        call[28..40].copy_from_slice(PROFINET_TAIL);
        call[74] = 4;
        assert_eq!(testing::datagram(&PROTOCOL, 34_964, &call), Verdict::Match);
        let payloads = [(Direction::FromClient, &call[..])];
        let found = testing::parse_datagrams(&PROTOCOL, 34_964, &payloads, Finding::default());
        assert_eq!(found.application(), Some(PROFINET.id));
        assert_eq!(testing::datagram(&PROTOCOL, 34_964, &call[..81]), Verdict::No);
    }
}
