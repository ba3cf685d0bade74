//! SSDP (UPnP Device Architecture): HTTP heads in datagrams.

use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Progress, Verdict};
use crate::protocol::{DatagramParser, DatagramRules, Protocol, Start};
use crate::protocols::headers::Head;
use crate::protocols::http::without_port;
use crate::read::text;

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(12),
    name: "SSDP",
    category: Category(18),
    udp_ports: &[1900],
    datagram: Some(DatagramRules {
        probe,
        start: Start::Bytes(b"MNH"),
        parse: DatagramParser::Each(parse),
    }),
    ..Protocol::NEW
};

/// Metadata of an SSDP message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ssdp {
    /// Kind of device or service that is sought or announced.
    pub target: Box<str>,
    /// `Server` or `User-Agent`: system and product of the sender.
    pub product: Box<str>,
    /// URL of the device's description.
    pub location: Box<str>,
}

fn probe(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let matches = payload.starts_with(b"M-SEARCH * HTTP/1.")
        || payload.starts_with(b"NOTIFY * HTTP/1.")
        || (payload.starts_with(b"HTTP/1.1 200 OK")
            && (datagram.has_port(1900)
                || Head::parse(payload).is_some_and(|head| {
                    head.header("st").is_some() && head.header("usn").is_some()
                })));
    Verdict::from_match(matches)
}

fn parse(datagram: &Datagram<'_>, finding: &mut Finding) -> Progress {
    let Some(head) = Head::parse(datagram.payload) else { return Progress::Done };
    let header = |names: [&str; 2]| {
        text(names.into_iter().find_map(|name| head.header(name)).unwrap_or_default())
    };
    let metadata = finding.metadata();
    metadata.host = text(without_port(head.header("host").unwrap_or_default()));
    let ssdp = Ssdp {
        target: header(["st", "nt"]),
        product: header(["server", "user-agent"]),
        location: header(["location", "al"]),
    };
    metadata.ssdp = Some(Box::new(ssdp));
    Progress::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction;
    use crate::protocols::testing;

    const SEARCH: &[u8] = b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\
        MAN: \"ssdp:discover\"\r\nMX: 1\r\nST: urn:dial-multiscreen-org:service:dial:1\r\n\r\n";

    #[test]
    fn searches_match_on_any_port() {
        assert_eq!(testing::datagram(&PROTOCOL, 40_000, SEARCH), Verdict::Match);
        assert_eq!(testing::datagram(&PROTOCOL, 1900, b"HTTP/1.1 404 No"), Verdict::No);
        assert_eq!(testing::datagram(&PROTOCOL, 1900, b"NOTIFY sip:a SIP/2.0"), Verdict::No);
    }

    #[test]
    fn target_and_host_are_read() {
        let payloads = [(Direction::FromClient, SEARCH)];
        let found = testing::parse_datagrams(&PROTOCOL, 1900, &payloads, Finding::default());
        let metadata = found.found_metadata().unwrap();
        assert_eq!(&*metadata.host, "239.255.255.250");
        let target = &*metadata.ssdp.as_ref().unwrap().target;
        assert_eq!(target, "urn:dial-multiscreen-org:service:dial:1");
    }
}
