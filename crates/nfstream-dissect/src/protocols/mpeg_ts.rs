//! MPEG transport streams in datagrams (ISO 13818-1).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(198),
    name: "MPEG_TS",
    category: Category(1),
    datagram: Some(DatagramRules { start: Start::Bytes(&[SYNC]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

const SYNC: u8 = 0x47;
/// Bytes of a packet of the stream.
const PACKET: usize = 188;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let packets = datagram.payload.chunks_exact(PACKET);
    let fits = packets.remainder().is_empty()
        && packets.clone().all(|packet| packet.first() == Some(&SYNC));
    match packets.len() {
        0 => Verdict::No,
        // A lone packet may be chance; two are not.
        1 if fits && datagram.before() == 0 => Verdict::More,
        _ => Verdict::from_match(fits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::FromClient;
    use crate::protocols::testing::{datagram, datagrams};

    #[test]
    fn packets_with_sync_bytes_match() {
        let mut two = [0; 2 * PACKET];
        (two[0], two[PACKET]) = (SYNC, SYNC);
        assert_eq!(datagram(&PROTOCOL, 1234, &two), Verdict::Match);
        let one = &two[..PACKET];
        assert_eq!(datagram(&PROTOCOL, 1234, one), Verdict::More);
        assert_eq!(
            datagrams(&PROTOCOL, 1234, &[(FromClient, one), (FromClient, one)]),
            Verdict::Match
        );
        assert_eq!(datagram(&PROTOCOL, 1234, &two[..300]), Verdict::No);
    }
}
