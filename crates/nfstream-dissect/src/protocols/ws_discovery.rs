//! WS-Discovery (OASIS): envelopes of SOAP in datagrams.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Verdict};
use crate::protocol::{DatagramRules, Protocol, Start};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(153),
    name: "WSD",
    category: Category(14),
    udp_ports: &[3702],
    datagram: Some(DatagramRules { start: Start::Bytes(b"<"), ..DatagramRules::new(probe) }),
    ..Protocol::NEW
};

fn probe(datagram: &Datagram<'_>) -> Verdict {
    const NAMESPACES: [&[u8]; 2] = [b"/ws/2005/04/discovery", b"/ws-dd/"];
    /// Bytes in which the namespaces of an envelope are declared.
    const LOOKED_AT: usize = 1024;
    let payload = datagram.payload;
    let head = &payload[..payload.len().min(LOOKED_AT)];
    let contains = |text: &[u8]| head.windows(text.len()).any(|bytes| bytes == text);
    let is_xml = head.starts_with(b"<?xml") || contains(b"Envelope");
    Verdict::from_match(
        is_xml && (datagram.has_port(3702) || NAMESPACES.iter().any(|n| contains(n))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::datagram;

    #[test]
    fn envelopes_match() {
        let probe = b"<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope>";
        assert_eq!(datagram(&PROTOCOL, 3702, probe), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 3703, probe), Verdict::No);
        let answer = b"<s:Envelope xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\">";
        assert_eq!(datagram(&PROTOCOL, 50_001, answer), Verdict::Match);
        assert_eq!(datagram(&PROTOCOL, 3702, b"<html>"), Verdict::No);
    }
}
