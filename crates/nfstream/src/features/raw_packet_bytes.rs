//! Bytes of the first packets of a flow, unchanged.

use super::first_bytes::FirstBytes;
use super::{Declaration, Declared, Presence, Role};

pub(super) type State = FirstBytes<false>;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::NamedFeature,
    shorthand: None,
    about: "As `packet_bytes`, with the same parameter for the numbers of packets and bytes, but \
            with addresses, ports and checksums: models learn the hosts of the data set from them.",
    columns: &[&[Declared::raw(
        "raw_packet_bytes",
        Role::Identifier,
        "bytes of the first packets as captured",
        |r, bytes| {
            if let Some(measures) = r.measures.as_deref() {
                measures.raw_packet_bytes.write(bytes);
            }
        },
    )]],
};
