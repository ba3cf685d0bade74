//! Removal of host identifiers from headers: addresses, ports, and checksums, which would reveal
//! addresses.

use std::ops::Range;

use crate::packet::protocol::{DCCP, ICMP, ICMP_V6, IGMP, SCTP, TCP, UDP, UDP_LITE};
use crate::packet::{Fragment, Packet};

/// Bytes of an IPv6 header, and of an IPv4 header without options.
const IPV6_LEN: usize = 40;
const IPV4_LEN: usize = 20;

/// Replaces the host identifiers in the first bytes of a packet, from its innermost IP header on,
/// with zeros.
pub(super) fn mask(bytes: &mut [u8], packet: &Packet) {
    let transport = packet.transport_offset.saturating_sub(packet.ip_offset);
    let transport = usize::try_from(transport).unwrap_or(usize::MAX);
    hide_network(bytes, packet.version, transport);
    if packet.fragment != Fragment::Later
        && let Some(bytes) = bytes.get_mut(transport..)
    {
        hide_transport(bytes, packet.protocol);
    }
}

/// Hides the checksum, addresses and options of an IP header, up to its `end`.
fn hide_network(bytes: &mut [u8], version: u8, end: usize) {
    if version == 4 {
        hide(bytes, 10..end.max(IPV4_LEN));
    } else {
        hide(bytes, 8..end.max(IPV6_LEN));
    }
}

fn hide_transport(bytes: &mut [u8], protocol: u8) {
    match protocol {
        TCP => {
            hide(bytes, 0..4);
            hide(bytes, 16..18);
        }
        UDP | UDP_LITE | DCCP => {
            hide(bytes, 0..4);
            hide(bytes, 6..8);
        }
        SCTP => {
            hide(bytes, 0..4);
            hide(bytes, 8..12);
            // Beginnings, heartbeats and changes of an association list its addresses.
            if let Some(1 | 2 | 4 | 5 | 0x80 | 0xC1) = bytes.get(12) {
                hide(bytes, 16..usize::MAX);
            }
        }
        // The checksum, and group addresses.
        IGMP => hide(bytes, 2..usize::MAX),
        ICMP => {
            hide(bytes, 2..4);
            match bytes.first() {
                // A redirect names a gateway.
                Some(5) => {
                    hide(bytes, 4..8);
                    hide_quoted(bytes);
                }
                Some(3 | 4 | 11 | 12) => hide_quoted(bytes),
                // Echoes and times.
                Some(0 | 8 | 13 | 14) => {}
                // Router advertisements, masks and what else names addresses.
                _ => hide(bytes, 8..usize::MAX),
            }
        }
        ICMP_V6 => {
            hide(bytes, 2..4);
            match bytes.first() {
                Some(1..=4) => hide_quoted(bytes),
                Some(128 | 129) => {}
                // Multicast listeners (RFC 2710, RFC 3810) and neighbours (RFC 4861).
                Some(130..=137 | 143) => hide(bytes, 8..usize::MAX),
                _ => hide(bytes, 4..usize::MAX),
            }
        }
        // Headers of other packets, and of protocols between routers.
        _ => hide(bytes, 0..usize::MAX),
    }
}

/// Hides the packet that an error message quotes.
fn hide_quoted(bytes: &mut [u8]) {
    hide(bytes, 8..usize::MAX);
}

/// Writes zeros to the part of a range that exists.
fn hide(bytes: &mut [u8], range: Range<usize>) {
    let end = range.end.min(bytes.len());
    if let Some(part) = bytes.get_mut(range.start.min(end)..end) {
        part.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::protocol::GRE;

    /// Returns the places that are not zero after masking a packet of ones.
    fn kept(version: u8, protocol: u8, transport_offset: u32, first: u8) -> Vec<usize> {
        let mut bytes = [0xff; 64];
        if let Some(kind) = bytes.get_mut(usize::try_from(transport_offset - 14).unwrap()) {
            *kind = first;
        }
        let packet =
            Packet { version, protocol, ip_offset: 14, transport_offset, ..Packet::default() };
        mask(&mut bytes, &packet);
        (0..bytes.len()).filter(|place| bytes[*place] != 0).collect()
    }

    fn places(ranges: &[Range<usize>]) -> Vec<usize> {
        ranges.iter().cloned().flatten().collect()
    }

    #[test]
    fn headers_lose_addresses_ports_and_checksums() {
        let tcp = [0..10, 24..36, 38..64];
        assert_eq!(kept(4, TCP, 34, 0xff), places(&tcp));
        // With four bytes of options.
        assert_eq!(kept(4, UDP, 38, 0xff), places(&[0..10, 28..30, 32..64]));
        assert_eq!(kept(4, SCTP, 34, 0xff), places(&[0..10, 24..28, 32..64]));
        // With an extension header of eight bytes.
        assert_eq!(kept(6, UDP, 62, 0xff), places(&[0..8, 52..54, 56..64]));
    }

    #[test]
    fn messages_lose_quoted_packets_and_addresses() {
        assert_eq!(kept(4, ICMP, 34, 8), places(&[0..10, 20..22, 24..64]));
        assert_eq!(kept(4, ICMP, 34, 3), places(&[0..10, 20..22, 24..28]));
        assert_eq!(kept(4, ICMP, 34, 5), places(&[0..10, 20..22]));
        assert_eq!(kept(6, ICMP_V6, 54, 135), places(&[0..8, 40..42, 44..48]));
        assert_eq!(kept(4, IGMP, 34, 0x16), places(&[0..10, 20..22]));
        assert_eq!(kept(6, ICMP_V6, 54, 128), places(&[0..8, 40..42, 44..64]));
        // An answer of inverse neighbour discovery (RFC 3122).
        assert_eq!(kept(6, ICMP_V6, 54, 142), places(&[0..8, 40..42]));
        // Packets in packets, and OSPF.
        assert_eq!(kept(4, GRE, 34, 0), (0..10).collect::<Vec<_>>());
        assert_eq!(kept(4, 89, 34, 2), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn chunks_of_sctp_lose_addresses() {
        let kept = |kind| {
            let mut bytes = [0xff; 40];
            bytes[32] = kind;
            let packet =
                Packet { version: 4, protocol: SCTP, transport_offset: 20, ..Packet::default() };
            mask(&mut bytes, &packet);
            bytes[36..].iter().all(|byte| *byte == 0xff)
        };
        assert!(kept(0) && !kept(1) && !kept(0xC1));
    }

    #[test]
    fn later_fragments_have_no_ports() {
        let mut bytes = [0xff; 40];
        let packet = Packet {
            version: 4,
            protocol: UDP,
            transport_offset: 20,
            fragment: Fragment::Later,
            ..Packet::default()
        };
        mask(&mut bytes, &packet);
        assert!(bytes[20..].iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn cut_packets_are_masked_as_far_as_they_go() {
        let packet =
            Packet { version: 6, protocol: TCP, transport_offset: 40, ..Packet::default() };
        for len in 0..64 {
            let mut bytes = vec![0xff; len];
            mask(&mut bytes, &packet);
            assert!(bytes.iter().skip(8).take(36).all(|byte| *byte == 0));
        }
    }
}
