//! KCP, the reliable transport in datagrams, without encryption.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol};
use crate::read::{le16, le32};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(385),
    name: "KCP",
    category: Category(14),
    datagram: Some(DatagramRules::new(probe)),
    ..Protocol::NEW
};

/// Bytes of the header of a segment.
const HEADER: usize = 24;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(has_segments(datagram.payload) == Some(true))
}

/// Returns whether segments of one conversation fill the datagram.
fn has_segments(payload: &[u8]) -> Option<bool> {
    let conversation = le32(payload, 0)?;
    let mut rest = payload;
    while !rest.is_empty() {
        let len = usize::try_from(le32(rest, 20)?).ok()?;
        let fits = le32(rest, 0)? == conversation
            && match *rest.get(4)? {
                // Data, in one piece or several, with a window for the answer.
                81 => len > 0,
                // Acknowledgements, and questions about the window and their answers.
                82..=84 => len == 0 && *rest.get(5)? == 0,
                _ => false,
            }
            && le16(rest, 6)? != 0;
        if !fits {
            return Some(false);
        }
        rest = rest.get(HEADER..)?.get(len..)?;
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    const PUSH: &[u8] = b"\x0a\0\0\0\x51\0\x80\0\x14\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0hi";

    #[test]
    fn segments_that_fill_the_datagram_match() {
        assert_eq!(datagram(&PROTOCOL, 8000, PUSH), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 8000, &[PUSH, PUSH].concat()), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 8000, &PUSH[..25]), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 8000, &[PUSH, b"x"].concat()), Verdict::No);
    }
}
