//! CAPWAP (RFC 5415): the control of wireless access points.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::shape::check_all;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(247),
    name: "CAPWAP",
    category: Category(14),
    udp_ports: &[CONTROL, DATA],
    datagram: Some(DatagramRules { start: Start::Range(0, 1), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

const CONTROL: u16 = 5246;
const DATA: u16 = 5247;

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    if !datagram.has_port(CONTROL) && !datagram.has_port(DATA) {
        return Verdict::No;
    }
    check_all(datagram.payload, |reader| {
        if reader.u8()? == 1 {
            // A DTLS record comes after four bytes.
            return Some(
                reader.u24()? == 0 && matches!(reader.u8()?, 20..=25) && reader.u8()? == 0xfe,
            );
        }
        let words = reader.u8()? >> 3;
        let header = usize::from(words) * 4;
        Some((2..=12).contains(&words) && reader.take(header.saturating_sub(2)).is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn headers_are_plain_or_before_dtls() {
        let discovery = b"\0\x10\x02\0\0\0\0\0\0\0\0\x01\0\0\x10\0";
        assert_eq!(datagram(&PROTOCOL, 5246, discovery), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 5246, b"\x01\0\0\0\x16\xfe\xff\0\0"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 5246, b"\x01\0\0\0\x16\x03\x03\0\0"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 4000, discovery), Verdict::No);
    }
}
