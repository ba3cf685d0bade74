//! One file a protocol, and the registry of them.

pub(crate) mod dtls;
pub(crate) mod ip;
pub(crate) mod ntp;
pub(crate) mod quic;
pub(crate) mod ssh;
#[cfg(test)]
mod testing;
pub(crate) mod tls;

use crate::protocol::Protocol;

/// Every protocol that is known by more than a name. Where the bytes of a flow fit several, the
/// first wins, so decisive probes stand before weak ones.
pub(crate) static REGISTRY: &[&Protocol] = &[
    &tls::PROTOCOL,
    &tls::carried::IMAPS,
    &tls::carried::POPS,
    &tls::carried::SMTPS,
    &tls::carried::FTPS,
    &tls::carried::DOH_DOT,
    &quic::PROTOCOL,
    &dtls::PROTOCOL,
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
