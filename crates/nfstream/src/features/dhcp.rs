//! DHCP clients.

use super::{Declaration, Declared, Dhcp, Presence, Read, Record, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::DissectionFeature,
    shorthand: None,
    about: "Messages of DHCP and DHCPv6.",
    columns: &[&[
        Declared::code(
            "dhcp_message_type",
            Role::Behaviour,
            "type of the message, such as 1 for discover and 3 for request; 0 if none was seen",
            Read::U8(|r| dhcp(r).map_or(0, |dhcp| dhcp.message_type)),
        ),
        Declared::text("dhcp_host_name", Role::Identifier, "name of the client", |r, text| {
            write(r, text, |dhcp| &dhcp.host_name);
        }),
        Declared::text(
            "dhcp_vendor_class",
            Role::Environment,
            "vendor class of the client",
            |r, text| write(r, text, |dhcp| &dhcp.vendor_class),
        ),
        Declared::text(
            "dhcp_fingerprint",
            Role::Environment,
            "numbers of the options that the client requests, in its order; they depend on its \
             operating system",
            |r, text| write(r, text, |dhcp| &dhcp.fingerprint),
        ),
    ]],
};

fn dhcp(record: &Record) -> Option<&Dhcp> {
    record.metadata()?.dhcp.as_deref()
}

fn write(record: &Record, text: &mut String, field: fn(&Dhcp) -> &str) {
    if let Some(dhcp) = dhcp(record) {
        text.push_str(field(dhcp));
    }
}
