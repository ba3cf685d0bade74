//! Certificates, and traffic without encryption.

use std::collections::HashMap;

use super::ranking::{By, Count, Ranking};
use super::timeline::Key;
use crate::features::{Names, Record};
use crate::time::Timestamp;

/// Maximum number of certificates that are kept.
const CERTIFICATES: usize = 2_000;

/// Protocols that carry readable content or passwords unless TLS protects them.
const PLAIN_TEXT: [&str; 38] = [
    "AMQP",
    "Cassandra",
    "FTP_CONTROL",
    "FTP_DATA",
    "Finger",
    "HL7",
    "HTTP",
    "HTTP_Connect",
    "HTTP_Proxy",
    "IMAP",
    "IRC",
    "Jabber",
    "LDAP",
    "MQTT",
    "Memcached",
    "Modbus",
    "MongoDB",
    "MsSQL-TDS",
    "MySQL",
    "NFS",
    "POP3",
    "PostgreSQL",
    "RESP",
    "RSH",
    "RTMP",
    "RTSP",
    "Radius",
    "Rexec",
    "Rlogin",
    "SIP",
    "SMBv1",
    "SMTP",
    "SNMP",
    "Syslog",
    "TFTP",
    "Telnet",
    "Usenet",
    "X11",
];

/// A server's certificate.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) names: String,
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) not_before: Option<Timestamp>,
    pub(super) not_after: Option<Timestamp>,
    pub(super) sha256: [u8; 32],
    /// Time of the last packet of the flows with it.
    pub(super) seen: Timestamp,
    /// Server of the first flow with it.
    pub(super) server: String,
    pub(super) count: Count,
}

/// Certificates and plain text of a run.
#[derive(Debug)]
pub(super) struct Security {
    certificates: HashMap<[u8; 32], Certificate>,
    /// Number of flows whose certificate is not kept.
    other_certificates: u64,
    plain_text: Ranking<Key>,
    /// Whether applications are plain text.
    known: HashMap<Key, bool>,
}

impl Security {
    pub(super) fn new() -> Self {
        Self {
            certificates: HashMap::new(),
            other_certificates: 0,
            plain_text: Ranking::new(By::Bytes, 10_000),
            known: HashMap::new(),
        }
    }

    /// Counts a flow to `server`.
    pub(super) fn add(&mut self, record: &Record, names: &dyn Names, server: &str, count: Count) {
        let metadata = record.application.metadata.as_deref();
        let Some(tls) = metadata.and_then(|metadata| metadata.tls.as_deref()) else {
            let label = record.application.label;
            let key = (label.master_protocol, label.app_protocol);
            if *self.known.entry(key).or_insert_with(|| is_plain_text(key, names)) {
                self.plain_text.add(key, count);
            }
            return;
        };
        let Some(sha256) = tls.sha256 else { return };
        if let Some(known) = self.certificates.get_mut(&sha256) {
            known.count += count;
            known.seen = known.seen.max(record.flow.last_seen);
        } else if self.certificates.len() < CERTIFICATES {
            let certificate = Certificate {
                names: tls.certificate_names.to_string(),
                issuer: tls.issuer.to_string(),
                subject: tls.subject.to_string(),
                not_before: tls.not_before,
                not_after: tls.not_after,
                sha256,
                seen: record.flow.last_seen,
                server: server.to_owned(),
                count,
            };
            self.certificates.insert(sha256, certificate);
        } else {
            self.other_certificates += 1;
        }
    }

    /// Returns the certificates, ordered by their time of expiry.
    pub(super) fn certificates(&self) -> Vec<&Certificate> {
        let mut all: Vec<_> = self.certificates.values().collect();
        all.sort_by_key(|certificate| (certificate.not_after, certificate.sha256));
        all
    }

    /// Returns the number of flows whose certificate was not kept.
    pub(super) fn other_certificates(&self) -> u64 {
        self.other_certificates
    }

    /// Returns the applications without encryption.
    pub(super) fn plain_text(&self) -> Vec<(&Key, Count)> {
        self.plain_text.top(200)
    }
}

/// Returns whether one of the protocols carries plain text.
fn is_plain_text((master, app): Key, names: &dyn Names) -> bool {
    [master, app].into_iter().filter(|number| *number != 0).any(|number| {
        let mut name = String::new();
        names.application(0, number, &mut name);
        PLAIN_TEXT.contains(&name.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_plain_text_protocols_are_sorted_and_known() {
        assert!(PLAIN_TEXT.is_sorted());
        let protocols = include_str!("../../../nfstream-dissect/data/protocols.tsv");
        for name in PLAIN_TEXT {
            let is_known = protocols.lines().any(|line| line.split('\t').nth(1) == Some(name));
            assert!(is_known, "{name}");
        }
    }
}
