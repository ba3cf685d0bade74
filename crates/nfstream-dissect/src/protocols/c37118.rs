//! Synchrophasors (IEEE C37.118.2).

use super::crc;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(367),
    name: "IEEE-C37118",
    category: Category(31),
    tcp_ports: &[4712],
    udp_ports: &[4713],
    stream: Some(StreamRules::either(Start::Bytes(&[SYNC]), probe)),
    datagram: Some(DatagramRules {
        start: Start::Bytes(&[SYNC]),
        ..DatagramRules::new(probe_datagram)
    }),
    ..Protocol::NEW
};

const SYNC: u8 = 0xaa;

fn probe(streams: &Streams<'_>) -> Verdict {
    streams.either(is_frame)
}

fn probe_datagram(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(is_frame(datagram.payload) == Some(true))
}

/// Returns whether a frame of a known type begins, up to its CRC.
fn is_frame(bytes: &[u8]) -> Option<bool> {
    let kind = || bytes.get(1).copied();
    let fits = *bytes.first()? == SYNC
        && kind()? >> 4 <= 5
        && (1..=3).contains(&(kind()? & 0x0f))
        && (16..=4096).contains(&be16(bytes, 2)?);
    if !fits {
        return Some(false);
    }
    let end = usize::from(be16(bytes, 2)?).checked_sub(2)?;
    Some(be16(bytes, end)? == crc::ccitt(0xffff, bytes.get(..end)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{datagram, streams};

    const SEND_CONFIGURATION: &[u8] = b"\xaa\x41\0\x12\0\xf1\0\0\0\0\0\0\0\0\0\x05\xd7\xd0";

    #[test]
    fn frames_with_the_right_crc_match() {
        assert_eq!(streams(&PROTOCOL, 4712, SEND_CONFIGURATION, b""), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4713, SEND_CONFIGURATION), Verdict::Match);
    }

    #[test]
    fn a_wrong_crc_does_not() {
        let mut frame = SEND_CONFIGURATION.to_vec();
        frame[5] ^= 1;
        assert_eq!(streams(&PROTOCOL, 4712, &frame, b""), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 4713, &frame[..17]), Verdict::No);
    }
}
