//! GRE (RFC 2784, RFC 2890) and the protocols on top of it: PPTP, ERSPAN and NVGRE.

use std::ops::RangeInclusive;

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::link::{self, Network};
use crate::packet::{Identifier, Tunnel};

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const VERSION: u16 = 0x0007;

/// Protocol types (IEEE 802 numbers) that imply more than their payload.
mod kind {
    pub(super) const ETHERNET: u16 = 0x6558;
    pub(super) const ERSPAN: u16 = 0x88be;
    pub(super) const ERSPAN_III: u16 = 0x22eb;
    pub(super) const PPP: u16 = 0x880b;
    /// Web Cache Communication Protocol.
    pub(super) const WEB_CACHE: u16 = 0x883e;
    /// Ethernet over IP, as MikroTik routers send it.
    pub(super) const ETHERNET_OVER_IP: u16 = 0x6400;
}

/// Reads the header, in any version, and the protocol that it announces.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<(Tunnel, Network), DecodeError> {
    let flags = cursor.u16(0, TruncatedNetwork)?;
    let kind = cursor.u16(2, TruncatedNetwork)?;
    match flags & VERSION {
        0 => enter_standard(cursor, flags, kind),
        1 if kind == kind::PPP => Ok((Tunnel::Gre, enter_enhanced(cursor, flags)?)),
        1 if kind == kind::ETHERNET_OVER_IP && flags & (CHECKSUM | SEQUENCE | KEY) == KEY => {
            // A length and an identifier of the tunnel.
            cursor.skip(8);
            Ok((Tunnel::Gre, link::ethernet(cursor)?))
        }
        _ => Err(NotIp),
    }
}

fn enter_standard(
    cursor: &mut Cursor<'_>,
    flags: u16,
    kind: u16,
) -> Result<(Tunnel, Network), DecodeError> {
    // Source routes (RFC 1701) were removed by RFC 2784 and would make the length uncertain.
    if flags & ROUTING != 0 {
        return Err(NotIp);
    }
    let fields = |of: &[u16]| of.iter().filter(|&&field| flags & field != 0).count();
    let key = match flags & KEY {
        0 => None,
        _ => Some(u32::from_be_bytes(*cursor.peek(4 + 4 * fields(&[CHECKSUM]), TruncatedNetwork)?)),
    };
    cursor.skip(4 + 4 * fields(&[CHECKSUM, KEY, SEQUENCE]));
    if let (kind::ETHERNET, Some(subnet)) = (kind, key.and_then(|key| virtual_subnet(flags, key)))
        && !is_tagged(cursor)
    {
        cursor.enter(Identifier::VirtualNetwork(subnet));
        return Ok((Tunnel::Nvgre, link::ethernet(cursor)?));
    }
    if let Some(key) = key {
        cursor.enter(Identifier::GreKey(key));
    }
    match kind {
        kind::ERSPAN if flags & SEQUENCE != 0 => Ok((Tunnel::Erspan, erspan_ii(cursor)?)),
        // Type I has no header of its own.
        kind::ERSPAN => Ok((Tunnel::Erspan, link::ethernet(cursor)?)),
        kind::ERSPAN_III => Ok((Tunnel::Erspan, erspan_iii(cursor)?)),
        kind::PPP => Ok((Tunnel::Gre, link::ppp(cursor)?)),
        kind::WEB_CACHE => {
            // Version 2 has a header of four bytes, version 1 none.
            if cursor.byte(0, TruncatedNetwork)? >> 4 != 4 {
                cursor.skip(4);
            }
            Ok((Tunnel::Gre, link::V4))
        }
        _ => Ok((Tunnel::Gre, link::bridged(cursor, kind)?)),
    }
}

/// Returns the virtual subnet in an NVGRE key, where it precedes a flow number; `None` for bridged
/// Ethernet in another kind of GRE. NVGRE has no optional field but the key, and reserves the first
/// 4,096 subnets and the last one (RFC 7637).
fn virtual_subnet(flags: u16, key: u32) -> Option<u32> {
    const AVAILABLE: RangeInclusive<u32> = 0x1000..=0xff_fffe;

    let subnet = key >> 8;
    (flags == KEY && AVAILABLE.contains(&subnet)).then_some(subnet)
}

/// Returns whether the Ethernet frame under the cursor has a VLAN tag, which NVGRE does not carry
/// (RFC 7637).
fn is_tagged(cursor: &Cursor<'_>) -> bool {
    matches!(cursor.u16(12, TruncatedNetwork), Ok(0x8100 | 0x88a8))
}

/// Reads the enhanced header of PPTP (RFC 2637), whose key holds a length and a call.
fn enter_enhanced(cursor: &mut Cursor<'_>, flags: u16) -> Result<Network, DecodeError> {
    const ACKNOWLEDGMENT: u16 = 0x0080;

    // Without a sequence number there is no payload.
    if flags & (CHECKSUM | ROUTING | KEY | SEQUENCE) != KEY | SEQUENCE {
        return Err(NotIp);
    }
    cursor.skip(if flags & ACKNOWLEDGMENT == 0 { 12 } else { 16 });
    link::ppp(cursor)
}

fn erspan_ii(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    if cursor.byte(0, TruncatedNetwork)? >> 4 != 1 {
        return Err(NotIp);
    }
    cursor.skip(8);
    link::ethernet(cursor)
}

fn erspan_iii(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const HAS_SUBHEADER: u8 = 0x01;
    const ETHERNET: u8 = 0;
    const IP: u8 = 2;

    let header: &[u8; 12] = cursor.peek(0, TruncatedNetwork)?;
    if header[0] >> 4 != 2 {
        return Err(NotIp);
    }
    cursor.skip(if header[11] & HAS_SUBHEADER == 0 { 12 } else { 20 });
    match header[10] >> 2 & 0x1f {
        ETHERNET => link::ethernet(cursor),
        IP => Ok(link::EITHER),
        _ => Err(NotIp),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{
        ARP, ETHERNET, TAGGED, V4, V6, came_in, over_ip, over_udp, stayed_out,
    };

    fn opens(tunnel: Tunnel, parts: &[&[u8]]) -> bool {
        let packet = over_ip(47, parts);
        let opened = came_in(&packet, tunnel);
        assert_ne!(opened, stayed_out(&packet));
        opened
    }

    #[test]
    fn the_protocol_type_says_what_follows() {
        assert!(opens(Tunnel::Gre, &[&[0, 0, 0x08, 0x00], V4]));
        assert!(opens(Tunnel::Gre, &[&[0, 0, 0x86, 0xdd], V6]));
        assert!(opens(Tunnel::Gre, &[&[0, 0, 0x65, 0x58], ETHERNET, V4]));
        assert!(opens(Tunnel::Gre, &[&[0, 0, 0x88, 0x47], &[0, 0, 0x31, 64], V4]));
        assert!(!opens(Tunnel::Gre, &[&[0, 0, 0x65, 0x58], ARP]));
        assert!(!opens(Tunnel::Gre, &[&[0, 0, 0x20, 0x00], V4]));
    }

    #[test]
    fn checksum_key_and_sequence_are_skipped() {
        const ALL: &[u8] = &[0xb0, 0, 0x08, 0x00, 1, 2, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1];
        assert!(opens(Tunnel::Gre, &[ALL, V4]));
    }

    #[test]
    fn source_routes_and_other_versions_stay() {
        assert!(!opens(Tunnel::Gre, &[&[0x40, 0, 0x08, 0x00, 0, 0, 0, 0], V4]));
        assert!(!opens(Tunnel::Gre, &[&[0, 2, 0x08, 0x00], V4]));
    }

    #[test]
    fn ethernet_with_nothing_but_a_key_is_nvgre() {
        const KEY: &[u8] = &[0x20, 0, 0x65, 0x58, 0, 0x13, 0x89, 7];
        const KEY_AND_SEQUENCE: &[u8] = &[0x30, 0, 0x65, 0x58, 0, 0x13, 0x89, 7, 0, 0, 0, 1];
        const RESERVED: [&[u8]; 3] = [
            &[0x20, 0, 0x65, 0x58, 0, 0, 5, 0],
            &[0x20, 0, 0x65, 0x58, 0, 0x0f, 0xff, 0],
            &[0x20, 0, 0x65, 0x58, 0xff, 0xff, 0xff, 0],
        ];
        assert!(opens(Tunnel::Nvgre, &[KEY, ETHERNET, V4]));
        assert!(opens(Tunnel::Gre, &[KEY, TAGGED, V4]));
        assert!(opens(Tunnel::Gre, &[KEY_AND_SEQUENCE, ETHERNET, V4]));
        for header in RESERVED {
            assert!(opens(Tunnel::Gre, &[header, ETHERNET, V4]), "{header:02x?}");
        }
    }

    #[test]
    fn web_caches_and_mikrotik_routers_have_their_own_types() {
        const ETHERNET_OVER_IP: &[u8] = &[0x20, 0x01, 0x64, 0x00, 0, 50, 7, 0];
        assert!(opens(Tunnel::Gre, &[&[0, 0, 0x88, 0x3e], V4]));
        assert!(opens(Tunnel::Gre, &[&[0, 0, 0x88, 0x3e, 0, 0, 0, 0], V4]));
        assert!(opens(Tunnel::Gre, &[ETHERNET_OVER_IP, ETHERNET, V4]));
        assert!(opens(Tunnel::Gre, &[&[0, 0, 0x89, 0x4f, 0x0f, 0xc2, 2, 1, 0, 0, 1, 1], V4]));
    }

    #[test]
    fn udp_may_carry_it() {
        assert!(came_in(&over_udp(5555, 4754, &[&[0, 0, 0x08, 0x00], V4]), Tunnel::Gre));
        assert!(stayed_out(&over_udp(4754, 5555, &[&[0, 0, 0x08, 0x00], V4])));
    }

    #[test]
    fn pptp_carries_ppp() {
        const DATA: &[u8] = &[0x30, 0x01, 0x88, 0x0b, 0, 40, 0, 7, 0, 0, 0, 1];
        const WITH_ACK: &[u8] = &[0x30, 0x81, 0x88, 0x0b, 0, 38, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1];
        const ACK: &[u8] = &[0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 7, 0, 0, 0, 1];
        assert!(opens(Tunnel::Gre, &[DATA, &[0xff, 0x03, 0x00, 0x21], V4]));
        assert!(opens(Tunnel::Gre, &[WITH_ACK, &[0x00, 0x21], V4]));
        assert!(!opens(Tunnel::Gre, &[ACK]));
        // Encrypted by MPPE (RFC 3078).
        assert!(!opens(Tunnel::Gre, &[DATA, &[0x00, 0xfd, 0x90, 0x01], V4]));
    }

    #[test]
    fn erspan_of_every_type_is_opened() {
        const I: &[u8] = &[0, 0, 0x88, 0xbe];
        const II: &[u8] = &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 1];
        const III: &[u8] =
            &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];
        const III_IP: &[u8] =
            &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0x08, 0];
        const III_SUBHEADER: &[u8] = &[
            0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0,
            0, 0, 0,
        ];
        for header in [I, II, III, III_SUBHEADER] {
            assert!(opens(Tunnel::Erspan, &[header, ETHERNET, V4]), "{header:02x?}");
        }
        assert!(opens(Tunnel::Erspan, &[III_IP, V4]));
        assert!(came_in(&over_ip(47, &[II, ETHERNET, &V4[..28]]), Tunnel::Erspan));
    }
}
