//! L2TP, versions 2 (RFC 2661) and 3 (RFC 3931), over UDP.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};
use crate::shape::check_all;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_106),
    name: "L2TP",
    category: Category(2),
    udp_ports: &[1701],
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
const PRIORITY: u16 = 0x0100;
/// Bits that are zero.
const RESERVED: u16 = 0x34f0;

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let len = datagram.payload.len();
    check_all(datagram.payload, |reader| {
        let flags = reader.u16()?;
        let version = flags & 0xf;
        if flags & RESERVED != 0 || version != 2 && version != 3 {
            return Some(false);
        }
        if flags & CONTROL != 0 {
            return Some(
                flags & (LENGTH | SEQUENCE | OFFSET | PRIORITY) == LENGTH | SEQUENCE
                    && usize::from(reader.u16()?) == len
                    && len >= 12,
            );
        }
        if flags & LENGTH != 0 && usize::from(reader.u16()?) != len {
            return Some(false);
        }
        Some(datagram.has_port(1701) && len >= 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn control_messages_state_their_length() {
        let hello = b"\xc8\x02\0\x14\0\x01\0\0\0\0\0\0\x80\x08\0\0\0\0\0\x06";
        assert_eq!(datagram(&PROTOCOL, 4000, hello), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 1701, &hello[..19]), Verdict::No);
    }

    #[test]
    fn data_is_known_by_its_port() {
        let data = b"\0\x02\0\x01\0\x02\xff\x03\xc0\x21";
        assert_eq!(datagram(&PROTOCOL, 1701, data), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4000, data), Verdict::No);
    }
}
