//! TFTP (RFC 1350, RFC 2347).

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::metadata::Announced;
use crate::packet::{Direction, UDP};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start};
use crate::read::{be16, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(96),
    name: "TFTP",
    category: Category(4),
    udp_ports: &[69],
    datagram: Some(DatagramRules {
        probe,
        start: Start::Bytes(&[0]),
        parse: DatagramParser::Each(parse),
    }),
    ..Protocol::NEW
};

/// Metadata of a TFTP request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tftp {
    /// Whether the file is written.
    pub write: bool,
    /// Name of the file.
    pub file: Box<str>,
}

const MODES: [&[u8]; 3] = [b"octet", b"netascii", b"mail"];
const OPTIONS: [&[u8]; 5] = [b"blksize", b"tsize", b"timeout", b"windowsize", b"multicast"];
/// Longest message with data: the largest block (RFC 2348) and the numbers before it.
const MAX_DATA: usize = 65_464 + 4;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let rest = payload.get(2..).unwrap_or_default();
    match be16(payload, 0) {
        Some(1 | 2) => Verdict::from_match(request(payload).is_some()),
        Some(6) => {
            let option = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            let known = OPTIONS.iter().any(|known| known.eq_ignore_ascii_case(option));
            Verdict::from_match(known && payload.ends_with(&[0]))
        }
        // A flow of its own holds the blocks: one, then its acknowledgement or the other way round.
        Some(3) if (4..=MAX_DATA).contains(&payload.len()) => exchange(datagram, 4),
        Some(4) if rest.len() == 2 => exchange(datagram, 3),
        _ => Verdict::No,
    }
}

/// Returns a match if the last datagram of the other end was of `kind`, with the number of a block
/// next to this one.
fn exchange(datagram: &Datagram<'_>, kind: u16) -> Verdict {
    let number = |bytes| be16(bytes, 2).unwrap_or(0);
    let Some(head) = datagram.history.last(datagram.direction.reverse()) else {
        // Of one direction alone, three in a row suffice.
        let follows = datagram.history.last(datagram.direction).is_none_or(|head| {
            head.bytes().get(..2) == datagram.payload.get(..2)
                && head.len() == datagram.payload.len()
                && number(datagram.payload).wrapping_sub(number(head.bytes())) == 1
        });
        return match datagram.before() {
            2.. => Verdict::from_match(follows),
            _ => Verdict::from_more(follows),
        };
    };
    let (this, other) = (number(datagram.payload), number(head.bytes()));
    // Data follows the acknowledgement of the block before it, or repeats.
    let (data, acknowledged) = if kind == 4 { (this, other) } else { (other, this) };
    let expected = if kind == 4 { head.len() == 4 } else { (4..=MAX_DATA).contains(&head.len()) };
    Verdict::from_match(
        be16(head.bytes(), 0) == Some(kind) && expected && data.wrapping_sub(acknowledged) <= 1,
    )
}

/// Returns the name of the file of a request.
fn request(payload: &[u8]) -> Option<&[u8]> {
    let mut words = payload.get(2..)?.split(|byte| *byte == 0);
    let file = words.next()?;
    let mode = words.next()?;
    words.next()?;
    let printable = file.iter().all(|byte| *byte >= b' ');
    let known = MODES.iter().any(|known| known.eq_ignore_ascii_case(mode));
    (known && printable && !file.is_empty()).then_some(file)
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    let Some(file) = request(datagram.payload) else { return Progress::Done };
    let write = be16(datagram.payload, 0) == Some(2);
    let metadata = finding.metadata();
    metadata.tftp = Some(Box::new(Tftp { write, file: text(file) }));
    // The server answers from another port.
    let client = match datagram.direction {
        Direction::FromClient => datagram.endpoints.client,
        Direction::FromServer => datagram.endpoints.server,
    };
    metadata.announce(Announced {
        address: client.ip(),
        port: client.port(),
        transport: UDP,
        application: PROTOCOL.id,
    });
    Progress::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing;

    const READ: &[u8] = b"\0\x01rfc1350.txt\0octet\0";

    #[test]
    fn requests_match() {
        assert_eq!(testing::datagram(&PROTOCOL, 6969, READ), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 69, b"\0\x06blksize\x001468\0"), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 69, b"\0\x01file\0binary\0"), Verdict::No);
        assert_eq!(testing::datagram(&PROTOCOL, 69, b"\0\x01file\0octet"), Verdict::No);
    }

    #[test]
    fn the_first_block_and_its_acknowledgement_match() {
        let block = [&[0, 3, 0, 1][..], &[7; 512]].concat();
        let payloads =
            [(Direction::FromClient, &block[..]), (Direction::FromServer, &[0, 4, 0, 1])];
        assert_eq!(testing::datagrams(&PROTOCOL, 50_000, &payloads[..1]), Verdict::More);
        assert_eq!(testing::datagrams(&PROTOCOL, 50_000, &payloads), Verdict::Match);
    }

    #[test]
    fn the_file_is_read_and_its_flow_announced() {
        let payloads = [(Direction::FromClient, READ)];
        let found = testing::parse_datagrams(&PROTOCOL, 69, &payloads, Finding::default());
        let metadata = found.found_metadata().unwrap();
        assert_eq!(&*metadata.tftp.as_ref().unwrap().file, "rfc1350.txt");
        assert_eq!(metadata.announced[0].port, 50_000);
    }
}
