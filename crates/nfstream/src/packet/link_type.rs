//! Link types, which determine the first header of a frame.

use std::fmt;

/// A link-layer header type, by its number in the registry of the tcpdump group (LINKTYPE_).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkType(pub u16);

/// Calls a macro with every supported link type: constant, number, name in the registry, and the
/// function in `decode::link` that reads the header. A new link type takes a line here and that
/// function.
macro_rules! link_types {
    ($with:ident) => {
        $with! {
            /// BSD loopback: an address family in the byte order of the capturing machine.
            NULL = 0, "NULL", host::loopback;
            /// Ethernet (IEEE 802.3).
            ETHERNET = 1, "ETHERNET", ethernet::ethernet;
            /// AX.25, amateur packet radio.
            AX25 = 3, "AX25", lan::ax25;
            /// Token Ring (IEEE 802.5).
            IEEE802_5 = 6, "IEEE802_5", lan::token_ring;
            /// ARCNET, as the BSDs capture it.
            ARCNET_BSD = 7, "ARCNET_BSD", lan::arcnet_bsd;
            /// SLIP (RFC 1055) after a header with its direction.
            SLIP = 8, "SLIP", host::slip;
            /// PPP, with or without HDLC framing.
            PPP = 9, "PPP", serial::ppp_or_cisco_hdlc;
            /// FDDI.
            FDDI = 10, "FDDI", lan::fddi;
            /// ATM with LLC, under the number that most systems use internally and some files
            /// contain.
            ATM_RFC1483_DLT = 11, "ATM_RFC1483", atm::with_llc;
            /// Bare IP, under the number that most systems use internally and some files contain.
            RAW_DLT = 12, "RAW", bare::either;
            /// Bare IP, under the number that OpenBSD uses internally and some files contain.
            RAW_OPENBSD = 14, "RAW", bare::either;
            /// PPP in HDLC-like framing (RFC 1662).
            PPP_SERIAL = 50, "PPP_HDLC", serial::ppp_or_cisco_hdlc;
            /// PPPoE session packets (RFC 2516).
            PPPOE = 51, "PPP_ETHER", serial::over_ethernet;
            /// Symantec Enterprise Firewall.
            SYMANTEC_FIREWALL = 99, "SYMANTEC_FIREWALL", host::symantec;
            /// ATM with LLC (RFC 2684).
            ATM_RFC1483 = 100, "ATM_RFC1483", atm::with_llc;
            /// Bare IP, with its version in the first four bits.
            RAW = 101, "RAW", bare::either;
            /// SLIP on BSD/OS.
            SLIP_BSDOS = 102, "SLIP_BSDOS", host::slip_bsdos;
            /// PPP on BSD/OS.
            PPP_BSDOS = 103, "PPP_BSDOS", serial::bsdos;
            /// Cisco HDLC.
            C_HDLC = 104, "C_HDLC", serial::cisco_hdlc;
            /// Wireless LAN (IEEE 802.11).
            IEEE802_11 = 105, "IEEE802_11", wireless::bare;
            /// Classical IP over ATM on Linux, with or without LLC.
            ATM_CLIP = 106, "ATM_CLIP", atm::classical_ip;
            /// Frame Relay (Q.922, RFC 2427).
            FRELAY = 107, "FRELAY", frame_relay::plain;
            /// OpenBSD loopback: an address family in network byte order.
            LOOP = 108, "LOOP", host::loopback;
            /// Decrypted IPsec packets, from OpenBSD.
            ENC = 109, "ENC", host::enc;
            /// ATM LAN emulation for Ethernet.
            LANE8023 = 110, "LANE8023", atm::lan_emulation;
            /// Linux "cooked" capture, version 1.
            LINUX_SLL = 113, "LINUX_SLL", host::cooked_1;
            /// Log of the BSDs' packet filter.
            PFLOG = 117, "PFLOG", host::pflog;
            /// Wireless LAN (IEEE 802.11) after a Prism header.
            IEEE802_11_PRISM = 119, "IEEE802_11_PRISM", wireless::prism;
            /// IP over Fibre Channel (RFC 2625).
            IP_OVER_FC = 122, "IP_OVER_FC", lan::fibre_channel;
            /// ATM, as Sun's devices capture it.
            SUNATM = 123, "SUNATM", atm::sun;
            /// Wireless LAN (IEEE 802.11) after a radiotap header.
            RADIOTAP = 127, "IEEE802_11_RADIOTAP", wireless::radiotap;
            /// TaZmen Sniffer Protocol.
            TZSP = 128, "TZSP", wrapped::tzsp;
            /// ARCNET, as Linux captures it.
            ARCNET_LINUX = 129, "ARCNET_LINUX", lan::arcnet_linux;
            /// IP over IEEE 1394, as Apple's systems capture it.
            APPLE_IP_OVER_IEEE1394 = 138, "APPLE_IP_OVER_IEEE1394", lan::apple_ieee1394;
            /// DOCSIS, cable modems.
            DOCSIS = 143, "DOCSIS", cable::docsis;
            /// Wireless LAN (IEEE 802.11) after an AVS header.
            IEEE802_11_AVS = 163, "IEEE802_11_AVS", wireless::avs;
            /// PPP from Linux's pppd, with the direction in place of the address.
            PPP_PPPD = 166, "PPP_PPPD", serial::pppd;
            /// Juniper routers: PPPoE.
            JUNIPER_PPPOE = 167, "JUNIPER_PPPOE", juniper::ethernet;
            /// Juniper routers: Ethernet.
            JUNIPER_ETHER = 178, "JUNIPER_ETHER", juniper::ethernet;
            /// Juniper routers: PPP.
            JUNIPER_PPP = 179, "JUNIPER_PPP", juniper::ppp;
            /// Juniper routers: Frame Relay.
            JUNIPER_FRELAY = 180, "JUNIPER_FRELAY", juniper::frame_relay;
            /// Juniper routers: Cisco HDLC.
            JUNIPER_CHDLC = 181, "JUNIPER_CHDLC", juniper::cisco_hdlc;
            /// Multilink Frame Relay (FRF.16).
            MFR = 182, "MFR", frame_relay::multilink;
            /// Per-Packet Information, and a frame of the link type that it names.
            PPI = 192, "PPI", wrapped::ppi;
            /// Low-rate wireless (IEEE 802.15.4) with a checksum.
            IEEE802_15_4 = 195, "IEEE802_15_4_WITHFCS", low_rate::plain;
            /// Endace card records.
            ERF = 197, "ERF", wrapped::erf;
            /// AX.25 after a KISS byte.
            AX25_KISS = 202, "AX25_KISS", lan::ax25_kiss;
            /// PPP after a direction byte.
            PPP_WITH_DIRECTION = 204, "PPP_WITH_DIR", serial::with_direction;
            /// Cisco HDLC after a direction byte.
            C_HDLC_WITH_DIRECTION = 205, "C_HDLC_WITH_DIR", serial::cisco_hdlc_with_direction;
            /// Frame Relay after a direction byte.
            FRELAY_WITH_DIRECTION = 206, "FRELAY_WITH_DIR", frame_relay::with_direction;
            /// Low-rate wireless (IEEE 802.15.4) with the preamble.
            IEEE802_15_4_NONASK_PHY = 215, "IEEE802_15_4_NONASK_PHY", low_rate::with_preamble;
            /// MPLS labels.
            MPLS = 219, "MPLS", ethernet::mpls;
            /// Solaris ipnet.
            IPNET = 226, "IPNET", host::ipnet;
            /// Bare IPv4.
            IPV4 = 228, "IPV4", bare::ipv4;
            /// Bare IPv6.
            IPV6 = 229, "IPV6", bare::ipv6;
            /// Low-rate wireless (IEEE 802.15.4) without a checksum.
            IEEE802_15_4_NOFCS = 230, "IEEE802_15_4_NOFCS", low_rate::plain;
            /// Linux netfilter log.
            NFLOG = 239, "NFLOG", host::nflog;
            /// Ethernet after the header of netANALYZER devices.
            NETANALYZER = 240, "NETANALYZER", lan::netanalyzer;
            /// Ethernet with its preamble after the header of netANALYZER devices.
            NETANALYZER_TRANSPARENT = 241, "NETANALYZER_TRANSPARENT", lan::netanalyzer_transparent;
            /// IP over InfiniBand (RFC 4391).
            IPOIB = 242, "IPOIB", infiniband::ip;
            /// InfiniBand.
            INFINIBAND = 247, "INFINIBAND", infiniband::raw;
            /// Packets that Wireshark exports from other protocols.
            WIRESHARK_UPPER_PDU = 252, "WIRESHARK_UPPER_PDU", wrapped::exported;
            /// Apple's PKTAP, and a frame of the link type that it names.
            PKTAP = 258, "PKTAP", wrapped::pktap;
            /// Ethernet passive optical network.
            EPON = 259, "EPON", lan::epon;
            /// Ethernet with its preamble, possibly preempted (IEEE 802.3br).
            ETHERNET_MPACKET = 274, "ETHERNET_MPACKET", lan::mpacket;
            /// Linux "cooked" capture, version 2.
            LINUX_SLL2 = 276, "LINUX_SLL2", host::cooked_2;
            /// Ethernet with a Broadcom switch tag after the addresses.
            DSA_TAG_BRCM = 281, "DSA_TAG_BRCM", lan::switch_tag;
            /// Ethernet after a Broadcom switch tag.
            DSA_TAG_BRCM_PREPEND = 282, "DSA_TAG_BRCM_PREPEND", lan::switch_tag_before;
            /// Low-rate wireless (IEEE 802.15.4) after a header of metadata fields.
            IEEE802_15_4_TAP = 283, "IEEE802_15_4_TAP", low_rate::tap;
            /// Ethernet with a Marvell switch tag after the addresses.
            DSA_TAG_DSA = 284, "DSA_TAG_DSA", lan::switch_tag;
            /// Ethernet with a Marvell switch tag, under its own EtherType.
            DSA_TAG_EDSA = 285, "DSA_TAG_EDSA", lan::switch_tag_with_type;
            /// Link-layer protocol of digital television (ATSC A/330).
            ATSC_ALP = 289, "ATSC_ALP", cable::atsc;
        }
    };
}
pub(crate) use link_types;

macro_rules! constants {
    ($(
        $(#[doc = $doc:literal])* $constant:ident = $number:literal, $name:literal, $reader:path;
    )*) => {
        impl LinkType {
            $($(#[doc = $doc])* pub const $constant: Self = Self($number);)*

            /// Every supported link type, by number.
            pub const ALL: &[Self] = &[$(Self::$constant,)*];

            /// Returns a sentence that describes its frames; `None` for unsupported types.
            pub fn about(self) -> Option<&'static str> {
                match self {
                    $(Self::$constant => Some(concat!($($doc),*).trim_ascii()),)*
                    _ => None,
                }
            }

            /// Returns its name in the registry, `None` for unsupported types.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$constant => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}
link_types!(constants);

impl LinkType {
    /// Returns whether packets of this type can be decoded.
    pub const fn is_supported(self) -> bool {
        self.name().is_some()
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
