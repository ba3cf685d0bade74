//! Link types, which determine the first header of a frame.

use std::fmt;

/// A link-layer header type, by its number in the registry of the tcpdump group (LINKTYPE_).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkType(pub u16);

/// Calls a macro with every supported link type: constant, number, name in the registry, and the
/// function of `decode::link` that reads the header. A new link type is a line here and that
/// function.
macro_rules! link_types {
    ($with:ident) => {
        $with! {
            /// BSD loopback: an address family in the byte order of the capturing machine.
            NULL = 0, "NULL", loopback;
            /// Ethernet (IEEE 802.3).
            ETHERNET = 1, "ETHERNET", ethernet;
            /// PPP, with or without HDLC framing.
            PPP = 9, "PPP", ppp_or_cisco_hdlc;
            /// Bare IP, under the number that most systems use internally and some files contain.
            RAW_DLT = 12, "RAW", raw;
            /// Bare IP, under the number that OpenBSD uses internally and some files contain.
            RAW_OPENBSD = 14, "RAW", raw;
            /// PPP in HDLC-like framing (RFC 1662).
            PPP_SERIAL = 50, "PPP_HDLC", ppp_or_cisco_hdlc;
            /// PPPoE session packets (RFC 2516).
            PPPOE = 51, "PPP_ETHER", pppoe;
            /// Bare IP, with its version in the first four bits.
            RAW = 101, "RAW", raw;
            /// Cisco HDLC.
            C_HDLC = 104, "C_HDLC", cisco_hdlc;
            /// Wireless LAN (IEEE 802.11).
            IEEE802_11 = 105, "IEEE802_11", bare_wireless;
            /// OpenBSD loopback: an address family in network byte order.
            LOOP = 108, "LOOP", loopback;
            /// Linux "cooked" capture, version 1.
            LINUX_SLL = 113, "LINUX_SLL", cooked_1;
            /// Wireless LAN (IEEE 802.11) after a radiotap header.
            RADIOTAP = 127, "IEEE802_11_RADIOTAP", radiotap;
            /// PPP after a byte for the direction of the packet.
            PPP_WITH_DIRECTION = 204, "PPP_WITH_DIR", ppp_with_direction;
            /// Bare IPv4.
            IPV4 = 228, "IPV4", ipv4;
            /// Bare IPv6.
            IPV6 = 229, "IPV6", ipv6;
            /// Linux "cooked" capture, version 2.
            LINUX_SLL2 = 276, "LINUX_SLL2", cooked_2;
        }
    };
}
pub(crate) use link_types;

macro_rules! constants {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal, $reader:ident;)*) => {
        impl LinkType {
            $($(#[$doc])* pub const $constant: Self = Self($number);)*

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
