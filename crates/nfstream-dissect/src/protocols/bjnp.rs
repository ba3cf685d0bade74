//! BJNP: discovery of Canon printers and scanners.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::shape::check_all;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(204),
    name: "BJNP",
    category: Category(18),
    udp_ports: &[8612],
    datagram: Some(DatagramRules { start: Start::Bytes(b"BM"), ..DatagramRules::new(bjnp) }),
    ..Protocol::NEW
};

/// Checks the magic word, the kind of device, and the length of what follows.
fn bjnp(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, |reader| {
        let words = [*b"BJNP", *b"BJNB", *b"MFNP"].map(u32::from_be_bytes);
        if !words.contains(&reader.u32()?) || !matches!(reader.u8()? & 0x7f, 1 | 2) {
            return Some(false);
        }
        reader.take(7)?;
        Some(usize::try_from(reader.u32()?).ok()? == reader.0.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn headers_are_checked() {
        let discover = b"BJNP\x01\x01\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(datagram(&PROTOCOL, 8612, discover), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 8612, &[&discover[..], b"x"].concat()), Verdict::No);
    }
}
