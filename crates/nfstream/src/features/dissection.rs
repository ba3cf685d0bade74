//! Further metadata that the dissector reads from the packets of a flow.

use super::label::Confidence;
use super::{Declaration, Declared, Presence, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::DissectionFeature,
    shorthand: None,
    about: "The group's former name `ndpi` is still valid.",
    columns: &[&[
        Declared::text(
            "requested_server_name",
            Role::Identifier,
            "name of the server that the client requests: TLS and QUIC server name, HTTP host, DNS \
             name",
            |r, text| r.write_metadata(text, |m| &m.requested_server_name),
        ),
        Declared::text(
            "dns_name",
            Role::Identifier,
            "name that a DNS answer gave the server's address before the flow began, in lower case",
            |r, text| text.push_str(r.application.dns_name.as_deref().unwrap_or_default()),
        ),
        Declared::text(
            "client_fingerprint",
            Role::Environment,
            "fingerprint of the client: JA4 in nDPI's form for TLS, DTLS and QUIC (JA3 where nDPI \
             is older than 4.10), HASSH for SSH, requested options for DHCP",
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
            "whether the label comes only from ports, addresses and other flows",
            |r| r.application.label.guessed,
        ),
        Declared::label(
            "application_confidence",
            Role::Label,
            "method that found the label: dpi (the bytes of the flow), name (a name in it), rule \
             (a rule of the user), guess (bytes that are not decisive, or other flows), dns (a DNS \
             answer), address or port; empty without a label",
            |r| r.application.label.confidence.code(),
            |_, code, text| text.push_str(Confidence::of_code(code).name()),
        ),
    ]],
};
