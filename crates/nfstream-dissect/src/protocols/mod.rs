//! One file a protocol, and the registry of them.

mod ads;
mod agora;
mod apple_push;
mod armagetron;
mod atg;
mod bacnet;
mod bfcp;
mod bfd;
mod bgp;
mod blizzard;
mod c1222;
mod c37118;
mod can_eth;
mod cnp_ip;
mod coap;
mod collectd;
mod consoles;
mod cpha;
mod crc;
mod discord;
mod dlep;
mod dlms;
mod dnp3;
mod doip;
mod eaq;
mod easy_weather;
mod egd;
mod enet;
mod ethernet_ip;
mod fins;
mod first_hop;
mod flute;
mod games;
mod ge_srtp;
mod gelf;
mod hart_ip;
mod hislip;
mod iec104;
pub(crate) mod ip;
mod iso_transport;
mod kakao;
mod kcp;
mod kismet;
mod knx;
mod ldp;
mod line_call;
mod lisp;
mod lorawan;
mod matter;
mod melsec;
mod meraki;
mod messengers;
mod mikrotik;
mod minecraft;
mod modbus;
mod monitoring;
mod mpeg_ts;
mod msdo;
mod msrp;
mod nano;
mod nest;
mod netflow;
mod nrpe;
pub(crate) mod ntp;
mod olsr;
mod ookla;
mod opc_ua;
mod openflow;
mod pfcp;
mod port_hints;
mod port_mapping;
mod ptp;
mod raknet;
mod riot;
mod rip;
mod ripe_atlas;
mod rmcp;
mod roughtime;
mod rtmp;
mod rtps;
mod sbus;
mod serf;
mod sflow;
mod slp;
mod some_ip;
mod source_engine;
mod spotify;
mod srt;
pub(crate) mod ssh;
mod statsd;
#[cfg(test)]
mod steadiness;
mod steam;
mod tacacs;
mod telegram;
mod tencent;
mod tencent_games;
#[cfg(test)]
mod testing;
mod tivo;
mod tplink;
mod trdp;
mod tristation;
mod tuya;
mod ubiquiti;
mod uftp;
mod viber;
mod voice_chat;
mod whatsapp;
mod ws_discovery;
mod xiaomi;
mod zoom;

use crate::protocol::Protocol;

/// Every protocol that is known by more than a name. Where the bytes of a flow fit several, the
/// first wins, so decisive probes stand before weak ones.
pub(crate) static REGISTRY: &[&Protocol] = &[
    &apple_push::PROTOCOL,
    &ssh::PROTOCOL,
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
    &coap::PROTOCOL,
    &eaq::PROTOCOL,
    &armagetron::PROTOCOL,
    &port_hints::OSPF,
    &port_hints::TARGUS_DATASPEED,
    &port_hints::SAMSUNG_SDP,
    &port_hints::SONOS,
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
