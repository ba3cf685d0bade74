//! QUIC handshakes.

use super::{Declaration, Declared, Presence, Quic, Read, Record, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::DissectionFeature,
    shorthand: None,
    about: "The TLS handshake inside QUIC is in the group `tls`.",
    columns: &[&[
        Declared::code(
            "quic_version",
            Role::Behaviour,
            "version as on the wire: 1, 1798521807 for version 2, 4278190109 for draft 29; 0 if \
             none was seen",
            Read::U32(|r| quic(r).map_or(0, |quic| quic.version)),
        ),
        Declared::text(
            "quic_user_agent",
            Role::Environment,
            "user agent, sent by older Google clients",
            |r, text| text.push_str(quic(r).map_or("", |quic| &quic.user_agent)),
        ),
        Declared::flag(
            "quic_version_negotiation",
            Role::Behaviour,
            "whether the server requests another version",
            |r| quic(r).is_some_and(|quic| quic.version_negotiation),
        ),
        Declared::flag("quic_retry", Role::Behaviour, "whether the server requests a token", |r| {
            quic(r).is_some_and(|quic| quic.retry)
        }),
        Declared::flag(
            "quic_early_data",
            Role::Behaviour,
            "whether the client sends data before the handshake ends (0-RTT)",
            |r| quic(r).is_some_and(|quic| quic.early_data),
        ),
    ]],
};

fn quic(record: &Record) -> Option<&Quic> {
    record.metadata()?.quic.as_deref()
}
