//! Further metadata that nDPI reads in the packets of a flow.

use super::{Declaration, Declared, Presence, Read, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::DissectionFeature,
    shorthand: None,
    about: "",
    columns: &[&[
        Declared::text(
            "requested_server_name",
            Role::Identifier,
            "name of the server as the client asks for it: TLS and QUIC server name, HTTP host, \
             DNS name",
            |r, text| r.write_metadata(text, |m| &m.requested_server_name),
        ),
        Declared::text(
            "client_fingerprint",
            Role::Environment,
            "fingerprint of the client: JA3 for TLS and QUIC, HASSH for SSH, requested options \
             for DHCP",
            |r, text| r.write_metadata(text, |m| &m.client_fingerprint),
        ),
        Declared::text(
            "server_fingerprint",
            Role::Environment,
            "fingerprint of the server: JA3S for TLS, HASSH for SSH",
            |r, text| r.write_metadata(text, |m| &m.server_fingerprint),
        ),
        Declared::text(
            "user_agent",
            Role::Environment,
            "user agent of HTTP and QUIC clients; class of DHCP clients",
            |r, text| r.write_metadata(text, |m| &m.user_agent),
        ),
        Declared::text(
            "content_type",
            Role::Behaviour,
            "content type of an HTTP response",
            |r, text| r.write_metadata(text, |m| &m.content_type),
        ),
        Declared::flag(
            "application_is_guessed",
            Role::Label,
            "whether the label comes from ports and addresses alone",
            |r| r.application.label.guessed,
        ),
        Declared::code(
            "application_confidence",
            Role::Label,
            "how nDPI found the label, in its own numbering",
            Read::U8(|r| r.application.label.confidence),
        ),
    ]],
};
