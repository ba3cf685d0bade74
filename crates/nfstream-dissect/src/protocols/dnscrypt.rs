//! DNSCrypt: encrypted DNS over UDP and TCP, and the queries for a resolver's certificate.

use crate::label::{Category, ProtocolId};
use crate::probe::{Datagram, Head, Streams, Verdict};
use crate::protocol::{DatagramRules, Protocol, StreamRules};
use crate::read::begins;
use crate::shape::{by_server, check};

pub(crate) const PROTOCOL: Protocol = Protocol {
    id: ProtocolId(208),
    name: "DNScrypt",
    category: Category(14),
    stream: Some(StreamRules::new(probe)),
    datagram: Some(DatagramRules::new(datagram)),
    ..Protocol::NEW
};

/// Queries for certificates: plain DNS in form, so they stand before DNS in the registry.
pub(crate) const CERTIFICATE: Protocol = Protocol {
    id: ProtocolId(208),
    name: "DNScrypt",
    category: Category(14),
    datagram: Some(DatagramRules::new(certificate)),
    ..Protocol::NEW
};

/// Avast SecureDNS, a DNSCrypt service with a name of its own.
pub(crate) const AVAST_SECURE_DNS: Protocol = Protocol {
    id: ProtocolId(263),
    name: "AVASTSecureDNS",
    category: Category(14),
    datagram: Some(DatagramRules::new(avast_secure_dns)),
    ..Protocol::NEW
};

/// First bytes of each response.
const RESOLVER_MAGIC: &[u8] = b"r6fnvWj8";
/// Shortest query: magic number, key, nonce, tag and padded message.
const SHORTEST: usize = 8 + 32 + 12 + 16 + 64;
/// First bytes of the name of a certificate, after the version of the protocol.
const CERTIFICATE_NAME: &[u8] = b"\x012\x0ddnscrypt-cert";
const AVAST: &[u8] = b"\x012\x09securedns\x05avast\x03com\0";

fn probe(streams: &Streams<'_>) -> Verdict {
    by_server(streams, |stream| {
        check(stream, |reader| {
            let len = usize::from(reader.u16()?);
            if len < RESOLVER_MAGIC.len() {
                return Some(false);
            }
            match begins(reader.0, RESOLVER_MAGIC) {
                Verdict::More => None,
                verdict => Some(verdict == Verdict::Match),
            }
        })
    })
}

fn datagram(datagram: &Datagram<'_>) -> Verdict {
    let payload = datagram.payload;
    let answers = |head: &Head| head.bytes().starts_with(RESOLVER_MAGIC);
    if payload.starts_with(RESOLVER_MAGIC) {
        return Verdict::Match;
    }
    match datagram.answered() {
        Some(answer) => Verdict::from_match(answers(answer)),
        // Queries show nothing: their magic number is the resolver's choice.
        None => Verdict::from_more(payload.len() >= SHORTEST && datagram.before() < 4),
    }
}

fn certificate(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(queries(datagram, CERTIFICATE_NAME))
}

fn avast_secure_dns(datagram: &Datagram<'_>) -> Verdict {
    Verdict::from_match(queries(datagram, AVAST))
}

/// Returns whether a DNS message has one question, for a name that begins with `name`. At the port
/// of DNS it is DNS and no more.
fn queries(datagram: &Datagram<'_>, name: &[u8]) -> bool {
    let message = datagram.payload;
    !datagram.has_port(53)
        && message.get(4..6) == Some(&[0, 1])
        && message.get(12..).is_some_and(|question| {
            question.get(..name.len()).is_some_and(|asked| asked.eq_ignore_ascii_case(name))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Direction::{FromClient, FromServer};
    use crate::protocols::testing::{assert_streams, datagram, datagrams, streams};

    const HEADER: &[u8] = b"\x48\xc4\x01\0\0\x01\0\0\0\0\0\0";

    #[test]
    fn responses_have_a_magic_number() {
        let question = [0x5a; 1088];
        let answer = [RESOLVER_MAGIC, &[7; 60]].concat();
        let flow = [(FromClient, &question[..]), (FromServer, &answer[..])];
        assert_eq!(datagrams(&PROTOCOL, 443, &flow[..1]), Verdict::More);
        assert_eq!(datagrams(&PROTOCOL, 443, &flow), Verdict::Match);
        assert_streams(&PROTOCOL, 443, b"", b"\0\x44r6fnvWj8\x01");
        assert_eq!(streams(&PROTOCOL, 443, b"", b"\0\x44r6fnvWjx"), Verdict::No);
    }

    #[test]
    fn certificates_are_queried_by_name() {
        let question = |name: &[u8]| [HEADER, name, b"\0\0\x10\0\x01"].concat();
        let of_resolver = question(b"\x012\x0dDnsCrypt-Cert\x07example\x03org");
        assert_eq!(datagram(&CERTIFICATE, 443, &of_resolver), Verdict::Match);
        assert_eq!(datagram(&CERTIFICATE, 53, &of_resolver), Verdict::No);
        let of_avast = question(b"\x012\x09SeCURednS\x05aVasT\x03CoM");
        assert_eq!(datagram(&AVAST_SECURE_DNS, 443, &of_avast), Verdict::Match);
        assert_eq!(datagram(&AVAST_SECURE_DNS, 443, &of_resolver), Verdict::No);
    }
}
