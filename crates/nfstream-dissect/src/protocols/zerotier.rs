//! ZeroTier: the header of its datagrams, and HELLO, which it sends in clear.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};
use crate::shape::check_all;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_107),
    name: "ZeroTier",
    category: Category(2),
    udp_ports: &[9993],
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

const HELLO: u8 = 1;
/// Milliseconds since 1970 at the start of 2014 and of 2100.
const TIMES: std::ops::Range<u64> = 1_388_534_400_000..4_102_444_800_000;

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    check_all(datagram.payload, |reader| {
        reader.u64()?;
        // Addresses have five bytes, and none begins with 0xff.
        let destination = reader.take(5)?;
        let source = reader.take(5)?;
        if [destination, source].iter().any(|address| matches!(address, [0 | 0xff, ..])) {
            return Some(false);
        }
        let cipher = reader.u8()? >> 3 & 7;
        reader.u64()?;
        let verb = reader.u8()? & 0x1f;
        if cipher == 0 && verb == HELLO {
            let protocol = reader.u8()?;
            let major = reader.u8()?;
            reader.u8()?;
            reader.u16()?;
            return Some(
                (4..=32).contains(&protocol)
                    && (1..=9).contains(&major)
                    && TIMES.contains(&reader.u64()?),
            );
        }
        Some(datagram.has_port(9993) && (1..=3).contains(&cipher))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    fn packet(cipher: u8, rest: &[u8]) -> Vec<u8> {
        [&[9; 8][..], &[1, 2, 3, 4, 5], &[6, 7, 8, 9, 10], &[cipher << 3], &[5; 8], rest].concat()
    }

    #[test]
    fn hello_shows_versions_and_time() {
        let hello = packet(0, b"\x01\x0b\x01\x0a\0\x02\0\0\x01\x8b\0\0\0\0");
        assert_eq!(datagram(&PROTOCOL, 4000, &hello), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4000, &hello[..40]), Verdict::No);
    }

    #[test]
    fn encrypted_datagrams_are_known_by_their_port() {
        assert_eq!(datagram(&PROTOCOL, 9993, &packet(1, &[0x77; 30])), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4000, &packet(1, &[0x77; 30])), Verdict::No);
    }
}
