//! One file a protocol, and the registry of them.

mod ber;
pub(crate) mod bittorrent;
pub(crate) mod dcerpc;
pub(crate) mod dhcp;
pub(crate) mod diameter;
pub(crate) mod dns;
pub(crate) mod ftp;
mod headers;
mod hpack;
pub(crate) mod http;
pub(crate) mod http2;
mod icecast;
pub(crate) mod imap;
mod ip;
mod irc;
pub(crate) mod kerberos;
pub(crate) mod ldap;
mod lines;
pub(crate) mod mqtt;
pub(crate) mod netbios;
mod nntp;
pub(crate) mod ntlm;
pub(crate) mod ntp;
mod pop3;
pub(crate) mod radius;
pub(crate) mod rdp;
mod rpc_text;
pub(crate) mod rtp;
pub(crate) mod rtsp;
mod sdp;
pub(crate) mod sip;
pub(crate) mod smb;
pub(crate) mod smtp;
pub(crate) mod snmp;
pub(crate) mod socks;
pub(crate) mod ssdp;
pub(crate) mod ssh;
mod starttls;
pub(crate) mod stun;
mod syslog;
mod telephony;
#[cfg(test)]
mod testing;
pub(crate) mod tftp;
mod websocket;
mod xmpp;

use crate::protocol::Protocol;

/// Every protocol that is known by more than a name. Where the bytes of a flow fit several, the
/// first wins, so decisive probes stand before weak ones.
pub(crate) static REGISTRY: &[&Protocol] = &[
    &ssh::PROTOCOL,
    &bittorrent::PROTOCOL,
    &ssdp::PROTOCOL,
    &sip::PROTOCOL,
    &rtsp::PROTOCOL,
    &icecast::PROTOCOL,
    &http2::PROTOCOL,
    &http::PROTOCOL,
    &smb::PROTOCOL,
    &netbios::PROTOCOL,
    &dns::MDNS,
    &dns::LLMNR,
    &dns::PROTOCOL,
    &dhcp::PROTOCOL,
    &dhcp::DHCPV6,
    &ntp::PROTOCOL,
    &kerberos::PROTOCOL,
    &ldap::PROTOCOL,
    &snmp::PROTOCOL,
    &rdp::PROTOCOL,
    &dcerpc::PROTOCOL,
    &xmpp::PROTOCOL,
    &ftp::PROTOCOL,
    &smtp::PROTOCOL,
    &pop3::PROTOCOL,
    &imap::PROTOCOL,
    &nntp::PROTOCOL,
    &irc::PROTOCOL,
    &mqtt::PROTOCOL,
    &socks::PROTOCOL,
    &diameter::PROTOCOL,
    &radius::PROTOCOL,
    &tftp::PROTOCOL,
    &telephony::MEGACO,
    &telephony::MGCP,
    &telephony::H323,
    &telephony::SKINNY,
    &telephony::IAX,
    &stun::PROTOCOL,
    &syslog::PROTOCOL,
    &rpc_text::SOAP,
    &rpc_text::JSON_RPC,
    &bittorrent::UTP,
    &rtp::RTCP,
    &rtp::PROTOCOL,
    &websocket::PROTOCOL,
    &http::PROXY,
    &http::CONNECT,
    &http::OCSP,
    &http::WEBDAV,
    &http::IPP,
    &http::HLS,
    &http::MPEG_DASH,
    &http2::GRPC,
    &smb::V1,
    &smtp::SMTPS,
    &pop3::POPS,
    &imap::IMAPS,
    &ftp::FTPS,
    &ftp::DATA,
    &rtp::SRTP,
    &dcerpc::PROFINET,
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
