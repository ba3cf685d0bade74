//! Risks that the dissector in Rust finds in handshakes and requests, under nDPI's names.

use std::net::IpAddr;

use nfstream_dissect as native;

use crate::time::Timestamp;

/// Longest validity of a certificate, 398 days in seconds, and the day from which the limit
/// applies, 2020-09-01 (CA/Browser Forum, Baseline Requirements, 6.3.2).
const LONGEST_VALIDITY: i64 = 398 * 86_400;
const FIRST_DAY_OF_LIMIT: i64 = 1_598_918_400;

/// Cipher suites without encryption, or with RC2, RC4, DES, 3DES or export keys. The lowest numbers
/// are all of that kind and are not listed.
const WEAK_CIPHERS: &[u16] = &[
    0x003b, 0x0060, 0x0061, 0x0062, 0x0063, 0x0064, 0x0065, 0x0066, 0xc001, 0xc002, 0xc003, 0xc006,
    0xc007, 0xc008, 0xc00b, 0xc00c, 0xc00d, 0xc010, 0xc011, 0xc012, 0xc015, 0xc016, 0xc017,
];
const LAST_OF_FIRST_WEAK_CIPHERS: u16 = 0x001b;

/// Returns the risks of a flow whose first packet arrived at `time`, separated by commas.
pub(super) fn risks(read: &native::Metadata, time: Timestamp) -> Box<str> {
    let mut risks = Vec::new();
    let has_address = read.host.parse::<IpAddr>().is_ok();
    if read.http.is_some() && has_address {
        risks.push("HTTP Numeric IP Address");
    }
    if let Some(tls) = &read.tls {
        of_tls(tls, &read.host, time.millis() / 1000, &mut risks);
    }
    risks.join(",").into()
}

fn of_tls(tls: &native::metadata::Tls, host: &str, now: i64, risks: &mut Vec<&'static str>) {
    let version = tls.version.map_or(0, |version| version.0);
    if matches!(version, 0x0002 | 0x0300..=0x0302 | 0x0100 | 0xfeff) {
        risks.push("Obsolete TLS Version (1.1 or older)");
    }
    let is_weak =
        |cipher: &u16| *cipher <= LAST_OF_FIRST_WEAK_CIPHERS || WEAK_CIPHERS.contains(cipher);
    if tls.cipher.filter(|cipher| *cipher != 0).is_some_and(|cipher| is_weak(&cipher)) {
        risks.push("Weak TLS Cipher");
    }
    if !tls.offered_versions.is_empty() && host.is_empty() {
        risks.push("Missing SNI TLS Extension");
    }
    let Some(certificate) = &tls.certificate else { return };
    if !certificate.subject.is_empty() && certificate.subject == certificate.issuer {
        risks.push("Self-signed Certificate");
    }
    if !(certificate.not_before..=certificate.not_after).contains(&now) {
        risks.push("TLS Expired Certificate");
    }
    let validity = certificate.not_after.saturating_sub(certificate.not_before);
    if certificate.not_before >= FIRST_DAY_OF_LIMIT && validity > LONGEST_VALIDITY {
        risks.push("TLS Certificate Validity Too Long");
    }
    let mut names = certificate.names.iter().chain(std::iter::once(&certificate.common_name));
    if !host.is_empty() && !names.any(|name| covers(name, host)) {
        risks.push("TLS Certificate Mismatch");
    }
}

/// Returns whether a name in a certificate, possibly with a wildcard as its first label, matches
/// `host` (RFC 9525).
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain)),
        None => name.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use nfstream_dissect::metadata::{Certificate, Tls, Version};

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn of(tls: Tls, host: &str) -> String {
        let metadata = native::Metadata {
            host: host.into(),
            tls: Some(Box::new(tls)),
            ..native::Metadata::default()
        };
        risks(&metadata, Timestamp::from_seconds(NOW, 0)).into()
    }

    fn certificate(names: &[&str]) -> Certificate {
        Certificate {
            names: names.iter().map(|name| (*name).into()).collect(),
            subject: "CN=a".into(),
            issuer: "CN=b".into(),
            not_before: NOW - 1000,
            not_after: NOW + 1000,
            ..Certificate::default()
        }
    }

    fn tls(fill: impl FnOnce(&mut Tls)) -> Tls {
        let mut tls = Tls::default();
        fill(&mut tls);
        tls
    }

    fn with(certificate: Certificate) -> Tls {
        tls(|tls| tls.certificate = Some(Box::new(certificate)))
    }

    #[test]
    fn a_good_handshake_has_none() {
        let mut tls = with(certificate(&["example.com", "*.example.com"]));
        (tls.version, tls.cipher) = (Some(Version(0x0303)), Some(0xc02f));
        assert_eq!(of(tls.clone(), "example.com"), "");
        assert_eq!(of(tls, "WWW.example.com"), "");
    }

    #[test]
    fn hellos_show_old_versions_and_ciphers() {
        let old = tls(|tls| (tls.version, tls.cipher) = (Some(Version(0x0301)), Some(5)));
        assert_eq!(of(old, "a.example"), "Obsolete TLS Version (1.1 or older),Weak TLS Cipher");
    }

    #[test]
    fn certificates_show_their_faults() {
        let mismatch = "TLS Certificate Mismatch";
        assert_eq!(of(with(certificate(&["*.example.com"])), "a.b.example.com"), mismatch);
        let own = Certificate { issuer: "CN=a".into(), ..certificate(&["h"]) };
        assert_eq!(of(with(own), "h"), "Self-signed Certificate");
        let late = Certificate { not_after: NOW - 1, ..certificate(&["h"]) };
        assert_eq!(of(with(late), "h"), "TLS Expired Certificate");
        let long = Certificate { not_after: NOW + 399 * 86_400, ..certificate(&["h"]) };
        assert_eq!(of(with(long), "h"), "TLS Certificate Validity Too Long");
    }

    #[test]
    fn requests_to_addresses_are_noted() {
        let http = Some(Box::default());
        let metadata =
            native::Metadata { host: "192.0.2.1".into(), http, ..native::Metadata::default() };
        assert_eq!(&*risks(&metadata, Timestamp::default()), "HTTP Numeric IP Address");
    }
}
