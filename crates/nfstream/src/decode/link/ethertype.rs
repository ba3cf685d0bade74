//! EtherTypes (IEEE 802 numbers), grouped by their payload.

pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and two earlier numbers for stacked tags.
pub(super) const TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
pub(super) const MPLS: [u16; 2] = [0x8847, 0x8848];
/// Smaller numbers in this position are a length (IEEE 802.3).
pub(super) const FIRST: u16 = 0x0600;

/// TRILL (RFC 6325).
pub(super) const TRILL: u16 = 0x22f3;
/// Better Approach to Mobile Ad-hoc Networking.
pub(super) const BATMAN: u16 = 0x4305;
/// Transparent Ethernet bridging (RFC 1701).
pub(super) const ETHERNET: u16 = 0x6558;
/// PPP (RFC 7676).
pub(super) const PPP: u16 = 0x880b;
pub(super) const PPPOE_SESSION: u16 = 0x8864;
/// An 802.2 header where the field cannot hold the length of a jumbo frame.
pub(super) const JUMBO_LLC: u16 = 0x8870;
/// Backbone service instance tag (IEEE 802.1ah).
pub(super) const BACKBONE: u16 = 0x88e7;
/// MAC security (IEEE 802.1AE).
pub(super) const MACSEC: u16 = 0x88e5;
/// FabricPath.
pub(super) const FABRIC_PATH: u16 = 0x8903;
/// Metadata with the security group of a packet.
pub(super) const CISCO_METADATA: u16 = 0x8909;
/// Tag of virtual interfaces.
pub(super) const VN_TAG: u16 = 0x8926;
/// High-availability Seamless Redundancy (IEC 62439-3).
pub(super) const HSR: u16 = 0x892f;
/// Tag of port extenders (IEEE 802.1BR).
pub(super) const E_TAG: u16 = 0x893f;
/// Network service header (RFC 8300).
pub(super) const SERVICE: u16 = 0x894f;
/// Tag of Marvell switches.
pub(super) const SWITCH_TAG: u16 = 0xdada;
/// Redundancy tag (IEEE 802.1CB).
pub(super) const R_TAG: u16 = 0xf1c1;

/// Protocols that never carry IP, in ascending order.
const NOT_IP: [u16; 49] = [
    0x0805, // X.25
    0x0806, // ARP
    0x0842, // Wake-on-LAN
    0x2000, // Cisco Discovery Protocol
    0x2003, // VLAN Trunking Protocol
    0x2004, // Dynamic Trunking Protocol
    0x22ea, // Stream Reservation Protocol
    0x22f0, // Audio/Video Transport Protocol
    0x22f4, // TRILL's IS-IS
    0x6002, // DECnet maintenance
    0x6003, // DECnet
    0x6004, // DEC local area transport
    0x8035, // RARP
    0x809b, // AppleTalk
    0x80f3, // AppleTalk ARP
    0x8102, // Simple loop protection
    0x8137, // IPX
    0x8204, // QNX
    0x8808, // Ethernet flow control
    0x8809, // Slow protocols
    0x8863, // PPPoE discovery
    0x887b, // HomePlug
    0x888e, // EAP over LAN
    0x8892, // PROFINET
    0x8899, // Realtek loop detection
    0x889a, // HyperSCSI
    0x88a2, // ATA over Ethernet
    0x88a4, // EtherCAT
    0x88ab, // Ethernet Powerlink
    0x88b8, // GOOSE
    0x88b9, // Generic substation events
    0x88ba, // Sampled values
    0x88c7, // 802.11i pre-authentication
    0x88cc, // LLDP
    0x88cd, // SERCOS
    0x88e1, // HomePlug
    0x88e3, // Media redundancy
    0x88ee, // Ethernet local management
    0x88f5, // Multiple VLAN registration
    0x88f6, // Multiple MAC registration
    0x88f7, // Precision time
    0x88fb, // HSR and PRP supervision
    0x8902, // Connectivity fault management
    0x8906, // Fibre Channel
    0x890d, // 802.11 management
    0x8914, // Fibre Channel initialization
    0x8940, // Edge control
    0x9000, // Loopback test
    0xfffa, // Aruba's reliable protocol
];

/// Protocols that other files of this folder read, in ascending order.
const HEADERS: [u16; 16] = [
    TRILL,
    BATMAN,
    ETHERNET,
    PPP,
    PPPOE_SESSION,
    JUMBO_LLC,
    MACSEC,
    BACKBONE,
    FABRIC_PATH,
    CISCO_METADATA,
    VN_TAG,
    HSR,
    E_TAG,
    SERVICE,
    SWITCH_TAG,
    R_TAG,
];

/// Returns whether `kind` announces a protocol that never carries IP.
pub(super) fn is_not_ip(kind: u16) -> bool {
    NOT_IP.binary_search(&kind).is_ok()
}

/// Returns whether `kind` is the number of a known protocol.
pub(super) fn is_known(kind: u16) -> bool {
    matches!(kind, IPV4 | IPV6)
        || TAGS.contains(&kind)
        || MPLS.contains(&kind)
        || HEADERS.binary_search(&kind).is_ok()
        || is_not_ip(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order() {
        assert!(NOT_IP.is_sorted_by(|a, b| a < b));
        assert!(HEADERS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn no_protocol_is_in_two_lists() {
        for kind in TAGS.iter().chain(&MPLS).chain(&HEADERS).chain(&[IPV4, IPV6]) {
            assert!(!is_not_ip(*kind), "{kind:#06x}");
        }
    }
}
