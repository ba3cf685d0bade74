//! FLUTE (RFC 6726): the tables of files.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(406),
    name: "FLUTE",
    category: Category(7),
    datagram: Some(DatagramRules { start: Start::Range(0x10, 0x1f), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    /// Bytes in which the root of a table must begin.
    const LOOKED_AT: usize = 256;
    const ROOT: &[u8] = b"<FDT-Instance";
    let payload = datagram.payload;
    // The length of the header in words, and the extension that announces a table.
    let header = payload.get(2).map(|words| 4 * usize::from(*words));
    let head = &payload[..payload.len().min(LOOKED_AT)];
    Verdict::from_match(
        header.is_some_and(|header| (12..payload.len()).contains(&header))
            && head.windows(ROOT.len()).any(|text| text == ROOT),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn tables_match() {
        let table = b"\x10\xa0\x04\0\0\0\0\0\0\x01\0\0\xc0\x10\0\0\0\0\0\0<?xml?><FDT-Instance Expires=\"1\">";
        assert_eq!(datagram(&PROTOCOL, 4001, table), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 4001, &table[..26]), Verdict::No);
    }
}
