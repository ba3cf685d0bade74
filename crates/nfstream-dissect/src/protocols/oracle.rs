//! Oracle: the packets of its Transparent Network Substrate.

use crate::label::{Category, ProtocolId};
use crate::probe::{Streams, Verdict};
use crate::protocol::{Protocol, Start, StreamRules};
use crate::shape::{check, either};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(167),
    name: "Oracle",
    category: Category(11),
    tcp_ports: &[1521],
    stream: Some(StreamRules::either(Start::Range(0, 0x20), probe)),
    ..Protocol::NEW
};

const CONNECT: u8 = 1;
const ACCEPT: u8 = 2;
const REFUSE: u8 = 4;
const REDIRECT: u8 = 5;
const DATA: u8 = 6;
const RESEND: u8 = 11;

fn probe(streams: &Streams<'_>) -> Verdict {
    let usual_port = streams.has_port(1521);
    let packet = |stream| {
        check(stream, |reader| {
            let len = reader.u16()?;
            let checksum = reader.u16()?;
            let kind = reader.u8()?;
            // Packets of newer versions have a length of four bytes.
            let len = if len == 0 && usual_port { checksum } else { len };
            let plain = (8..=8192).contains(&len) && (checksum == 0 || checksum == len);
            if !plain || !matches!(kind, CONNECT..=REDIRECT | DATA | RESEND | 12 | 14) {
                return Some(false);
            }
            reader.u8()?;
            if reader.u16()? != 0 {
                return Some(false);
            }
            Some(match kind {
                // Version, the oldest that is compatible, options, and sizes of data units.
                CONNECT => {
                    let version = reader.u16()?;
                    let compatible = reader.u16()?;
                    (300..400).contains(&version) && (200..=version).contains(&compatible)
                }
                ACCEPT => (300..400).contains(&reader.u16()?),
                RESEND => len == 8,
                REFUSE => {
                    reader.u16()?;
                    usize::from(reader.u16()?) + 12 == usize::from(len)
                }
                REDIRECT => usize::from(reader.u16()?) + 10 == usize::from(len),
                _ => usual_port,
            })
        })
    };
    either(packet(streams.client), packet(streams.server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, streams};

    #[test]
    fn connects_state_versions() {
        let connect = b"\0\xc4\0\0\x01\0\0\0\x01\x38\x01\x2c\x0c\x41\x20\0";
        assert_streams(&PROTOCOL, 1522, connect, b"\0\x08\0\0\x0b\0\0\0");
        assert_streams(&PROTOCOL, 1522, b"", b"\0\x20\0\0\x02\0\0\0\x01\x38");
        let other = b"\0\xc4\0\0\x01\0\0\0\0\x38\x01\x2c";
        assert_eq!(streams(&PROTOCOL, 1522, other, b""), Verdict::No);
    }
}
