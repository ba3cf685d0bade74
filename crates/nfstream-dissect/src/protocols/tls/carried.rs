//! Applications and protocols inside TLS, by ports, application protocols and certificates.

use super::certificate::Certificate;
use crate::flow::Finding;
use crate::label::{Category, ProtocolId};
use crate::metadata::Metadata;
use crate::packet::Endpoints;
use crate::protocol::Protocol;

/// IMAP over TLS (RFC 8314).
pub(crate) const IMAPS: Protocol = over_tls(51, "IMAPS", Category(3), &[993]);
/// POP3 over TLS (RFC 8314).
pub(crate) const POPS: Protocol = over_tls(23, "POPS", Category(3), &[995]);
/// Mail submission over TLS (RFC 8314).
pub(crate) const SMTPS: Protocol = over_tls(29, "SMTPS", Category(3), &[465]);
/// FTP over TLS (RFC 4217).
pub(crate) const FTPS: Protocol = over_tls(311, "FTPS", Category(7), &[990]);
/// DNS over TLS (RFC 7858), over QUIC (RFC 9250) and over HTTPS (RFC 8484).
pub(crate) const DOH_DOT: Protocol =
    Protocol { udp_ports: &[853], ..over_tls(196, "DoH_DoT", Category(14), &[853]) };

// Protocols that TLS carries among others, by nDPI's numbers.
const NTP: ProtocolId = ProtocolId(9);
const POSTGRESQL: ProtocolId = ProtocolId(19);
const COAP: ProtocolId = ProtocolId(27);
const SMB: ProtocolId = ProtocolId(41);
const IRC: ProtocolId = ProtocolId(65);
const XMPP: ProtocolId = ProtocolId(67);
const STUN: ProtocolId = ProtocolId(78);
const NNTP: ProtocolId = ProtocolId(93);
const SIP: ProtocolId = ProtocolId(100);
const LDAP: ProtocolId = ProtocolId(112);
const TDS: ProtocolId = ProtocolId(114);
const RADIUS: ProtocolId = ProtocolId(146);
/// Subject attributes in certificates that a program or service issues itself.
const OWNERS: &[(&str, ProtocolId)] = &[
    ("CN=NVIDIA GameStream", GEFORCE_NOW),
    ("CN=syncthing", SYNCTHING),
    ("O=Windscribe", WINDSCRIBE),
];
const SYNCTHING: ProtocolId = ProtocolId(313);
const GEFORCE_NOW: ProtocolId = ProtocolId(341);
const WINDSCRIBE: ProtocolId = ProtocolId(429);
const TOR: ProtocolId = ProtocolId(163);
const MQTT: ProtocolId = ProtocolId(222);
const ANYDESK: ProtocolId = ProtocolId(252);
const FORTICLIENT: ProtocolId = ProtocolId(259);

/// Protocol that a name or port stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Carried {
    /// A protocol with a number of its own for its form over TLS.
    Secure(ProtocolId),
    /// A protocol that TLS carries.
    Plain(ProtocolId),
}

const fn over_tls(
    id: u16,
    name: &'static str,
    category: Category,
    tcp_ports: &'static [u16],
) -> Protocol {
    Protocol { id: ProtocolId(id), name, category, tcp_ports, ..Protocol::NEW }
}

/// Names what a TLS, DTLS or QUIC connection carries where ports or application protocols show it.
pub(crate) fn set_label(endpoints: &Endpoints, finding: &mut Finding) {
    let tls = finding.found_metadata().and_then(|found| found.tls.as_deref());
    let offered = tls.map_or("", |tls| match &*tls.selected_alpn {
        "" => &*tls.alpn,
        selected => selected,
    });
    let certificate = tls.and_then(|tls| tls.certificate.as_deref());
    let by_certificate = || {
        // The VPN port of a FortiGate with the certificate that it comes with.
        let factory = |certificate: &Certificate| certificate.issuer.contains("O=Fortinet, ");
        (endpoints.has_port(10_443) && certificate.is_some_and(factory))
            .then_some(Carried::Plain(FORTICLIENT))
    };
    match by_alpn(offered).or_else(|| by_port(endpoints)).or_else(by_certificate) {
        Some(Carried::Secure(id)) => finding.set_master(id),
        Some(Carried::Plain(id)) => finding.set_application(id),
        None => {}
    }
}

/// Returns what an application protocol stands for (IANA's registry of ALPN); a list of several
/// stands for none.
fn by_alpn(name: &str) -> Option<Carried> {
    Some(match name {
        "" | "h2" | "http/1.1" | "h2,http/1.1" | "h3" => return None,
        "imap" => Carried::Secure(IMAPS.id),
        "pop3" => Carried::Secure(POPS.id),
        "ftp" => Carried::Secure(FTPS.id),
        "dot" | "doq" => Carried::Plain(DOH_DOT.id),
        "ntske/1" => Carried::Plain(NTP),
        "postgresql" => Carried::Plain(POSTGRESQL),
        "coap" => Carried::Plain(COAP),
        "smb" => Carried::Plain(SMB),
        "irc" => Carried::Plain(IRC),
        "xmpp-client" | "xmpp-server" => Carried::Plain(XMPP),
        "stun.turn" | "stun.nat-discovery" => Carried::Plain(STUN),
        "nntp" | "nnsp" => Carried::Plain(NNTP),
        "sip/2" => Carried::Plain(SIP),
        "tds/8.0" => Carried::Plain(TDS),
        "radius/1.0" | "radius/1.1" => Carried::Plain(RADIUS),
        "mqtt" => Carried::Plain(MQTT),
        // Drafts of DNS over QUIC, and the versions of AnyDesk.
        _ if name.starts_with("doq-i") => Carried::Plain(DOH_DOT.id),
        _ if name.starts_with("anydesk/") => Carried::Plain(ANYDESK),
        _ => return None,
    })
}

/// Returns what the usual port of a protocol over TLS stands for.
fn by_port(endpoints: &Endpoints) -> Option<Carried> {
    [endpoints.server.port(), endpoints.client.port()].into_iter().find_map(|port| {
        Some(match port {
            993 => Carried::Secure(IMAPS.id),
            995 => Carried::Secure(POPS.id),
            465 => Carried::Secure(SMTPS.id),
            990 => Carried::Secure(FTPS.id),
            853 => Carried::Plain(DOH_DOT.id),
            636 | 3269 => Carried::Plain(LDAP),
            _ => return None,
        })
    })
}

/// Names what the certificate of a server belongs to.
pub(super) fn set_label_by(certificate: &Certificate, finding: &mut Finding) {
    // The programs make these certificates themselves.
    let is_anydesk = |name: &str| matches!(name, "CN=AnyDesk Client" | "CN=AnyNet Root CA");
    if is_anydesk(&certificate.issuer) || certificate.issuer.starts_with("CN=AnyNet Root CA,") {
        finding.set_application(ANYDESK);
    } else if certificate.subject.strip_prefix("CN=").is_some_and(|name| is_random(name, ".net"))
        && certificate.issuer.strip_prefix("CN=").is_some_and(|name| is_random(name, ".com"))
    {
        finding.set_application(TOR);
    } else if let Some(application) = owner(&certificate.subject) {
        finding.set_application(application);
    }
}

/// Returns the application that a subject attribute belongs to exclusively.
fn owner(subject: &str) -> Option<ProtocolId> {
    let known = |attribute: &str| OWNERS.iter().find(|(owner, _)| *owner == attribute);
    subject.split(", ").find_map(known).map(|(_, application)| *application)
}

/// Returns whether a client's hello looks like that of Tor, which sends a random name and
/// offers no application protocol.
pub(super) fn may_be_tor(metadata: &Metadata) -> bool {
    is_random(&metadata.host, ".com")
        && metadata.tls.as_deref().is_some_and(|tls| tls.alpn.is_empty())
}

/// Names Tor where TLS 1.3 hides the certificate: the random name in the hello has digits among few
/// vowels, as no word does. Short random names remain TLS.
pub(super) fn set_label_by_random_name(finding: &mut Finding) {
    let found = finding.found_metadata();
    let host = found.filter(|found| may_be_tor(found)).map_or("", |found| &*found.host);
    let label = host.strip_prefix("www.").and_then(|rest| rest.strip_suffix(".com"));
    let label = label.unwrap_or_default().as_bytes();
    let inner_digits =
        label.windows(2).filter(|pair| matches!(pair, [b'2'..=b'7', b'a'..=b'z'])).count();
    let vowels = label.iter().filter(|byte| b"aeiou".contains(byte)).count();
    if label.len() >= 10 && inner_digits >= 2 && vowels * 4 <= label.len() {
        finding.set_application(TOR);
    }
}

/// Returns whether a host is `www.`, 4 to 25 characters of base 32 and `domain`, as Tor makes its
/// names.
fn is_random(host: &str, domain: &str) -> bool {
    let label = host.strip_prefix("www.").and_then(|rest| rest.strip_suffix(domain));
    label.is_some_and(|label| {
        (4..=25).contains(&label.len())
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::TCP;
    use crate::protocols::testing::endpoints;
    use crate::protocols::tls::Tls;

    fn labelled(subject: &str, issuer: &str) -> Option<ProtocolId> {
        let mut finding = Finding::default();
        let certificate = Certificate {
            subject: subject.into(),
            issuer: issuer.into(),
            ..Certificate::default()
        };
        set_label_by(&certificate, &mut finding);
        finding.application()
    }

    #[test]
    fn programs_with_certificates_of_their_own_are_named() {
        let cases = [
            ("CN=AnyDesk Client", "CN=AnyDesk Client", Some(ANYDESK)),
            ("CN=AnyNet Relay, O=philandro", "CN=AnyNet Root CA, O=philandro", Some(ANYDESK)),
            ("CN=www.g6ghvisevf3ibuu5.net", "CN=www.xkgk7fdx362yyyxib.com", Some(TOR)),
            ("CN=www.g6ghvisevf3ibuu5.net", "CN=Example CA", None),
            ("O=Syncthing, OU=Automatically Generated, CN=syncthing", "", Some(SYNCTHING)),
            ("CN=syncthing.example.com", "", None),
            ("CN=www.example-1.net", "CN=www.xkgk7fdx362yyyxib.com", None),
            ("C=US, CN=www.example.net", "CN=www.xkgk7fdx362yyyxib.com", None),
        ];
        for (subject, issuer, expected) in cases {
            assert_eq!(labelled(subject, issuer), expected, "{subject}");
        }
    }

    #[test]
    fn the_vpn_of_a_factory_fresh_fortigate_is_named() {
        let labelled = |port: u16, issuer: &str| {
            let certificate = Certificate { issuer: issuer.into(), ..Certificate::default() };
            let mut finding = Finding::default();
            finding.metadata().tls.get_or_insert_default().certificate =
                Some(Box::new(certificate));
            set_label(&endpoints(TCP, port), &mut finding);
            finding.application()
        };
        let issuer = "C=US, O=Fortinet, OU=Certificate Authority, CN=support";
        assert_eq!(labelled(10_443, issuer), Some(FORTICLIENT));
        assert_eq!(labelled(443, issuer), None);
        assert_eq!(labelled(10_443, "O=Example, CN=support"), None);
    }

    #[test]
    fn tor_is_named_by_a_random_name_alone() {
        let labelled = |host: &str| {
            let mut finding = Finding::default();
            finding.metadata().host = host.into();
            finding.metadata().tls.get_or_insert_default();
            set_label_by_random_name(&mut finding);
            finding.application()
        };
        assert_eq!(labelled("www.ru2knj2dwfupntt3iueq4i32q.com"), Some(TOR));
        assert_eq!(labelled("www.e6r5p57kbafwrxj3plz.com"), Some(TOR));
        for word in ["web2print4you", "company24", "k3f5", "web2project", "internationalization"] {
            assert_eq!(labelled(&format!("www.{word}.com")), None, "{word}");
        }
    }

    #[test]
    fn a_certificate_is_read_where_tor_is_possible() {
        let metadata = |host: &str, alpn: &str| Metadata {
            host: host.into(),
            tls: Some(Box::new(Tls { alpn: alpn.into(), ..Tls::default() })),
            ..Metadata::default()
        };
        assert!(may_be_tor(&metadata("www.e6r5p57kbafwrxj3plz.com", "")));
        assert!(!may_be_tor(&metadata("www.e6r5p57kbafwrxj3plz.com", "h2")));
        assert!(!may_be_tor(&metadata("www.example-1.com", "")));
        assert!(!may_be_tor(&metadata("e6r5p57kbafwrxj3plz.com", "")));
    }
}
