//! VXLAN (RFC 7348), with its group policy bit, and VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe).

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::link::{self, Network};
use crate::packet::Identifier;

const NETWORK_IS_VALID: u8 = 0x08;

/// Reads the header and the Ethernet header after it.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    /// A group policy follows in the next field (draft-smith-vxlan-group-policy).
    const GROUP_POLICY: u8 = 0x80;

    let flags = cursor.byte(0, TruncatedNetwork)?;
    if flags & !GROUP_POLICY != NETWORK_IS_VALID {
        return Err(NotIp);
    }
    enter_network(cursor)?;
    link::ethernet(cursor)
}

/// Skips the header, whose network identifier is valid.
fn enter_network(cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
    let [high, middle, low] = *cursor.peek(4, TruncatedNetwork)?;
    cursor.skip(8);
    cursor.enter(Identifier::VirtualNetwork(u32::from_be_bytes([0, high, middle, low])));
    Ok(())
}

/// Reads the header of the generic protocol extension and the protocol that it announces.
pub(super) fn enter_gpe(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const VERSION: u8 = 0x30;
    const HAS_PROTOCOL: u8 = 0x04;
    const OPERATIONS: u8 = 0x01;

    let [flags, _, _, protocol] = *cursor.peek(0, TruncatedNetwork)?;
    if flags & (VERSION | HAS_PROTOCOL | OPERATIONS) != HAS_PROTOCOL {
        // Without a protocol it is plain VXLAN.
        return if flags == NETWORK_IS_VALID { enter(cursor) } else { Err(NotIp) };
    }
    if flags & NETWORK_IS_VALID == 0 {
        cursor.skip(8);
    } else {
        enter_network(cursor)?;
    }
    match protocol {
        1 => Ok(link::V4),
        2 => Ok(link::V6),
        3 => link::ethernet(cursor),
        4 => link::service(cursor),
        5 => link::mpls(cursor),
        _ => Err(NotIp),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{ARP, ETHERNET, V4, V6, came_in, over_udp, stayed_out};

    const HEADER: &[u8] = &[0x08, 0, 0, 0, 0, 0, 5, 0];

    #[test]
    fn frames_to_both_ports_are_opened() {
        for port in [4789, 8472] {
            assert!(came_in(&over_udp(5555, port, &[HEADER, ETHERNET, V4]), Tunnel::Vxlan));
        }
        assert!(stayed_out(&over_udp(4789, 5555, &[HEADER, ETHERNET, V4])));
    }

    #[test]
    fn a_group_policy_is_allowed() {
        const POLICY: &[u8] = &[0x88, 0, 0, 9, 0, 0, 5, 0];
        assert!(came_in(&over_udp(5555, 4789, &[POLICY, ETHERNET, V4]), Tunnel::Vxlan));
    }

    #[test]
    fn without_a_network_it_stays() {
        assert!(stayed_out(&over_udp(5555, 4789, &[&[0; 8], ETHERNET, V4])));
    }

    #[test]
    fn arp_stays() {
        assert!(stayed_out(&over_udp(5555, 4789, &[HEADER, ARP])));
    }

    #[test]
    fn the_generic_extension_says_what_follows() {
        let opens = |header: &[u8], inner: &[u8]| {
            came_in(&over_udp(5555, 4790, &[header, inner]), Tunnel::Vxlan)
        };
        assert!(opens(&[0x0c, 0, 0, 1, 0, 0, 5, 0], V4));
        assert!(opens(&[0x0c, 0, 0, 2, 0, 0, 5, 0], V6));
        assert!(opens(&[0x0c, 0, 0, 3, 0, 0, 5, 0], &[ETHERNET, V4].concat()));
        let service = [&[0x0f, 0xc2, 0x02, 1, 0, 0, 1, 255], V4].concat();
        assert!(opens(&[0x0c, 0, 0, 4, 0, 0, 5, 0], &service));
        assert!(opens(&[0x0c, 0, 0, 5, 0, 0, 5, 0], &[&[0, 0, 0x31, 64], V4].concat()));
        assert!(opens(HEADER, &[ETHERNET, V4].concat()));
        assert!(!opens(&[0x0d, 0, 0, 1, 0, 0, 5, 0], V4));
    }
}
