//! Membership of clusters by HashiCorp's memberlist, as Consul, Nomad and Serf use it (SWIM).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(10_207),
    name: "Serf",
    category: Category(18),
    tcp_ports: &[8301, 8302],
    udp_ports: &[8301, 8302],
    datagram: Some(DatagramRules { start: Start::Range(0, 12), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    // A checksum may stand before the message.
    let message = match payload {
        [12, _, _, _, _, message @ ..] => message,
        _ => payload,
    };
    Verdict::from_match(is_message(message) || is_compound(message))
}

/// Returns whether a message begins: its kind, a map of MessagePack and a known key.
fn is_message(bytes: &[u8]) -> bool {
    const KEYS: [&[u8]; 10] = [
        b"\xa5SeqNo",
        b"\xa4Node",
        b"\xa6Target",
        b"\xa4Port",
        b"\xa7Payload",
        b"\xa4Addr",
        b"\xabIncarnation",
        b"\xaaSourceAddr",
        b"\xa4From",
        b"\xa4Algo",
    ];
    let (Some(kind), Some(map), Some(rest)) = (bytes.first(), bytes.get(1), bytes.get(2..)) else {
        return false;
    };
    *kind <= 11 && map >> 4 == 8 && KEYS.iter().any(|key| rest.starts_with(key))
}

/// Returns whether several messages follow after their count and lengths.
fn is_compound(bytes: &[u8]) -> bool {
    let [7, count, rest @ ..] = bytes else { return false };
    rest.get(2 * usize::from(*count)..).is_some_and(is_message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn messages_match() {
        let ping = b"\0\x82\xa5SeqNo\x01\xa4Node\xa1a";
        assert_eq!(datagram(&PROTOCOL, 8301, ping), Verdict::Match);
        let compound = [b"\x07\x01\0\x10", &ping[..]].concat();
        assert_eq!(datagram(&PROTOCOL, 7946, &compound), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 8301, b"\0\x82\xa4Name"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 8301, b"\x07\xff\0"), Verdict::No);
    }
}
