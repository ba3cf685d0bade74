//! Gateways of weather stations by Fine Offset (Ecowitt, EasyWeather): their discovery.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::be16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(453),
    name: "EasyWeather",
    category: Category(14),
    udp_ports: &[46_000, 59_387],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0xff]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    // A header, a command, the size of what follows the header and a sum of it at the end.
    let payload = datagram.payload;
    let Some((sum, body)) = payload.split_last() else { return Verdict::No };
    let Some(counted) = body.get(2..) else { return Verdict::No };
    let size = counted.len() + 1;
    Verdict::from_match(
        payload.starts_with(&[0xff, 0xff])
            && size >= 3
            && (be16(payload, 3).map(usize::from) == Some(size)
                || payload.get(3).map(|len| usize::from(*len)) == Some(size))
            && counted.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == *sum,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn sums_tell_commands() {
        assert_eq!(datagram(&PROTOCOL, 46_000, b"\xff\xff\x12\0\x04\x16"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 46_000, b"\xff\xff\x12\0\x04\x17"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 46_000, b"\xff"), Verdict::No);
    }
}
