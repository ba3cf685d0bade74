//! Meters that speak DLMS/COSEM (IEC 62056): in HDLC frames, or in the wrapper for TCP and UDP.

use super::crc;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(379),
    name: "IEC62056",
    category: Category(31),
    tcp_ports: &[4059],
    udp_ports: &[4059],
    stream: Some(StreamRules { client: STARTS, server: STARTS, ..StreamRules::new(probe) }),
    datagram: Some(DatagramRules { start: STARTS, ..DatagramRules::new(probe_datagram) }),
    ..Protocol::NEW
};

const FLAG: u8 = 0x7e;
const STARTS: Start = Start::Bytes(&[0, FLAG]);
/// CRC of a frame together with the check that it carries.
const GOOD: u16 = 0xf0b8;

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(is_message)
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(is_message(datagram.payload) == Some(true))
}

fn is_message(bytes: &[u8]) -> Option<bool> {
    if *bytes.first()? == FLAG { is_frame(bytes) } else { is_wrapped(bytes) }
}

/// Returns whether a frame of format type 3 stands between two flags.
fn is_frame(bytes: &[u8]) -> Option<bool> {
    let format = be16(bytes, 1)?;
    let end = usize::from(format & 0x7ff) + 1;
    if format >> 12 != 0xa || end < 8 {
        return Some(false);
    }
    Some(*bytes.get(end)? == FLAG && crc::reversed(0x8408, 0xffff, bytes.get(1..end)?) == GOOD)
}

/// Returns whether a wrapper of version 1 stands before one of the services of an association.
fn is_wrapped(bytes: &[u8]) -> Option<bool> {
    Some(
        be16(bytes, 0)? == 1
            && (1..=2048).contains(&be16(bytes, 6)?)
            && matches!(*bytes.get(8)?, 0x60..=0x63 | 0xc0..=0xcf | 0xd8..=0xdf)
            && (be16(bytes, 2)? == 1 || be16(bytes, 4)? == 1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const SET_MODE: &[u8] = b"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e";
    const ASSOCIATION: &[u8] = b"\0\x01\0\x10\0\x01\0\x1f\x60\x1d\xa1\x09";

    #[test]
    fn frames_and_wrapped_services_match() {
        assert_eq!(streams(&PROTOCOL, 4059, SET_MODE, b""), Verdict::Match);
        assert_eq!(streams(&PROTOCOL, 4059, ASSOCIATION, b""), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4059, SET_MODE), Verdict::Match);
    }

    #[test]
    fn wrong_checks_and_services_do_not() {
        assert_eq!(datagram(&PROTOCOL, 4059, b"\x7e\xa0\x07\x03\x21\x93\x0f\x02\x7e"), Verdict::No);
        assert_eq!(streams(&PROTOCOL, 4059, b"\0\x01\0\x10\0\x01\0\x1f\x30\x1d", b""), Verdict::No);
    }
}
