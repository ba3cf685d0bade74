//! Metadata that parsers read in addition to the label.
//!
//! A protocol with fields of its own adds one boxed struct here, so that a flow without them pays
//! a pointer.

use std::net::IpAddr;

use crate::label::ProtocolId;
pub use crate::protocols::bittorrent::BitTorrent;
pub use crate::protocols::dcerpc::Dcerpc;
pub use crate::protocols::dhcp::Dhcp;
pub use crate::protocols::diameter::Diameter;
pub use crate::protocols::dns::{Answer, Dns};
pub use crate::protocols::ftp::Ftp;
pub use crate::protocols::http::Http;
pub use crate::protocols::http2::Http2;
pub use crate::protocols::kerberos::Kerberos;
pub use crate::protocols::ldap::Ldap;
pub use crate::protocols::mqtt::Mqtt;
pub use crate::protocols::mysql::Mysql;
pub use crate::protocols::netbios::NetBios;
pub use crate::protocols::ntlm::Ntlm;
pub use crate::protocols::ntp::Ntp;
pub use crate::protocols::postgresql::Postgresql;
pub use crate::protocols::quic::Quic;
pub use crate::protocols::radius::Radius;
pub use crate::protocols::rdp::Rdp;
pub use crate::protocols::rtp::Rtp;
pub use crate::protocols::rtsp::Rtsp;
pub use crate::protocols::sip::Sip;
pub use crate::protocols::smb::Smb;
pub use crate::protocols::smtp::Mail;
pub use crate::protocols::snmp::Snmp;
pub use crate::protocols::socks::Socks;
pub use crate::protocols::ssdp::Ssdp;
pub use crate::protocols::ssh::Ssh;
pub use crate::protocols::stun::Stun;
pub use crate::protocols::tftp::Tftp;
pub use crate::protocols::tls::{Certificate, Tls, Version};

/// Text and numbers read from the packets of a flow; empty where nothing was read.
///
/// Text is valid UTF-8 without control characters and at most [`Metadata::MAX_TEXT`] bytes long.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    /// Host that the client wants: TLS and QUIC server name, HTTP host, DNS query name, DHCP host
    /// name; by protocol.
    pub host: Box<str>,
    /// Ends of flows that this one announces, at most [`Metadata::MAX_ANNOUNCED`].
    pub announced: Vec<Announced>,
    /// BitTorrent messages.
    pub bittorrent: Option<Box<BitTorrent>>,
    /// A call of DCE/RPC.
    pub dcerpc: Option<Box<Dcerpc>>,
    /// A DHCP or DHCPv6 message.
    pub dhcp: Option<Box<Dhcp>>,
    /// A Diameter message.
    pub diameter: Option<Box<Diameter>>,
    /// A DNS exchange, of mDNS and LLMNR too.
    pub dns: Option<Box<Dns>>,
    /// An FTP control connection.
    pub ftp: Option<Box<Ftp>>,
    /// An HTTP/1 exchange.
    pub http: Option<Box<Http>>,
    /// An HTTP/2 exchange in the clear.
    pub http2: Option<Box<Http2>>,
    /// A Kerberos exchange.
    pub kerberos: Option<Box<Kerberos>>,
    /// LDAP messages.
    pub ldap: Option<Box<Ldap>>,
    /// An SMTP, POP3 or IMAP session.
    pub mail: Option<Box<Mail>>,
    /// An MQTT connection.
    pub mqtt: Option<Box<Mqtt>>,
    /// A NetBIOS name.
    pub netbios: Option<Box<NetBios>>,
    /// An NTLM login inside another protocol.
    pub ntlm: Option<Box<Ntlm>>,
    /// An NTP packet.
    pub ntp: Option<Ntp>,
    /// A QUIC handshake; its hellos are in [`Metadata::tls`].
    pub quic: Option<Box<Quic>>,
    /// A RADIUS exchange.
    pub radius: Option<Box<Radius>>,
    /// A connection to a remote desktop.
    pub rdp: Option<Box<Rdp>>,
    /// A stream of media.
    pub rtp: Option<Box<Rtp>>,
    /// An RTSP session.
    pub rtsp: Option<Box<Rtsp>>,
    /// A SIP dialogue.
    pub sip: Option<Box<Sip>>,
    /// An SMB connection.
    pub smb: Option<Box<Smb>>,
    /// An SNMP message.
    pub snmp: Option<Box<Snmp>>,
    /// A request to a SOCKS proxy.
    pub socks: Option<Box<Socks>>,
    /// An SSDP message.
    pub ssdp: Option<Box<Ssdp>>,
    /// A MySQL handshake.
    pub mysql: Option<Box<Mysql>>,
    /// A PostgreSQL session.
    pub postgresql: Option<Box<Postgresql>>,
    /// An SSH handshake.
    pub ssh: Option<Box<Ssh>>,
    /// STUN and TURN messages.
    pub stun: Option<Box<Stun>>,
    /// A TFTP request.
    pub tftp: Option<Box<Tftp>>,
    /// The hellos of TLS, DTLS or QUIC.
    pub tls: Option<Box<Tls>>,
}

/// An end of a flow that another flow announces, such as a media port.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Announced {
    /// Address.
    pub address: IpAddr,
    /// Port.
    pub port: u16,
    /// IP protocol number of the transport.
    pub transport: u8,
    /// Application of the announced flow.
    pub application: ProtocolId,
}

impl Metadata {
    /// Longest text in bytes.
    pub const MAX_TEXT: usize = 1024;
    /// Most ends that a flow announces.
    pub const MAX_ANNOUNCED: usize = 16;

    /// Adds an end of a flow to come, if there is room and it is new.
    pub(crate) fn announce(&mut self, end: Announced) {
        if self.announced.len() < Self::MAX_ANNOUNCED && !self.announced.contains(&end) {
            self.announced.push(end);
        }
    }
}
