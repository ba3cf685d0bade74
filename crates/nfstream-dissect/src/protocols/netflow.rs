//! NetFlow, versions 1, 5, 7, 8 and 9, and IPFIX (RFC 3954, 7011).

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};
use crate::read::{be16, be32};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(128),
    name: "NetFlow",
    category: Category(14),
    udp_ports: &[2055, 4739],
    datagram: Some(DatagramRules { start: Start::Bytes(&[0]), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(is_export(datagram.payload) == Some(true))
}

/// Returns whether an export packet of one of the versions fills the bytes.
fn is_export(bytes: &[u8]) -> Option<bool> {
    let count = usize::from(be16(bytes, 2)?);
    let fixed = |header: usize, record: usize| {
        (1..=60).contains(&count) && bytes.len() == header + count * record
    };
    // Sets of templates, of options or of data, the latter under a template's number.
    let set = |header: usize, template: u16| {
        let id = be16(bytes, header)?;
        let len = usize::from(be16(bytes, header + 2)?);
        Some(
            (id == template || id == template + 1 || id > 255)
                && (4..=bytes.len() - header).contains(&len),
        )
    };
    Some(match be16(bytes, 0)? {
        1 => fixed(16, 52),
        5 => fixed(24, 48),
        7 => fixed(24, 52),
        8 => (1..=60).contains(&count) && (bytes.len() - 4) / count <= 64 && is_recent(bytes)?,
        9 => count > 0 && count <= 1024 && is_recent(bytes)? && set(20, 0)?,
        10 => count == bytes.len() && (count == 16 || set(16, 2)?),
        _ => false,
    })
}

/// Returns whether the seconds since 1970 in a header lie after 1990.
fn is_recent(bytes: &[u8]) -> Option<bool> {
    Some(be32(bytes, 8)? > 20 * 365 * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn exports_match() {
        let mut version_5 = vec![0; 24 + 48];
        (version_5[1], version_5[3]) = (5, 1);
        assert_eq!(datagram(&PROTOCOL, 9995, &version_5), Verdict::Match);
        let version_9 = b"\0\x09\0\x01\0\0\0\0\x5d\x67\xa8\x0c\0\0\0\0\0\0\0\0\0\0\0\x08\x01\0\0\0";
        assert_eq!(datagram(&PROTOCOL, 2055, version_9), Verdict::Match);
        let ipfix = b"\0\x0a\0\x18\x5d\x67\xa8\x0c\0\0\0\0\0\0\0\0\0\x02\0\x08\x01\0\0\0";
        assert_eq!(datagram(&PROTOCOL, 4739, ipfix), Verdict::Match);
    }

    #[test]
    fn counts_that_do_not_fit_do_not() {
        assert_eq!(datagram(&PROTOCOL, 9995, b"\0\x05\0\x01\0\0"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 4739, b"\0\x0a\0\x18\x5d\x67"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 2055, b"\0\x09"), Verdict::No);
        assert_eq!(datagram(&PROTOCOL, 2055, b"\0\x08\0\0\0\0\0\0\0\0\0\0"), Verdict::No);
    }
}
