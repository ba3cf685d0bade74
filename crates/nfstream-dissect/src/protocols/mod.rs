//! One file a protocol, and the registry of them.

mod aerospike;
mod afp;
mod amqp;
mod avast;
mod bjnp;
mod bolt;
mod capwap;
mod cassandra;
mod ciscovpn;
mod citrix;
mod clickhouse;
mod clusters;
mod coins;
mod direct_connect;
mod dnscrypt;
mod drda;
mod dropbox;
mod edonkey;
mod elasticsearch;
mod firebird;
mod fix;
mod gateway;
mod gearman;
mod gnutella;
mod gtp;
mod hana;
mod health;
pub(crate) mod ip;
mod ipsec;
mod iso8583;
mod java;
mod json;
mod kafka;
mod l2tp;
mod memcached;
mod messaging;
mod mongodb;
pub(crate) mod mysql;
mod nats;
mod ninep;
mod nomachine;
mod notes;
pub(crate) mod ntp;
mod openvpn;
mod oracle;
mod overlay;
mod pcanywhere;
pub(crate) mod postgresql;
mod pptp;
mod radmin;
mod raft;
mod redis;
mod remote_screens;
mod rlogin;
mod rsync;
mod rustdesk;
mod rx;
mod sap;
mod softether;
mod soulseek;
pub(crate) mod ssh;
mod sstp;
mod stomp;
mod storage;
#[cfg(test)]
mod strictness;
mod sunrpc;
mod syncthing;
mod tailscale;
mod tarantool;
mod tds;
mod teamviewer;
mod telnet;
mod teredo;
#[cfg(test)]
pub(crate) mod testing;
mod text_services;
mod thrift;
mod tinc;
mod tunnel_ports;
mod versions;
mod vmware;
mod vnc;
mod wake_on_lan;
mod wireguard;
mod x11;
mod z3950;
mod zeromq;
mod zerotier;

use crate::protocol::Protocol;

/// Every protocol that is known by more than a name. Where the bytes of a flow fit several, the
/// first wins, so decisive probes stand before weak ones.
pub(crate) static REGISTRY: &[&Protocol] = &[
    &dnscrypt::AVAST_SECURE_DNS,
    &dnscrypt::CERTIFICATE,
    &ssh::PROTOCOL,
    &ntp::PROTOCOL,
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
    &gnutella::PROTOCOL,
    &direct_connect::PROTOCOL,
    &syncthing::PROTOCOL,
    &syncthing::RESILIO,
    &dropbox::PROTOCOL,
    &sunrpc::NFS,
    &sunrpc::PROTOCOL,
    &vmware::PROTOCOL,
    &amqp::PROTOCOL,
    &nats::PROTOCOL,
    &zeromq::PROTOCOL,
    &stomp::PROTOCOL,
    &gearman::PROTOCOL,
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
    &messaging::HAPROXY,
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
    &json::JSON_RPC,
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
