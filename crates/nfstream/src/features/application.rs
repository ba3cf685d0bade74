//! The application of a flow, as the dissector names it.

use super::{Declaration, Declared, Names, Presence, Read, Record, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Dissection,
    shorthand: None,
    about: "",
    columns: &[&[
        Declared::code(
            "master_protocol",
            Role::Label,
            "number of the protocol that carries the application in nDPI 5.0's numbering, above \
             10,000 if nDPI 5.0 has none; 0 if there is no such protocol",
            Read::U16(|r| r.application.label.master_protocol),
        ),
        Declared::code(
            "app_protocol",
            Role::Label,
            "number of the application's protocol in the same numbering, 0 if unknown",
            Read::U16(|r| r.application.label.app_protocol),
        ),
        Declared::label(
            "application_name",
            Role::Label,
            "name of the application, MASTER.APP or APP",
            code,
            name,
        ),
        Declared::label(
            "category_name",
            Role::Label,
            "category of the application",
            |r| r.application.label.category.into(),
            |names, code, text| names.category(low_half(code), text),
        ),
        Declared::text(
            "client_info",
            Role::Identifier,
            "TLS and QUIC: server name that the client requests (SNI); HTTP: user agent, or \
             operating system; SSH: version",
            |r, text| r.write_metadata(text, |m| &m.client_info),
        ),
        Declared::text(
            "server_info",
            Role::Identifier,
            "TLS and QUIC: names in the server's certificate; HTTP: host; DNS: name in the \
             query; SSH: version; otherwise the host name if there is one",
            |r, text| r.write_metadata(text, |m| &m.server_info),
        ),
        Declared::text(
            "j3a_client",
            Role::Environment,
            "JA3 fingerprint of the client",
            |r, text| r.write_metadata(text, |m| &m.ja3_client),
        ),
        Declared::text(
            "j3a_server",
            Role::Environment,
            "JA3S fingerprint of the server",
            |r, text| r.write_metadata(text, |m| &m.ja3_server),
        ),
    ]],
};

fn code(record: &Record) -> u32 {
    let label = record.application.label;
    u32::from(label.master_protocol) << 16 | u32::from(label.app_protocol)
}

fn name(names: &dyn Names, code: u32, text: &mut String) {
    names.application(low_half(code >> 16), low_half(code), text);
}

fn low_half(code: u32) -> u16 {
    let [_, _, high, low] = code.to_be_bytes();
    u16::from_be_bytes([high, low])
}
