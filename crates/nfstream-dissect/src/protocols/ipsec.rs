//! IPsec: the key exchange (IKEv1, RFC 2408; IKEv2, RFC 7296), ESP in UDP (RFC 3948) and both in
//! TCP (RFC 9329).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start, StreamRules};
use crate::read::{be32, begins};
use crate::shape::{by_client, check_all};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(79),
    name: "IPSec",
    category: Category(2),
    tcp_ports: &[500],
    udp_ports: &[500, 4500],
    stream: Some(StreamRules { client: Start::Bytes(b"I"), ..StreamRules::new(probe) }),
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

const NAT_PORT: u16 = 4500;

fn probe(streams: &Streams<'_>) -> Verdict {
    by_client(streams, |stream| begins(stream, b"IKETCP"))
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    if key_exchange(payload) {
        return Verdict::Match;
    }
    // Past a NAT, four zero bytes tell the key exchange from ESP.
    if let Some(message) = payload.strip_prefix(&[0; 4])
        && key_exchange(message)
    {
        return Verdict::Match;
    }
    let esp = be32(payload, 0).is_some_and(|index| index > 255)
        && be32(payload, 4).is_some_and(|sequence| (1..=1 << 24).contains(&sequence))
        && payload.len() >= 26;
    Verdict::from_match(datagram.has_port(NAT_PORT) && (payload == [0xff] || esp))
}

fn key_exchange(message: &[u8]) -> bool {
    let verdict = check_all(message, |reader| {
        let len = reader.0.len();
        let initiator = reader.u64()?;
        reader.u64()?;
        reader.u8()?;
        let version = reader.u8()?;
        let exchange = reader.u8()?;
        let flags = reader.u8()?;
        reader.u32()?;
        let stated = usize::try_from(reader.u32()?).ok()?;
        let fits = match version {
            0x10 => matches!(exchange, 1..=6 | 32..=34) && flags < 8,
            0x20..=0x2f => matches!(exchange, 34..=44) && flags & 0xc7 == 0,
            _ => false,
        };
        // Captures may cut long messages.
        Some(initiator != 0 && fits && stated >= len && stated < 1 << 16)
    });
    verdict == Verdict::Match
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{assert_streams, datagram};

    /// `IKE_SA_INIT` of an initiator, cut after its header.
    const INIT: &[u8] = b"\xb6\x4e\xf3\x21\x31\xa4\x89\x52\0\0\0\0\0\0\0\0\
        \x21\x20\x22\x08\0\0\0\0\0\0\0\x20\x22\0\0\x04";

    #[test]
    fn key_exchanges_are_known_on_any_port() {
        assert_eq!(datagram(&PROTOCOL, 14_500, INIT), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4500, &[&[0; 4], INIT].concat()), Verdict::Match);
        let mut other = INIT.to_vec();
        other[17] = 0x30;
        assert_eq!(datagram(&PROTOCOL, 500, &other), Verdict::No);
    }

    #[test]
    fn past_a_nat_esp_has_an_index_and_a_number() {
        let esp = [&b"\xc1\x02\x03\x04\0\0\0\x01"[..], &[0x5a; 40]].concat();
        assert_eq!(datagram(&PROTOCOL, 4500, &esp), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4501, &esp), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 4500, &[0xff]), Verdict::Match);
    }

    #[test]
    fn tcp_has_a_prefix() {
        assert_streams(&PROTOCOL, 4500, b"IKETCP\0\x24", b"");
    }
}
