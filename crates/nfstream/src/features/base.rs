//! The columns that every table has: the flow's key, its times and its volume.

use std::net::IpAddr;

use super::ip_text::{push_v4, push_v6};
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

/// Appends an end's address.
fn write_ip(record: &Record, end: Sender, text: &mut String) {
    let key = &record.flow.key;
    match key.end(end).ip(key.version) {
        IpAddr::V4(addr) => push_v4(addr.octets(), text),
        IpAddr::V6(addr) => push_v6(addr, text),
    }
}
