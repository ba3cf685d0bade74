//! TCP flags and windows of the first packets of a flow.

use super::splt::SpltPacket;
use super::{Declaration, Declared, Kind, Presence, Record};
use crate::packet::protocol::TCP;

pub(super) type State = ();

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::NamedFeature,
    shorthand: None,
    about: "TCP headers of the packets that `splt` lists, as many as `splt_analysis` says, or 10.",
    columns: &[&[
        Declared::of_packets(
            "splt_tcp_flags",
            Kind::Code,
            "TCP flags of each packet, as bits: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK, 32 URG, 64 ECE, \
             128 CWR; -1 where there is no packet, and outside TCP",
            |r, list| write(r, list, |p| p.flags.0.into()),
        ),
        Declared::of_packets(
            "splt_tcp_window",
            Kind::Bytes,
            "TCP window of each packet, not scaled; -1 where there is no packet, and outside TCP",
            |r, list| write(r, list, |p| p.window.into()),
        ),
    ]],
};

/// Appends a number for each packet of a TCP flow, and otherwise -1.
fn write(record: &Record, list: &mut Vec<i64>, number: impl Fn(&SpltPacket) -> i64) {
    let is_tcp = record.flow.key.protocol == TCP;
    record.write_splt(list, |packet| if is_tcp { number(packet) } else { -1 });
}
