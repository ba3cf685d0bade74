//! SNMP versions 1, 2c and 3 (RFC 1157, RFC 3416, RFC 3412).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start};
use crate::protocols::ber::{self, OCTETS, SEQUENCE};
use crate::read::{Reader, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(14),
    name: "SNMP",
    category: Category(14),
    udp_ports: &[161, 162],
    datagram: Some(DatagramRules {
        probe,
        start: Start::Bytes(&[SEQUENCE]),
        parse: DatagramParser::Each(parse),
    }),
    ..Protocol::NEW
};

/// Metadata of an SNMP message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Snmp {
    /// Version: 1, 2 for 2c, or 3.
    pub version: u8,
    /// Community of versions 1 and 2c, user of version 3; only if personal data is wanted.
    pub community: Box<str>,
}

/// The fields before the payload of a message.
struct Message<'a> {
    version: u8,
    community: &'a [u8],
}

impl<'a> Message<'a> {
    fn parse(payload: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(
            ber::partial_element(&mut Reader(payload)).filter(|(tag, _)| *tag == SEQUENCE)?.1,
        );
        match ber::integer(&mut reader)? {
            version @ (0 | 1) => {
                let community = ber::expect(&mut reader, OCTETS)?;
                let (operation, _) = ber::partial_element(&mut reader)?;
                let version = if version == 0 { 1 } else { 2 };
                matches!(operation, 0xa0..=0xa8).then_some(Self { version, community })
            }
            3 => {
                let mut global = Reader(ber::expect(&mut reader, SEQUENCE)?);
                ber::integer(&mut global)?;
                ber::integer(&mut global)?;
                let flags = ber::expect(&mut global, OCTETS)?;
                ber::integer(&mut global)?;
                let security = ber::expect(&mut reader, OCTETS)?;
                (flags.len() == 1)
                    .then(|| Self { version: 3, community: user(security).unwrap_or_default() })
            }
            _ => None,
        }
    }
}

/// Returns the user of the user-based security model (RFC 3414).
fn user(security: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(ber::expect(&mut Reader(security), SEQUENCE)?);
    ber::expect(&mut reader, OCTETS)?;
    ber::integer(&mut reader)?;
    ber::integer(&mut reader)?;
    ber::expect(&mut reader, OCTETS)
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(Message::parse(datagram.payload).is_some())
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    if let Some(message) = Message::parse(datagram.payload) {
        let community = if finding.personal { text(message.community) } else { Box::default() };
        let snmp = Snmp { version: message.version, community };
        finding.metadata().snmp = Some(Box::new(snmp));
    }
    Progress::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    const GET: &[u8] =
        b"\x30\x1a\x02\x01\x01\x04\x06public\xa0\x0d\x02\x01\x01\x02\x01\0\x02\x01\0\x30\x02\x30\0";
    const DISCOVERY: &[u8] = b"\x30\x2c\x02\x01\x03\x30\x0f\x02\x02\x4a\x69\x02\x03\0\xff\xe3\x04\x01\x04\
        \x02\x01\x03\x04\x10\x30\x0e\x04\0\x02\x01\0\x02\x01\0\x04\0\x04\0\x04\0\x30\x04\x04\0\x04\0";

    #[test]
    fn every_version_matches() {
        assert_eq!(testing::datagram(&PROTOCOL, 9161, GET), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 161, DISCOVERY), Verdict::Match);
        let bind = b"\x30\x0e\x02\x01\x01\x60\x09\x02\x01\x03\x04\x02cn\x80\x00";
        assert_eq!(testing::datagram(&PROTOCOL, 161, bind), Verdict::No);
        assert_eq!(testing::datagram(&PROTOCOL, 161, &GET[..10]), Verdict::No);
    }

    #[test]
    fn communities_are_personal() {
        for (personal, community) in [(false, ""), (true, "public")] {
            let finding = testing::finding(personal);
            let payloads = [(Direction::FromClient, GET)];
            let found = testing::parse_datagrams(&PROTOCOL, 161, &payloads, finding);
            let snmp = found.found_metadata().unwrap().snmp.clone().unwrap();
            assert_eq!((snmp.version, &*snmp.community), (2, community));
        }
    }
}
