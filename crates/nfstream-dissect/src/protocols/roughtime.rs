//! Roughtime (draft-ietf-ntp-roughtime, and Google's form before it).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};
use crate::read::le32;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(383),
    name: "Roughtime",
    category: Category(18),
    tcp_ports: &[2002],
    udp_ports: &[2002],
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let message = match payload.strip_prefix(b"ROUGHTIM") {
        Some(framed) => framed.get(4..).unwrap_or_default(),
        None => payload,
    };
    Verdict::from_match(is_map(message) == Some(true))
}

/// Returns whether a map of tags begins: their count, growing offsets, the tags.
fn is_map(bytes: &[u8]) -> Option<bool> {
    const TAGS: [&[u8; 4]; 8] =
        [b"NONC", b"SIG\0", b"SREP", b"VER\0", b"TYPE", b"SRV\0", b"PATH", b"ROOT"];
    let count = usize::try_from(le32(bytes, 0)?).ok()?;
    if !(2..=16).contains(&count) {
        return Some(false);
    }
    let mut before = 0;
    for place in 1..count {
        let offset = le32(bytes, 4 * place)?;
        if offset < before || offset % 4 != 0 || usize::try_from(offset).ok()? > bytes.len() {
            return Some(false);
        }
        before = offset;
    }
    let tags = bytes.get(4 * count..8 * count)?;
    Some(tags.chunks_exact(4).any(|tag| TAGS.iter().any(|known| *known == tag)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn requests_match() {
        let mut request = vec![0; 1024];
        request[..16].copy_from_slice(b"\x02\0\0\0\x40\0\0\0NONCPAD\xff");
        assert_eq!(datagram(&PROTOCOL, 2002, &request), Verdict::Match);
        request[8..12].copy_from_slice(b"NONE");
        assert_eq!(datagram(&PROTOCOL, 2002, &request), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 2002, &request[..10]), Verdict::No);
    }
}
