//! DHCP and BOOTP (RFC 2131, RFC 2132, RFC 951), and DHCPv6 (RFC 8415).

use std::fmt::Write;

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start};
use crate::read::{Reader, text};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(18),
    name: "DHCP",
    category: Category(14),
    udp_ports: &[67, 68],
    datagram: Some(DatagramRules {
        probe,
        start: Start::Bytes(&[1, 2]),
        parse: DatagramParser::Each(parse),
    }),
    ..Protocol::NEW
};

pub(crate) const DHCPV6: Protocol = Protocol {
    id: ProtocolId(103),
    name: "DHCPV6",
    category: Category(14),
    udp_ports: &[546, 547],
    datagram: Some(DatagramRules {
        probe: probe_v6,
        start: Start::Range(1, 36),
        parse: DatagramParser::Each(parse_v6),
    }),
    ..Protocol::NEW
};

/// Metadata of a DHCP or DHCPv6 message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Dhcp {
    /// Message type (DHCP: 1 for discover, 3 for request; DHCPv6: 1 for solicit), 0 for BOOTP.
    pub message_type: u8,
    /// Name of the client: option 12 or 81, in DHCPv6 option 39.
    pub host_name: Box<str>,
    /// Vendor class: option 60, in DHCPv6 option 16.
    pub vendor_class: Box<str>,
    /// Numbers of the options that the client wants, in its order and with commas: option 55, in
    /// DHCPv6 option 6. It shows the client's operating system.
    pub fingerprint: Box<str>,
}

/// Bytes before the options of BOOTP.
const FIXED: usize = 236;
const COOKIE: &[u8] = &[0x63, 0x82, 0x53, 0x63];
/// Options of a message that are read.
const MAX_OPTIONS: usize = 64;

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let usual = datagram.has_port(67) || datagram.has_port(68) || datagram.has_port(4011);
    let [operation, hardware, len, hops, ..] = *datagram.payload else { return Verdict::No };
    let marked = (hardware, len) == (1, 6)
        && datagram.payload.get(FIXED..).is_some_and(|options| options.starts_with(COOKIE));
    Verdict::from_match(
        (usual || marked)
            && matches!(operation, 1 | 2)
            && len <= 16
            && hops <= 16
            && datagram.payload.len() >= FIXED,
    )
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    let mut dhcp = Dhcp::default();
    let options = datagram.payload.get(FIXED..).and_then(|rest| rest.strip_prefix(COOKIE));
    let mut reader = Reader(options.unwrap_or_default());
    for _ in 0..MAX_OPTIONS {
        let kind = match reader.u8() {
            Some(0) => continue,
            Some(255) | None => break,
            Some(kind) => kind,
        };
        let Some(value) = reader.vector8() else { break };
        match kind {
            12 => dhcp.host_name = text(until_zero(value)),
            53 => dhcp.message_type = value.first().copied().unwrap_or(0),
            55 => dhcp.fingerprint = list(value.iter().map(|option| u16::from(*option))),
            60 => dhcp.vendor_class = text(until_zero(value)),
            // Flags and two codes, then the name as text or as labels.
            81 if dhcp.host_name.is_empty() => {
                if let [flags, _, _, name @ ..] = value {
                    let labels = flags & 4 != 0;
                    dhcp.host_name =
                        if labels { labels_text(name) } else { text(until_zero(name)) };
                }
            }
            _ => {}
        }
    }
    set(dhcp, finding);
    Progress::Done
}

fn set(dhcp: Dhcp, finding: &mut Finding) {
    let metadata = finding.metadata();
    if !dhcp.host_name.is_empty() {
        metadata.host = dhcp.host_name.clone();
    }
    metadata.dhcp = Some(Box::new(dhcp));
}

/// Returns the options of a DHCPv6 message, relayed ones from the message inside.
fn options_v6(payload: &[u8]) -> Option<(u8, &[u8])> {
    let mut message = payload;
    // Relays wrap each other (RFC 8415, section 19); eight are more than a network has.
    for _ in 0..8 {
        let (&kind, rest) = message.split_first()?;
        if !matches!(kind, 12 | 13) {
            return Some((kind, rest.get(3..)?));
        }
        message = relayed(rest.get(33..)?)?;
    }
    None
}

fn relayed(options: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(options);
    loop {
        let kind = reader.u16()?;
        let value = reader.vector16()?;
        if kind == 9 {
            return Some(value);
        }
    }
}

fn probe_v6(datagram: &Datagram<'_>) -> Verdict {
    let usual = datagram.has_port(546) || datagram.has_port(547);
    let fixed = if let [12 | 13, ..] = datagram.payload { 34 } else { 4 };
    let mut reader = Reader(datagram.payload.get(fixed..).unwrap_or_default());
    let mut options = 0;
    while let (Some(_), Some(_)) = (reader.u16(), reader.vector16()) {
        options += 1;
    }
    Verdict::from_match(usual && options > 0)
}

fn parse_v6(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    let Some((message_type, options)) = options_v6(datagram.payload) else {
        return Progress::Done;
    };
    let mut dhcp = Dhcp { message_type, ..Dhcp::default() };
    let mut reader = Reader(options);
    for _ in 0..MAX_OPTIONS {
        let (Some(kind), Some(value)) = (reader.u16(), reader.vector16()) else { break };
        match kind {
            6 => {
                let numbers =
                    value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
                dhcp.fingerprint = list(numbers);
            }
            // An enterprise number, then classes with lengths.
            16 => {
                let class = value.get(4..).and_then(|rest| Reader(rest).vector16());
                dhcp.vendor_class = text(class.unwrap_or_default());
            }
            39 => dhcp.host_name = labels_text(value.get(1..).unwrap_or_default()),
            _ => {}
        }
    }
    set(dhcp, finding);
    Progress::Done
}

fn until_zero(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Reads a name of labels with lengths.
fn labels_text(name: &[u8]) -> Box<str> {
    let mut reader = Reader(name);
    let mut dotted = Vec::new();
    while let Some(label) = reader.vector8().filter(|label| !label.is_empty()) {
        if !dotted.is_empty() {
            dotted.push(b'.');
        }
        dotted.extend_from_slice(label);
    }
    text(&dotted)
}

fn list(numbers: impl Iterator<Item = u16>) -> Box<str> {
    let mut list = String::new();
    for number in numbers {
        let comma = if list.is_empty() { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(list, "{comma}{number}");
    }
    list.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    fn request(options: &[u8]) -> Vec<u8> {
        let mut message = vec![1, 1, 6, 0];
        message.resize(FIXED, 0);
        [&message[..], COOKIE, options].concat()
    }

    fn found(protocol: &Protocol, port: u16, payload: &[u8]) -> Dhcp {
        let payloads = [(Direction::FromClient, payload)];
        let found = testing::parse_datagrams(protocol, port, &payloads, Finding::default());
        *found.found_metadata().unwrap().dhcp.clone().unwrap()
    }

    #[test]
    fn requests_match_on_their_ports_or_with_their_mark() {
        let message = request(&[53, 1, 1, 255]);
        assert_eq!(testing::datagram(&PROTOCOL, 67, &message), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 69, &message), Verdict::Match);
        let mut unmarked = message.clone();
        unmarked[FIXED] = 0;
        assert_eq!(testing::datagram(&PROTOCOL, 67, &unmarked), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 69, &unmarked), Verdict::No);
        assert_eq!(testing::datagram(&PROTOCOL, 67, &message[..200]), Verdict::No);
    }

    #[test]
    fn options_are_read() {
        let message =
            request(b"\x35\x01\x03\x0c\x04host\0\x3c\x08MSFT 5.0\x37\x03\x01\x03\x06\xff");
        let expected = Dhcp {
            message_type: 3,
            host_name: "host".into(),
            vendor_class: "MSFT 5.0".into(),
            fingerprint: "1,3,6".into(),
        };
        assert_eq!(found(&PROTOCOL, 67, &message), expected);
        assert_eq!(found(&PROTOCOL, 67, &message[..FIXED]), Dhcp::default());
    }

    #[test]
    fn options_of_version_6_are_read_through_relays() {
        let solicit = b"\x01\x12\x34\x56\0\x06\0\x04\0\x17\0\x18\0\x27\0\x06\0\x04host";
        assert_eq!(testing::datagram(&DHCPV6, 547, solicit), Verdict::Match);
        assert_eq!(testing::datagram(&DHCPV6, 548, solicit), Verdict::No);
        let dhcp = found(&DHCPV6, 547, solicit);
        assert_eq!((&*dhcp.host_name, &*dhcp.fingerprint), ("host", "23,24"));
        let len = u16::try_from(solicit.len()).unwrap().to_be_bytes();
        let relayed = [&[12; 34][..], b"\0\x09", &len, solicit].concat();
        assert_eq!(found(&DHCPV6, 547, &relayed), dhcp);
    }
}
