//! How frames begin.

use std::fmt;

/// A link-layer header type, by its number in the registry of the tcpdump group (LINKTYPE_).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: an address family in the byte order of the machine that captured.
    pub const NULL: Self = Self(0);
    /// Ethernet (IEEE 802.3).
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without HDLC framing.
    pub const PPP: Self = Self(9);
    /// Bare IP, as most systems number it themselves and some files keep it.
    pub const RAW_DLT: Self = Self(12);
    /// Bare IP, as OpenBSD numbers it itself and some files keep it.
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing (RFC 1662).
    pub const PPP_SERIAL: Self = Self(50);
    /// PPPoE session packets (RFC 2516).
    pub const PPPOE: Self = Self(51);
    /// Bare IP, its version in the first four bits.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    /// Wireless LAN (IEEE 802.11).
    pub const IEEE802_11: Self = Self(105);
    /// OpenBSD loopback: an address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked" capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Wireless LAN (IEEE 802.11) behind a radiotap header.
    pub const RADIOTAP: Self = Self(127);
    /// Bare IPv4.
    pub const IPV4: Self = Self(228);
    /// Bare IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// Returns its name in the registry, `None` for those that are not decoded.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NULL => "NULL",
            Self::ETHERNET => "ETHERNET",
            Self::PPP => "PPP",
            Self::PPP_SERIAL => "PPP_HDLC",
            Self::PPPOE => "PPP_ETHER",
            Self::RAW | Self::RAW_DLT | Self::RAW_OPENBSD => "RAW",
            Self::C_HDLC => "C_HDLC",
            Self::IEEE802_11 => "IEEE802_11",
            Self::LOOP => "LOOP",
            Self::LINUX_SLL => "LINUX_SLL",
            Self::RADIOTAP => "IEEE802_11_RADIOTAP",
            Self::IPV4 => "IPV4",
            Self::IPV6 => "IPV6",
            Self::LINUX_SLL2 => "LINUX_SLL2",
            _ => return None,
        })
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supported_types_are_those_of_decode() {
        let supported: Vec<u16> =
            (0..=u16::MAX).filter(|&number| LinkType(number).is_supported()).collect();
        assert_eq!(
            supported,
            [0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 127, 228, 229, 276]
        );
    }
}
