//! SoftEther VPN: the datagrams with which it passes NATs, in its public source's format of named
//! values.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::shape::{check_all, is_word};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(290),
    name: "Softether",
    category: Category(2),
    datagram: Some(DatagramRules { start: Start::Bytes(b"\0I"), ..DatagramRules::new(datagram) }),
    ..Protocol::NEW
};

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    if payload.starts_with(b"IP=") {
        let has_port = payload.len() < 64 && payload.windows(6).any(|part| part == b",PORT=");
        return Verdict::from_match(has_port);
    }
    check_all(payload, |reader| {
        if !(1..=64).contains(&reader.u32()?) {
            return Some(false);
        }
        // Lengths of names count a NUL that is not sent.
        let len = usize::try_from(reader.u32()?).ok()?;
        Some(
            (4..=64).contains(&len)
                && is_word(reader.take(len - 1)?)
                && reader.u32()? <= 4
                && (1..=64).contains(&reader.u32()?),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn values_have_names() {
        let token = b"\0\0\0\x01\0\0\0\x07opcode\0\0\0\x02\0\0\0\x01\0\0\0\x09get_token";
        assert_eq!(datagram(&PROTOCOL, 5004, token), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 5004, &token[..20]), Verdict::No);
    }

    #[test]
    fn servers_state_the_address_they_see() {
        assert_eq!(datagram(&PROTOCOL, 5004, b"IP=192.0.2.7,PORT=50000"), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 5004, b"IP=192.0.2.7"), Verdict::No);
    }
}
