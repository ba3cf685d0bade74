//! Protocols directly over IP, known by their number (IANA, "Protocol Numbers").

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
/// IP in IP (RFC 2003).
pub(crate) const IP_IN_IP: Protocol = protocol(&[4, 94], 86, "IP_in_IP");
/// EGP (RFC 904).
pub(crate) const EGP: Protocol = protocol(&[8], 83, "EGP");
/// Cisco's IGRP.
pub(crate) const IGRP: Protocol = protocol(&[9], 10_232, "IGRP");
/// DCCP (RFC 4340).
pub(crate) const DCCP: Protocol = protocol(&[33], 10_223, "DCCP");
/// RSVP (RFC 2205).
pub(crate) const RSVP: Protocol = protocol(&[46], 10_222, "RSVP");
/// GRE (RFC 2784).
pub(crate) const GRE: Protocol = protocol(&[47], 80, "GRE");
/// ESP (RFC 4303).
pub(crate) const ESP: Protocol = vpn(&[50], 117, "ESP");
/// AH (RFC 4302).
pub(crate) const AH: Protocol = vpn(&[51], 116, "AH");
/// NHRP (RFC 2332).
pub(crate) const NHRP: Protocol = protocol(&[54], 10_230, "NHRP");
/// ICMPv6 (RFC 4443).
pub(crate) const ICMPV6: Protocol = protocol(&[58], 102, "ICMPV6");
/// Cisco's EIGRP (RFC 7868).
pub(crate) const EIGRP: Protocol = protocol(&[88], 10_202, "EIGRP");
/// OSPF (RFC 2328).
pub(crate) const OSPF: Protocol = protocol(&[89], 85, "IP_OSPF");
/// EtherIP (RFC 3378).
pub(crate) const ETHER_IP: Protocol = protocol(&[97], 10_226, "EtherIP");
/// PIM (RFC 7761).
pub(crate) const PIM: Protocol = protocol(&[103], 297, "IP_PIM");
/// IPComp (RFC 3173).
pub(crate) const IPCOMP: Protocol = vpn(&[108], 10_227, "IPComp");
/// VRRP (RFC 9568).
pub(crate) const VRRP: Protocol = protocol(&[112], 73, "VRRP");
/// PGM (RFC 3208).
pub(crate) const PGM: Protocol = protocol(&[113], 296, "PGM");
/// L2TPv3 (RFC 3931).
pub(crate) const L2TPV3: Protocol = vpn(&[115], 10_225, "L2TPv3");
/// IS-IS over IPv4.
pub(crate) const ISIS: Protocol = protocol(&[124], 10_229, "IS-IS");
/// SCTP (RFC 9260).
pub(crate) const SCTP: Protocol = protocol(&[132], 84, "SCTP");
/// UDP-Lite (RFC 3828).
pub(crate) const UDP_LITE: Protocol = protocol(&[136], 10_224, "UDP-Lite");
/// MPLS in IP (RFC 4023).
pub(crate) const MPLS: Protocol = protocol(&[137], 10_228, "MPLS-in-IP");
/// HIP (RFC 7401).
pub(crate) const HIP: Protocol = protocol(&[139], 10_231, "HIP");
