//! TLS handshakes, and risks.

use super::{Declaration, Declared, Presence, Read, Record, Role, Tls};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::DissectionFeature,
    shorthand: None,
    about: "Handshakes of TLS, DTLS and QUIC. Certificates are encrypted from TLS 1.3 on.",
    columns: &[&[
        Declared::code(
            "tls_version",
            Role::Behaviour,
            "version of the connection as a number, such as 771 for TLS 1.2; 0 if no \
             ServerHello was seen",
            Read::U16(|r| r.tls().map_or(0, |tls| tls.version)),
        ),
        Declared::text(
            "tls_server_name",
            Role::Identifier,
            "server name that the client requests",
            |r, text| write(r, text, |tls| &tls.server_name),
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
        Declared::text(
            "tls_selected_alpn",
            Role::Behaviour,
            "application protocol that the server chose",
            |r, text| write(r, text, |tls| &tls.selected_alpn),
        ),
        Declared::code(
            "tls_cipher",
            Role::Behaviour,
            "number of the cipher suite that the server chose, 0 if none was seen",
            Read::U16(|r| r.tls().map_or(0, |tls| tls.cipher)),
        ),
        Declared::flag(
            "tls_encrypted_hello",
            Role::Behaviour,
            "whether the ClientHello contains an encrypted one (ECH), or a decoy (GREASE)",
            |r| r.tls().is_some_and(|tls| tls.encrypted_hello),
        ),
        Declared::flag(
            "tls_hello_retry",
            Role::Behaviour,
            "whether the server sent a HelloRetryRequest",
            |r| r.tls().is_some_and(|tls| tls.hello_retry),
        ),
        Declared::text(
            "tls_certificate_names",
            Role::Identifier,
            "names in the server's certificate, separated by commas",
            |r, text| write(r, text, |tls| &tls.certificate_names),
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
        Declared::instant(
            "tls_not_before_{unit}",
            "start of the validity of the server's certificate, 0 if none was seen",
            |r| r.tls().and_then(|tls| tls.not_before),
        ),
        Declared::instant(
            "tls_not_after_{unit}",
            "end of the validity of the server's certificate, 0 if none was seen",
            |r| r.tls().and_then(|tls| tls.not_after),
        ),
        Declared::text(
            "tls_sha1",
            Role::Identifier,
            "SHA-1 of the server's certificate in hexadecimal",
            |r, text| {
                write_hex(text, r.tls().and_then(|tls| tls.sha1.as_ref()).map(<[u8; 20]>::as_slice))
            },
        ),
        Declared::text(
            "tls_sha256",
            Role::Identifier,
            "SHA-256 of the server's certificate in hexadecimal",
            |r, text| {
                write_hex(
                    text,
                    r.tls().and_then(|tls| tls.sha256.as_ref()).map(<[u8; 32]>::as_slice),
                )
            },
        ),
        Declared::text("ja3", Role::Environment, "JA3 fingerprint of the client", |r, text| {
            r.write_metadata(text, |m| &m.ja3_client)
        }),
        Declared::text("ja3s", Role::Environment, "JA3S fingerprint of the server", |r, text| {
            r.write_metadata(text, |m| &m.ja3_server)
        }),
        Declared::text(
            "ja4",
            Role::Environment,
            "JA4 fingerprint of the client; unlike JA3 it does not depend on the order of \
             extensions",
            |r, text| r.write_metadata(text, |m| &m.ja4),
        ),
        Declared::text(
            "risks",
            Role::Label,
            "risks of the flow, by nDPI's names, separated by commas; with the dissector auto, \
             nDPI inspects every flow for them; native finds those in handshakes, certificates and \
             host names",
            |r, text| r.write_metadata(text, |m| &m.risks),
        ),
    ]],
};

fn write(record: &Record, text: &mut String, field: fn(&Tls) -> &str) {
    if let Some(tls) = record.tls() {
        text.push_str(field(tls));
    }
}

/// Appends bytes in hexadecimal.
fn write_hex(text: &mut String, bytes: Option<&[u8]>) {
    for byte in bytes.unwrap_or_default() {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
}
