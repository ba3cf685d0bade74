//! SSH handshakes.

use super::{Declaration, Declared, Presence, Record, Role, Ssh};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::DissectionFeature,
    shorthand: None,
    about: "",
    columns: &[&[
        Declared::text(
            "ssh_client_version",
            Role::Environment,
            "version line of the client",
            |r, text| write(r, text, |ssh| &ssh.client_version),
        ),
        Declared::text(
            "ssh_server_version",
            Role::Environment,
            "version line of the server",
            |r, text| write(r, text, |ssh| &ssh.server_version),
        ),
        Declared::text(
            "ssh_client_hassh",
            Role::Environment,
            "HASSH fingerprint of the client",
            |r, text| write(r, text, |ssh| &ssh.client_hassh),
        ),
        Declared::text(
            "ssh_server_hassh",
            Role::Environment,
            "HASSH fingerprint of the server",
            |r, text| write(r, text, |ssh| &ssh.server_hassh),
        ),
    ]],
};

fn write(record: &Record, text: &mut String, field: fn(&Ssh) -> &str) {
    if let Some(ssh) = record.metadata().and_then(|metadata| metadata.ssh.as_deref()) {
        text.push_str(field(ssh));
    }
}
