//! One file a protocol, and the registry of them.

pub(crate) mod ip;
pub(crate) mod ntp;
pub(crate) mod ssh;

use crate::protocol::Protocol;

/// Every protocol that is known by more than a name. Where the bytes of a flow fit several, the
/// first wins, so decisive probes stand before weak ones.
pub(crate) static REGISTRY: &[&Protocol] = &[
    &ssh::PROTOCOL,
    &ntp::PROTOCOL,
    &ip::ICMP,
    &ip::IGMP,
    &ip::EGP,
    &ip::GRE,
    &ip::ESP,
    &ip::AH,
    &ip::ICMPV6,
    &ip::OSPF,
    &ip::PIM,
    &ip::VRRP,
    &ip::SCTP,
];
