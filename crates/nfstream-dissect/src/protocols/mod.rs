//! One file a protocol, and the registry of them.

mod ber;
pub(crate) mod bittorrent;
pub(crate) mod dcerpc;
pub(crate) mod dhcp;
pub(crate) mod diameter;
pub(crate) mod dns;
pub(crate) mod dtls;
pub(crate) mod ftp;
mod headers;
mod hpack;
pub(crate) mod http;
pub(crate) mod http2;
mod icecast;
pub(crate) mod imap;
pub(crate) mod ip;
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
pub(crate) mod quic;
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
pub(crate) mod tls;
mod websocket;
mod xmpp;

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
    &http::RPC_OVER_HTTP,
    &http::HLS,
    &http::MPEG_DASH,
    &http2::GRPC,
    &smb::V1,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::Finding;
    use crate::packet::{Direction, TCP, UDP};
    use crate::probe::{Datagram, History, Streams};
    use crate::protocol::{DatagramParser, Start};

    /// Returns bytes of which the first is one with which the protocol begins.
    fn beginning(start: Start, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if let [first, ..] = &mut bytes[..]
            && let Some(allowed) = (*first..=u8::MAX).chain(0..*first).find(|b| start.allows(*b))
        {
            *first = allowed;
        }
        bytes
    }

    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        // Small numbers make lengths and counts that fit.
        let byte = prop_oneof![any::<u8>(), 0_u8..8, Just(b'\n'), Just(b' ')];
        prop::collection::vec(byte, 0..200)
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_probe_or_parser_panic(client in any_bytes(), server in any_bytes()) {
            let streams = testing::endpoints(TCP, 25);
            let datagrams = testing::endpoints(UDP, 53);
            for protocol in REGISTRY {
                if let Some(rules) = &protocol.stream {
                    let (client, server) =
                        (beginning(rules.client, &client), beginning(rules.server, &server));
                    let streams = Streams {
                        endpoints: &streams,
                        client: &client,
                        server: &server,
                        swapped: false,
                    };
                    (rules.probe)(&streams);
                    let mut finding = testing::finding(true);
                    finding.fingerprints.hassh = true;
                    if let Some(parse) = rules.parse {
                        parse(&streams, &mut finding);
                    }
                }
                let Some(rules) = &protocol.datagram else { continue };
                let mut history = History::default();
                let mut finding: Finding = testing::finding(true);
                for (direction, payload) in
                    [(Direction::FromClient, &client), (Direction::FromServer, &server)]
                {
                    let payload = beginning(rules.start, payload);
                    let datagram = Datagram {
                        endpoints: &datagrams,
                        direction,
                        payload: &payload,
                        history: &history,
                    };
                    (rules.probe)(&datagram);
                    match &rules.parse {
                        DatagramParser::Nothing => {}
                        DatagramParser::Each(parse) => {
                            parse(&datagram, &mut finding);
                        }
                        DatagramParser::Following(make) => {
                            make().add(&datagram, &mut finding);
                        }
                    }
                    history.add(direction, &payload);
                }
            }
        }
    }
}
