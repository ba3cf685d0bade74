//! TLS handshakes, and risks.

use super::{Declaration, Declared, Presence, Read, Record, Role, Tls};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::DissectionFeature,
    shorthand: None,
    about: "",
    columns: &[&[
        Declared::code(
            "tls_version",
            Role::Behaviour,
            "version in the TLS server's hello as a number, such as 771 for TLS 1.2; 0 if none \
             was seen",
            Read::U16(|r| r.tls().map_or(0, |tls| tls.version)),
        ),
        Declared::text(
            "tls_offered_versions",
            Role::Behaviour,
            "versions that the client offers",
            |r, text| write(r, text, |tls| &tls.supported_versions),
        ),
        Declared::text(
            "tls_alpn",
            Role::Behaviour,
            "application protocols that the client offers",
            |r, text| write(r, text, |tls| &tls.alpn),
        ),
        Declared::code(
            "tls_cipher",
            Role::Behaviour,
            "number of the cipher suite that the server chose, 0 if none was seen",
            Read::U16(|r| r.tls().map_or(0, |tls| tls.cipher)),
        ),
        Declared::text(
            "tls_issuer",
            Role::Identifier,
            "issuer of the server's certificate",
            |r, text| write(r, text, |tls| &tls.issuer),
        ),
        Declared::text(
            "tls_subject",
            Role::Identifier,
            "subject of the server's certificate",
            |r, text| write(r, text, |tls| &tls.subject),
        ),
        Declared::text(
            "risks",
            Role::Label,
            "what nDPI finds suspicious, names separated by commas",
            |r, text| r.write_metadata(text, |m| &m.risks),
        ),
    ]],
};

fn write(record: &Record, text: &mut String, field: fn(&Tls) -> &str) {
    if let Some(tls) = record.tls() {
        text.push_str(field(tls));
    }
}
