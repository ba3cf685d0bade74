//! RADIUS (RFC 2865, RFC 2866, RFC 5176).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start};
use crate::read::{be16, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(146),
    name: "Radius",
    category: Category(14),
    tcp_ports: &[1812, 1813],
    udp_ports: &[1645, 1646, 1812, 1813, 3799],
    datagram: Some(DatagramRules {
        probe,
        start: Start::Range(1, 45),
        parse: DatagramParser::Each(parse),
    }),
    ..Protocol::NEW
};

/// Metadata of a RADIUS exchange.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Radius {
    /// Code of the first packet (1 for an access request, 4 for accounting).
    pub request: u8,
    /// Code of the answer, 0 before it.
    pub answer: u8,
    /// Name of the device that grants access.
    pub nas_identifier: Box<str>,
    /// User who wants access; only if personal data is wanted.
    pub user: Box<str>,
}

const HEADER: usize = 20;

/// Returns types and values of attributes, and at last whether they fill the packet.
fn attributes(payload: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8])>> {
    let mut rest = payload.get(HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let [kind, len, ..] = *rest else {
            return (!rest.is_empty()).then(|| (rest = &[], None).1);
        };
        let value = rest.get(2..usize::from(len));
        rest = value.map_or(&[], |value| &rest[value.len() + 2..]);
        Some(value.map(|value| (kind, value)))
    })
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let usual = PROTOCOL.udp_ports.iter().any(|port| datagram.has_port(*port));
    let code = payload.first().copied().unwrap_or(0);
    let known = matches!(code, 1..=5 | 11..=13 | 40..=45);
    let len = be16(payload, 2).map(usize::from);
    let mut count = 0;
    let whole = attributes(payload).all(|attribute| {
        count += 1;
        attribute.is_some()
    });
    if !known || len != Some(payload.len()) || payload.len() < HEADER || !whole {
        return Verdict::No;
    }
    // An answer has the identifier of its request.
    let answers = datagram.answered().is_some_and(|head| {
        head.bytes().get(1) == payload.get(1)
            && be16(head.bytes(), 2).map(usize::from) == Some(head.len())
    });
    if usual || count >= 3 || answers {
        Verdict::Match
    } else {
        Verdict::from_more(count > 0 && datagram.before() < 2)
    }
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    let code = datagram.payload.first().copied().unwrap_or(0);
    let personal = finding.personal;
    let radius = finding.metadata().radius.get_or_insert_default();
    if radius.request != 0 {
        radius.answer = code;
        return Progress::Done;
    }
    radius.request = code;
    for (kind, value) in attributes(datagram.payload).flatten() {
        match kind {
            1 if personal => radius.user = text(value),
            32 => radius.nas_identifier = text(value),
            _ => {}
        }
    }
    Progress::More
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    fn request() -> Vec<u8> {
        [&[1, 0, 0, 28][..], &[0; 16], b"\x01\x04me\x20\x04ap"].concat()
    }

    #[test]
    fn packets_match_on_their_ports() {
        assert_eq!(testing::datagram(&PROTOCOL, 1812, &request()), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 1811, &request()), Verdict::More);
        let mut damaged = request();
        damaged[21] = 9;
        assert_eq!(testing::datagram(&PROTOCOL, 1812, &damaged), Verdict::No);
        damaged[21] = 1;
        assert_eq!(testing::datagram(&PROTOCOL, 1812, &damaged), Verdict::No);
    }

    #[test]
    fn users_are_personal() {
        let answer = [&[2, 0, 0, 20][..], &[0; 16]].concat();
        for (personal, user) in [(false, ""), (true, "me")] {
            let finding = testing::finding(personal);
            let payloads =
                [(Direction::FromClient, &request()[..]), (Direction::FromServer, &answer)];
            let found = testing::parse_datagrams(&PROTOCOL, 1812, &payloads, finding);
            let expected =
                Radius { request: 1, answer: 2, nas_identifier: "ap".into(), user: user.into() };
            assert_eq!(found.found_metadata().unwrap().radius.as_deref(), Some(&expected));
        }
    }
}
