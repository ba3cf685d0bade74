//! One file a protocol, and the registry of them.

mod ads;
mod aerospike;
mod afp;
mod agora;
mod amqp;
pub(crate) mod apple_push;
mod armagetron;
mod atg;
mod avast;
mod bacnet;
mod ber;
mod bfcp;
mod bfd;
mod bgp;
pub(crate) mod bittorrent;
mod bjnp;
mod blizzard;
mod bolt;
mod c1222;
mod c37118;
mod can_eth;
mod capwap;
mod cassandra;
mod ciscovpn;
mod citrix;
mod clickhouse;
mod clusters;
mod cnp_ip;
mod coap;
mod coins;
mod collectd;
mod consoles;
mod cpha;
mod crc;
pub(crate) mod dcerpc;
pub(crate) mod dhcp;
pub(crate) mod diameter;
mod direct_connect;
mod discord;
mod distcc;
mod dlep;
mod dlms;
mod dnp3;
pub(crate) mod dns;
mod dnscrypt;
mod doip;
mod drda;
mod dropbox;
pub(crate) mod dtls;
mod eaq;
mod easy_weather;
mod edonkey;
mod egd;
mod elasticsearch;
mod enet;
mod ethernet_ip;
mod fins;
mod firebird;
mod first_hop;
mod fix;
mod flute;
pub(crate) mod ftp;
mod games;
mod gateway;
mod ge_srtp;
mod gearman;
mod gelf;
mod gnutella;
mod gtp;
mod hana;
mod hart_ip;
mod headers;
mod health;
mod hislip;
mod hpack;
pub(crate) mod http;
pub(crate) mod http2;
mod icecast;
mod iec104;
pub(crate) mod imap;
pub(crate) mod ip;
mod iperf;
mod ipsec;
mod irc;
mod iso8583;
mod iso_transport;
mod java;
mod json;
mod kafka;
mod kakao;
mod kcp;
pub(crate) mod kerberos;
mod kismet;
mod knx;
mod l2tp;
pub(crate) mod ldap;
mod ldp;
mod line_call;
mod lines;
mod lisp;
mod lorawan;
mod matter;
mod melsec;
mod memcached;
mod meraki;
mod messaging;
mod messengers;
mod mikrotik;
mod minecraft;
mod modbus;
mod mongodb;
mod monitoring;
mod mpeg_ts;
pub(crate) mod mqtt;
mod msdo;
mod msrp;
pub(crate) mod mysql;
mod nano;
mod nats;
mod nest;
pub(crate) mod netbios;
mod netflow;
mod ninep;
mod nntp;
mod noe;
mod nomachine;
mod notes;
mod nrpe;
pub(crate) mod ntlm;
pub(crate) mod ntp;
mod olsr;
mod ookla;
mod opc_ua;
mod openflow;
mod openvpn;
mod oracle;
mod overlay;
mod pcanywhere;
mod pfcp;
mod pop3;
mod port_hints;
mod port_mapping;
pub(crate) mod postgresql;
mod pptp;
mod protobuf;
mod ptp;
pub(crate) mod quic;
pub(crate) mod radius;
mod radmin;
mod raft;
mod raknet;
pub(crate) mod rdp;
mod redis;
mod remote_screens;
mod riot;
mod rip;
mod ripe_atlas;
mod rlogin;
mod rmcp;
mod roughtime;
mod rpc_text;
mod rsync;
mod rtmp;
pub(crate) mod rtp;
mod rtps;
pub(crate) mod rtsp;
mod rustdesk;
mod rx;
mod sap;
mod sbus;
mod sdp;
mod serf;
mod sflow;
pub(crate) mod sip;
mod slp;
pub(crate) mod smb;
pub(crate) mod smtp;
pub(crate) mod snmp;
pub(crate) mod socks;
mod softether;
mod some_ip;
mod soulseek;
mod source_engine;
mod spotify;
mod srt;
pub(crate) mod ssdp;
pub(crate) mod ssh;
mod sstp;
mod starttls;
mod statsd;
#[cfg(test)]
mod steadiness;
mod steam;
mod stomp;
mod storage;
#[cfg(test)]
mod strictness;
pub(crate) mod stun;
mod sunrpc;
mod syncthing;
mod syslog;
mod tacacs;
mod tailscale;
mod tarantool;
mod tds;
mod teamviewer;
mod telegram;
mod telephony;
mod telnet;
mod tencent;
mod tencent_games;
mod teredo;
#[cfg(test)]
pub(crate) mod testing;
mod text_services;
pub(crate) mod tftp;
mod thrift;
pub(crate) mod tinc;
mod tivo;
pub(crate) mod tls;
mod tplink;
mod trdp;
mod tristation;
mod tunnel_ports;
mod tuya;
mod ubiquiti;
mod uftp;
mod versions;
mod viber;
mod vmware;
mod vnc;
mod voice_chat;
mod wake_on_lan;
mod websocket;
mod whatsapp;
mod wireguard;
mod ws_discovery;
mod x11;
mod xiaomi;
pub(crate) mod xmpp;
mod z3950;
mod zeromq;
mod zerotier;
mod zoom;

use crate::protocol::Protocol;

/// Every protocol that is known by more than a name. Where the bytes of a flow fit several, the
/// first wins, so decisive probes stand before weak ones.
pub(crate) static REGISTRY: &[&Protocol] = &[
    &apple_push::PROTOCOL,
    &tls::PROTOCOL,
    &tls::carried::IMAPS,
    &tls::carried::POPS,
    &tls::carried::SMTPS,
    &tls::carried::FTPS,
    &tls::carried::DOH_DOT,
    &quic::PROTOCOL,
    &dtls::PROTOCOL,
    &stun::PROTOCOL,
    &ssh::PROTOCOL,
    &bittorrent::PROTOCOL,
    &ssdp::PROTOCOL,
    &sip::PROTOCOL,
    &rtsp::PROTOCOL,
    &icecast::PROTOCOL,
    &nats::PROTOCOL,
    &stomp::PROTOCOL,
    &gnutella::PROTOCOL,
    &messaging::HAPROXY,
    &http2::PROTOCOL,
    &http::PROTOCOL,
    &smb::PROTOCOL,
    &netbios::PROTOCOL,
    &dnscrypt::AVAST_SECURE_DNS,
    &dnscrypt::CERTIFICATE,
    &dns::MDNS,
    &dns::LLMNR,
    &dns::PROTOCOL,
    &dhcp::PROTOCOL,
    &dhcp::DHCPV6,
    &ntp::PROTOCOL,
    &bgp::PROTOCOL,
    &meraki::PROTOCOL,
    &kismet::PROTOCOL,
    &tivo::PROTOCOL,
    &can_eth::PROTOCOL,
    &roughtime::PROTOCOL,
    &bacnet::PROTOCOL,
    &knx::PROTOCOL,
    &tuya::PROTOCOL,
    &xiaomi::PROTOCOL,
    &nest::PROTOCOL,
    &opc_ua::PROTOCOL,
    &ethernet_ip::PROTOCOL,
    &ethernet_ip::CIP,
    &iso_transport::S7COMM,
    &iso_transport::S7COMM_PLUS,
    &iso_transport::MMS,
    &dnp3::PROTOCOL,
    &iec104::PROTOCOL,
    &c37118::PROTOCOL,
    &dlms::PROTOCOL,
    &ads::PROTOCOL,
    &sbus::ETHER_S_BUS,
    &sbus::ETHER_S_IO,
    &fins::PROTOCOL,
    &melsec::PROTOCOL,
    &atg::PROTOCOL,
    &trdp::PROTOCOL,
    &doip::PROTOCOL,
    &monitoring::ZABBIX,
    &monitoring::CHECKMK,
    &monitoring::MUNIN,
    &rmcp::PROTOCOL,
    &dlep::PROTOCOL,
    &ws_discovery::PROTOCOL,
    &netflow::PROTOCOL,
    &sflow::PROTOCOL,
    &ldp::PROTOCOL,
    &first_hop::HSRP,
    &first_hop::GLBP,
    &bfd::PROTOCOL,
    &rip::RIP,
    &rip::RIPNG,
    &olsr::PROTOCOL,
    &slp::PROTOCOL,
    &port_mapping::NAT_PMP,
    &port_mapping::PCP,
    &ptp::PROTOCOL,
    &collectd::PROTOCOL,
    &statsd::GAIJIN,
    &statsd::STATSD,
    &serf::PROTOCOL,
    &gelf::PROTOCOL,
    &tacacs::PROTOCOL,
    &nrpe::PROTOCOL,
    &hart_ip::PROTOCOL,
    &c1222::PROTOCOL,
    &cnp_ip::PROTOCOL,
    &egd::PROTOCOL,
    &tristation::PROTOCOL,
    &ge_srtp::PROTOCOL,
    &mikrotik::PROTOCOL,
    &ubiquiti::PROTOCOL,
    &cpha::PROTOCOL,
    &lorawan::PROTOCOL,
    &easy_weather::PROTOCOL,
    &matter::PROTOCOL,
    &some_ip::PROTOCOL,
    &tplink::PROTOCOL,
    &modbus::PROTOCOL,
    &modbus::UMAS,
    &spotify::PROTOCOL,
    &openflow::PROTOCOL,
    &pfcp::PROTOCOL,
    &lisp::PROTOCOL,
    &msdo::PROTOCOL,
    &ookla::PROTOCOL,
    &ripe_atlas::PROTOCOL,
    &flute::PROTOCOL,
    &raknet::ROBLOX,
    &tencent_games::PROTOCOL,
    &uftp::PROTOCOL,
    &rtps::PROTOCOL,
    &hislip::PROTOCOL,
    &msrp::PROTOCOL,
    &nano::PROTOCOL,
    &rtmp::PROTOCOL,
    &enet::ENET,
    &enet::PHOTON,
    &kcp::PROTOCOL,
    &discord::PROTOCOL,
    &telegram::PROTOCOL,
    &telegram::VOIP,
    &whatsapp::PROTOCOL,
    &tencent::WECHAT,
    &agora::PROTOCOL,
    &steam::STEAM,
    &steam::RELAY,
    &source_engine::SOURCE_ENGINE,
    &source_engine::QUAKE,
    &consoles::PLAYSTATION,
    &consoles::NINTENDO,
    &consoles::XBOX,
    &voice_chat::TEAMSPEAK,
    &blizzard::WORLD_OF_WARCRAFT,
    &blizzard::BATTLE_NET,
    &minecraft::PROTOCOL,
    &messengers::OSCAR,
    &messengers::MSN,
    &messengers::YAHOO,
    &games::GENSHIN_IMPACT,
    &games::AMONG_US,
    &games::TES_ONLINE,
    &games::GUILD_WARS_2,
    &games::YOJIMBO,
    &zoom::PROTOCOL,
    &tencent::OICQ,
    &kakao::PROTOCOL,
    &vnc::PROTOCOL,
    &citrix::PROTOCOL,
    &rsync::PROTOCOL,
    &nomachine::PROTOCOL,
    &avast::PROTOCOL,
    &pptp::PROTOCOL,
    &radmin::PROTOCOL,
    &ipsec::PROTOCOL,
    &sstp::PROTOCOL,
    &tinc::PROTOCOL,
    &storage::CEPH,
    &storage::NBD,
    &storage::LUSTRE,
    &storage::BACULA,
    &storage::ISCSI,
    &versions::GIT,
    &versions::SUBVERSION,
    &versions::CVS,
    &direct_connect::PROTOCOL,
    &syncthing::PROTOCOL,
    &syncthing::RESILIO,
    &dropbox::PROTOCOL,
    &sunrpc::NFS,
    &sunrpc::PROTOCOL,
    &vmware::PROTOCOL,
    &amqp::PROTOCOL,
    &zeromq::PROTOCOL,
    &gearman::PROTOCOL,
    &distcc::PROTOCOL,
    &elasticsearch::PROTOCOL,
    &bolt::PROTOCOL,
    &drda::PROTOCOL,
    &java::RMI,
    &java::JDWP,
    &health::HL7,
    &health::DICOM,
    &fix::PROTOCOL,
    &messaging::CORBA,
    &messaging::OPENWIRE,
    &coins::MONERO,
    &coins::BITCOIN,
    &gateway::AJP,
    &gateway::FASTCGI,
    &raft::PROTOCOL,
    &cassandra::PROTOCOL,
    &mongodb::PROTOCOL,
    &postgresql::PROTOCOL,
    &tds::PROTOCOL,
    &oracle::PROTOCOL,
    &mysql::PROTOCOL,
    &json::MINING,
    &z3950::PROTOCOL,
    &notes::PROTOCOL,
    &afp::PROTOCOL,
    &x11::PROTOCOL,
    &x11::XDMCP,
    &tailscale::PROTOCOL,
    &wireguard::PROTOCOL,
    &wireguard::WARP,
    &l2tp::PROTOCOL,
    &softether::PROTOCOL,
    &teredo::PROTOCOL,
    &capwap::PROTOCOL,
    &overlay::VXLAN,
    &overlay::GENEVE,
    &overlay::GRE,
    &gtp::PROTOCOL,
    &gtp::USER,
    &gtp::CONTROL,
    &gtp::PRIME,
    &bjnp::PROTOCOL,
    &ciscovpn::PROTOCOL,
    &tunnel_ports::HAMACHI,
    &tunnel_ports::FORTICLIENT,
    &remote_screens::SPICE,
    &remote_screens::GUACAMOLE,
    &remote_screens::SYNERGY,
    &remote_screens::ADB,
    &firebird::PROTOCOL,
    &hana::PROTOCOL,
    &tarantool::PROTOCOL,
    &clusters::ZOOKEEPER,
    &clusters::HADOOP,
    &clusters::CASSANDRA_NODES,
    &clusters::EPMD,
    &clusters::NSQ,
    &clusters::PULSAR,
    &ninep::PROTOCOL,
    &wake_on_lan::PROTOCOL,
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
    &openvpn::PROTOCOL,
    &redis::PROTOCOL,
    &memcached::PROTOCOL,
    &memcached::COUCHBASE,
    &thrift::PROTOCOL,
    &kafka::PROTOCOL,
    &clickhouse::PROTOCOL,
    &sap::PROTOCOL,
    &messaging::SMPP,
    &gateway::UWSGI,
    &edonkey::PROTOCOL,
    &teamviewer::PROTOCOL,
    &telnet::PROTOCOL,
    &versions::PERFORCE,
    &aerospike::PROTOCOL,
    &soulseek::PROTOCOL,
    &zerotier::PROTOCOL,
    &rustdesk::PROTOCOL,
    &coins::ETHEREUM,
    &rx::PROTOCOL,
    &rlogin::RSH,
    &rlogin::REXEC,
    &rlogin::RLOGIN,
    &pcanywhere::PROTOCOL,
    &text_services::WHOIS,
    &text_services::FINGER,
    &text_services::GOPHER,
    &text_services::IDENT,
    &text_services::DAYTIME,
    &text_services::TIME,
    &text_services::ECHO,
    &text_services::DISCARD,
    &text_services::CHARGEN,
    &text_services::QOTD,
    &iso8583::PROTOCOL,
    &dnscrypt::PROTOCOL,
    &raknet::PROTOCOL,
    &mpeg_ts::PROTOCOL,
    &srt::SRT,
    &srt::UDT,
    &voice_chat::MUMBLE,
    &bfcp::PROTOCOL,
    &viber::PROTOCOL,
    &riot::PROTOCOL,
    &games::ACTIVISION,
    &games::COD_MOBILE,
    &line_call::PROTOCOL,
    &blizzard::HEROES,
    &noe::PROTOCOL,
    &coap::PROTOCOL,
    &eaq::PROTOCOL,
    &armagetron::PROTOCOL,
    &syslog::PROTOCOL,
    &rpc_text::SOAP,
    &rpc_text::JSON_RPC,
    &bittorrent::UTP,
    &rtp::RTCP,
    &rtp::PROTOCOL,
    &stun::LATE,
    &iperf::PROTOCOL,
    &protobuf::PROTOCOL,
    &port_hints::OSPF,
    &port_hints::TARGUS_DATASPEED,
    &port_hints::SAMSUNG_SDP,
    &port_hints::SONOS,
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
    &ip::IP_IN_IP,
    &ip::EGP,
    &ip::IGRP,
    &ip::DCCP,
    &ip::RSVP,
    &ip::GRE,
    &ip::ESP,
    &ip::AH,
    &ip::NHRP,
    &ip::ICMPV6,
    &ip::EIGRP,
    &ip::OSPF,
    &ip::ETHER_IP,
    &ip::PIM,
    &ip::IPCOMP,
    &ip::VRRP,
    &ip::PGM,
    &ip::L2TPV3,
    &ip::ISIS,
    &ip::SCTP,
    &ip::UDP_LITE,
    &ip::MPLS,
    &ip::HIP,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::{Candidates, Finding};
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

    #[test]
    fn every_protocol_has_a_place_among_the_candidates() {
        let streams = REGISTRY.iter().filter(|protocol| protocol.stream.is_some()).count();
        let datagrams = REGISTRY.iter().filter(|protocol| protocol.datagram.is_some()).count();
        assert!(streams <= Candidates::MAX, "{streams}");
        assert!(datagrams <= Candidates::MAX, "{datagrams}");
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
