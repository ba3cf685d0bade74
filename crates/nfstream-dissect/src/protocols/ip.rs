//! Protocols directly over IP, known by their number.

use crate::label::{Category, ProtocolId};
use crate::protocol::Protocol;

const fn protocol(number: &'static [u8], id: u16, name: &'static str) -> Protocol {
    Protocol {
        id: ProtocolId(id),
        name,
        category: Category(14),
        ip_protocols: number,
        ..Protocol::NEW
    }
}

const fn vpn(number: &'static [u8], id: u16, name: &'static str) -> Protocol {
    Protocol { category: Category(2), ..protocol(number, id, name) }
}

/// ICMP (RFC 792).
pub(crate) const ICMP: Protocol = protocol(&[1], 81, "ICMP");
/// IGMP (RFC 3376).
pub(crate) const IGMP: Protocol = protocol(&[2], 82, "IGMP");
/// EGP (RFC 904).
pub(crate) const EGP: Protocol = protocol(&[8], 83, "EGP");
/// GRE (RFC 2784).
pub(crate) const GRE: Protocol = protocol(&[47], 80, "GRE");
/// ESP (RFC 4303).
pub(crate) const ESP: Protocol = vpn(&[50], 117, "ESP");
/// AH (RFC 4302).
pub(crate) const AH: Protocol = vpn(&[51], 116, "AH");
/// ICMPv6 (RFC 4443).
pub(crate) const ICMPV6: Protocol = protocol(&[58], 102, "ICMPV6");
/// OSPF (RFC 2328).
pub(crate) const OSPF: Protocol = protocol(&[89], 85, "IP_OSPF");
/// PIM (RFC 7761).
pub(crate) const PIM: Protocol = protocol(&[103], 297, "IP_PIM");
/// VRRP (RFC 9568).
pub(crate) const VRRP: Protocol = protocol(&[112], 73, "VRRP");
/// SCTP (RFC 9260).
pub(crate) const SCTP: Protocol = protocol(&[132], 84, "SCTP");
