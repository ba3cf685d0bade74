//! Remote Management Control Protocol: ASF and IPMI over LAN.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::le16;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(351),
    name: "RMCP",
    category: Category(18),
    udp_ports: &[623],
    datagram: Some(DatagramRules { start: Start::Bytes(&[6]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    // Version, a reserved byte, a sequence number and a class, with its highest bit set for an
    // acknowledgement.
    Verdict::from_match(match *datagram.payload {
        [6, 0, _, 0x86 | 0x87] => datagram.has_port(623),
        // ASF: the enterprise number 4542.
        [6, 0, _, 6, 0, 0, 0x11, 0xbe, ..] => true,
        // IPMI: no authentication, MD2, MD5, a password, OEM or the format of RMCP+.
        [6, 0, _, 7, 0 | 1 | 2 | 4 | 5 | 6, ..] => {
            datagram.payload.len() >= 12 && (datagram.has_port(623) || is_filled(datagram.payload))
        }
        _ => false,
    })
}

/// Returns whether the length before the message of IPMI is that of the rest, or of the rest
/// without one byte of padding.
fn is_filled(payload: &[u8]) -> bool {
    let len = match payload.get(4) {
        Some(0) => payload.get(13).map(|len| (usize::from(*len), 14)),
        Some(6) => le16(payload, 14).map(|len| (usize::from(len), 16)),
        _ => payload.get(29).map(|len| (usize::from(*len), 30)),
    };
    len.is_some_and(|(len, start)| {
        len >= 7 && (start + len..=start + len + 1).contains(&payload.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn pings_and_sessions_match() {
        let ping = b"\x06\0\xff\x06\0\0\x11\xbe\x80\0\0\0";
        assert_eq!(datagram(&PROTOCOL, 623, ping), Verdict::Match);
        let session = b"\x06\0\xff\x07\0\0\0\0\0\0\0\0\0\x09\x20\x18\xc8\x81\0\x38\x8e\x04\xb5";
        assert_eq!(datagram(&PROTOCOL, 623, session), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 624, session), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 624, &session[..20]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 623, b"\x06\x10\xff\x07\0\0\0\0\0\0\0\0"), Verdict::No);
    }
}
