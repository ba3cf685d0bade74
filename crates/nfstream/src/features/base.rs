//! The columns that every table has: the flow's key, its times and its volume.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{Declaration, Declared, Presence, Read, Record, Role};
use crate::flow::Direction::{Dst2Src, Src2Dst};
use crate::flow::Sender;

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Always,
    shorthand: None,
    about: "",
    columns: &[&[
        Declared::code(
            "id",
            Role::Identifier,
            "number of the conversation, from 0 in the order of first packets; slices of one \
             conversation share it",
            Read::U64(|r| r.id),
        )
        .ascending(),
        Declared::instant(
            "first_seen",
            "time of the first packet, since the Unix epoch (UTC)",
            |r| Some(r.flow.first_seen),
        )
        .ascending(),
        Declared::instant(
            "last_seen",
            "time of the last packet, since the Unix epoch (UTC)",
            |r| Some(r.flow.last_seen),
        )
        .ascending(),
        Declared::code(
            "version",
            Role::Environment,
            "IP version",
            Read::U8(|r| r.flow.key.version),
        ),
        Declared::code(
            "src_port",
            Role::Identifier,
            "port of the source, 0 outside TCP, UDP, SCTP, UDP-Lite and DCCP; the source is the end that sent the \
             first packet",
            Read::U16(|r| r.flow.key.end(r.flow.src).port),
        ),
        Declared::code(
            "dst_port",
            Role::Identifier,
            "port of the destination, 0 outside TCP, UDP, SCTP, UDP-Lite and DCCP",
            Read::U16(|r| r.flow.key.end(r.flow.src.other()).port),
        ),
        Declared::code(
            "protocol",
            Role::Behaviour,
            "IP protocol number",
            Read::U8(|r| r.flow.key.protocol),
        ),
        Declared::code(
            "vlan_id",
            Role::Environment,
            "innermost VLAN identifier of the first packet, 0 without a tag",
            Read::U16(|r| r.flow.vlan_id),
        ),
        Declared::address("src_ip", "address of the source", |r, text| {
            write_ip(r, r.flow.src, text);
        }),
        Declared::address("dst_ip", "address of the destination", |r, text| {
            write_ip(r, r.flow.src.other(), text);
        }),
        Declared::packets(
            "total_packets",
            "packets of both directions",
            Read::U64(|r| r.volume.total_packets()),
        ),
        Declared::bytes(
            "total_bytes",
            "bytes of both directions on the wire, link header included unless accounting_mode \
             says otherwise",
            Read::U64(|r| r.volume.total_bytes()),
        ),
        Declared::span("duration", "last_seen minus first_seen", |r| {
            Some((r.flow.first_seen, r.flow.last_seen))
        }),
        Declared::packets(
            "src2dst_packets",
            "packets from source to destination",
            Read::U64(|r| r.volume.packets(Src2Dst)),
        ),
        Declared::bytes(
            "src2dst_bytes",
            "bytes from source to destination",
            Read::U64(|r| r.volume.bytes(Src2Dst)),
        ),
        Declared::packets(
            "dst2src_packets",
            "packets from destination to source",
            Read::U64(|r| r.volume.packets(Dst2Src)),
        ),
        Declared::bytes(
            "dst2src_bytes",
            "bytes from destination to source",
            Read::U64(|r| r.volume.bytes(Dst2Src)),
        ),
        Declared::code(
            "expiration_id",
            Role::Behaviour,
            "1 if the active timeout cut the flow and another slice follows; negative if a plugin \
             set it; otherwise 0",
            Read::I32(|r| r.expiration_id),
        ),
    ]],
};

/// Appends an end's address, IPv6 as RFC 5952 writes it.
fn write_ip(record: &Record, end: Sender, text: &mut String) {
    let key = &record.flow.key;
    match key.end(end).ip(key.version) {
        IpAddr::V4(addr) => write_v4(addr.octets(), text),
        // Writing to a string does not fail.
        IpAddr::V6(addr) => drop(write!(text, "{addr}")),
    }
}

/// Appends an IPv4 address; half of a table's text is made of them.
fn write_v4(octets: [u8; 4], text: &mut String) {
    for (place, octet) in octets.into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        if octet >= 100 {
            text.push(char::from(b'0' + octet / 100));
        }
        if octet >= 10 {
            text.push(char::from(b'0' + octet / 10 % 10));
        }
        text.push(char::from(b'0' + octet % 10));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ipv4_addresses_read_as_the_standard_library_writes_them(octets: [u8; 4]) {
            let mut text = String::new();
            write_v4(octets, &mut text);
            prop_assert_eq!(text, std::net::Ipv4Addr::from(octets).to_string());
        }
    }
}
