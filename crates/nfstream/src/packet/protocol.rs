//! IP protocol numbers (IANA), including those of IPv6 extension headers.

/// IPv6 hop-by-hop options (RFC 8200).
pub const HOP_BY_HOP: u8 = 0;
/// Internet Control Message Protocol (RFC 792).
pub const ICMP: u8 = 1;
/// Internet Group Management Protocol.
pub const IGMP: u8 = 2;
/// IPv4 in IP (RFC 2003).
pub const IPV4: u8 = 4;
/// Transmission Control Protocol (RFC 9293).
pub const TCP: u8 = 6;
/// User Datagram Protocol (RFC 768).
pub const UDP: u8 = 17;
/// Datagram Congestion Control Protocol (RFC 4340).
pub const DCCP: u8 = 33;
/// IPv6 in IP (RFC 2473).
pub const IPV6: u8 = 41;
/// IPv6 routing header (RFC 8200).
pub const ROUTING: u8 = 43;
/// IPv6 fragment header (RFC 8200).
pub const FRAGMENT: u8 = 44;
/// Generic Routing Encapsulation (RFC 2784).
pub const GRE: u8 = 47;
/// Authentication header (RFC 4302).
pub const AUTHENTICATION: u8 = 51;
/// ICMP for IPv6 (RFC 4443).
pub const ICMP_V6: u8 = 58;
/// No next header (RFC 8200).
pub const NO_NEXT_HEADER: u8 = 59;
/// IPv6 destination options (RFC 8200).
pub const DESTINATION_OPTIONS: u8 = 60;
/// Ethernet in IP (RFC 3378).
pub const ETHERIP: u8 = 97;
/// Layer Two Tunneling Protocol, version 3 (RFC 3931).
pub const L2TP: u8 = 115;
/// Stream Control Transmission Protocol (RFC 9260).
pub const SCTP: u8 = 132;
/// IPv6 mobility header (RFC 6275).
pub const MOBILITY: u8 = 135;
/// Lightweight User Datagram Protocol (RFC 3828).
pub const UDP_LITE: u8 = 136;
/// MPLS in IP (RFC 4023).
pub const MPLS: u8 = 137;
/// Host Identity Protocol (RFC 7401).
pub const HIP: u8 = 139;
/// Shim6 (RFC 5533).
pub const SHIM6: u8 = 140;
/// Bare Ethernet in IP (RFC 8986).
pub const ETHERNET: u8 = 143;

/// Names of protocols, without spaces and in the usual case.
pub const NAMES: [(&str, u8); 25] = [
    ("ICMP", ICMP),
    ("IGMP", 2),
    ("IPv4", IPV4),
    ("TCP", TCP),
    ("EGP", 8),
    ("UDP", UDP),
    ("DCCP", DCCP),
    ("IPv6", IPV6),
    ("RSVP", 46),
    ("GRE", GRE),
    ("ESP", 50),
    ("AH", AUTHENTICATION),
    ("ICMP6", ICMP_V6),
    // Another usual name of the one before.
    ("ICMPv6", ICMP_V6),
    ("EIGRP", 88),
    ("OSPF", 89),
    ("EtherIP", ETHERIP),
    ("PIM", 103),
    ("VRRP", 112),
    ("L2TP", L2TP),
    ("SCTP", SCTP),
    ("UDP-Lite", UDP_LITE),
    ("MPLS", MPLS),
    ("HIP", HIP),
    ("Ethernet", ETHERNET),
];

/// Returns the usual name of a protocol.
pub fn name(number: u8) -> Option<&'static str> {
    NAMES.iter().find(|(_, of)| *of == number).map(|(name, _)| *name)
}

/// Returns the number of a protocol; the case of `name` does not matter, and `_` stands for `-`.
pub fn by_name(name: &str) -> Option<u8> {
    let is = |known: &str| {
        known.len() == name.len()
            && known.bytes().zip(name.bytes()).all(|(known, byte)| {
                known.eq_ignore_ascii_case(&byte) || (known == b'-' && byte == b'_')
            })
    };
    NAMES.iter().find(|(known, _)| is(known)).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_found_by_their_names() {
        assert_eq!(by_name("tcp"), Some(TCP));
        assert_eq!(by_name("ICMPv6"), Some(ICMP_V6));
        assert_eq!(by_name("UDP_LITE"), Some(UDP_LITE));
        assert_eq!(by_name("TC"), None);
        assert_eq!(name(ICMP_V6), Some("ICMP6"));
        assert_eq!(name(254), None);
    }
}
