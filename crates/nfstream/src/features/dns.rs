//! DNS exchanges.

use std::fmt::Write as _;

use super::{Declaration, Declared, Dns, Presence, Read, Record, Role};

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::DissectionFeature,
    shorthand: None,
    about: "The first exchange of a flow, including mDNS and LLMNR.",
    columns: &[&[
        Declared::text("dns_query_name", Role::Identifier, "name in the question", |r, text| {
            text.push_str(dns(r).map_or("", |dns| &dns.query_name))
        }),
        Declared::code(
            "dns_query_type",
            Role::Behaviour,
            "type in the question, such as 1 for A and 28 for AAAA; 0 if there is none",
            Read::U16(|r| dns(r).map_or(0, |dns| dns.query_type)),
        ),
        Declared::code(
            "dns_response_code",
            Role::Behaviour,
            "code of the response, such as 0 for success and 3 for a name that does not exist; -1 \
             if no response was seen",
            Read::I32(|r| dns(r).and_then(|dns| dns.response_code).map_or(-1, i32::from)),
        ),
        Declared::number(
            "dns_answers",
            "records",
            "records in the answer section of the response",
            Read::U16(|r| dns(r).map_or(0, |dns| dns.answers)),
        ),
        Declared::text(
            "dns_addresses",
            Role::Identifier,
            "addresses in the response, separated by commas",
            write_addresses,
        ),
    ]],
};

fn dns(record: &Record) -> Option<&Dns> {
    record.metadata()?.dns.as_deref()
}

fn write_addresses(record: &Record, text: &mut String) {
    let addresses = dns(record).map_or(&[][..], |dns| &dns.addresses);
    for (place, address) in addresses.iter().enumerate() {
        let separator = if place == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{address}");
    }
}
