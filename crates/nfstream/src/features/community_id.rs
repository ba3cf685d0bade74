//! Community ID, version 1: a hash of a flow's endpoints that several tools compute.
//!
//! <https://github.com/corelight/community-id-spec>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use super::{Declaration, Declared, Measurement, Plan, Presence, Record, Role, Sample};
use crate::packet::protocol::{ICMP, ICMP_V6, SCTP, TCP, UDP};

pub(super) type State = IcmpHeader;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: None,
    about: "",
    columns: &[&[Declared::text(
        "community_id",
        Role::Identifier,
        "Community ID version 1 with seed 0, as Zeek and Suricata compute it",
        write,
    )]],
};

/// Type and code of the first packet's ICMP header.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct IcmpHeader(Option<(u8, u8)>);

/// Types of ICMP requests and their replies, so that both directions have one identifier.
const ICMP_PAIRS: [(u8, u8); 5] = [(8, 0), (13, 14), (15, 16), (10, 9), (17, 18)];
/// The same for ICMPv6.
const ICMPV6_PAIRS: [(u8, u8); 6] =
    [(128, 129), (133, 134), (135, 136), (130, 131), (144, 145), (139, 140)];

impl Measurement for IcmpHeader {
    fn begin(&mut self, _: &Plan, sample: &Sample<'_>) {
        let (packet, frame) = (sample.packet, sample.frame());
        if matches!(packet.protocol, ICMP | ICMP_V6) {
            let header = usize::try_from(packet.transport_offset).ok();
            let header = header.and_then(|offset| frame.get(offset..)?.first_chunk::<2>());
            self.0 = header.map(|[kind, code]| (*kind, *code));
        }
    }

    /// Slices of one conversation have one identifier.
    fn continue_from(&mut self, before: &Self) {
        *self = *before;
    }
}

/// Appends the identifier of `record`'s flow, with seed 0.
fn write(record: &Record, text: &mut String) {
    let key = &record.flow.key;
    let (src, dst) = (key.end(record.flow.src), key.end(record.flow.src.other()));
    let addr_len = if key.version == 4 { 4 } else { 16 };
    let mut ends = [(src.addr, src.port), (dst.addr, dst.port)];
    let mut one_way = false;
    let mut has_ports = matches!(key.protocol, TCP | UDP | SCTP);
    if let (ICMP | ICMP_V6, Some((kind, code))) =
        (key.protocol, record.measured(|m| m.community_id.0))
    {
        let pairs: &[_] = if key.protocol == ICMP { &ICMP_PAIRS } else { &ICMPV6_PAIRS };
        let answer = pairs.iter().find_map(|&(ask, answer)| match kind {
            _ if kind == ask => Some(answer),
            _ if kind == answer => Some(ask),
            _ => None,
        });
        one_way = answer.is_none();
        has_ports = true;
        (ends[0].1, ends[1].1) = (kind.into(), answer.unwrap_or(code).into());
    }
    if !one_way && ends[0] > ends[1] {
        ends.swap(0, 1);
    }
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    for (addr, _) in &ends {
        hash.update(addr.get(..addr_len).unwrap_or_default());
    }
    hash.update([key.protocol, 0]);
    if has_ports {
        for (_, port) in &ends {
            hash.update(port.to_be_bytes());
        }
    }
    text.push_str("1:");
    STANDARD.encode_string(hash.finalize(), text);
}
