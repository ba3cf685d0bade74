//! Headers that the capturing system writes in place of a link header: cooked captures, packet
//! filter logs, loopback.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedLink, UnsupportedHeader};
use super::ethernet::{bridged, follow};
use super::frame_relay;
use super::network::{EITHER, Network, Next, V4, V6, type_after};
use super::wireless;

/// Address family number of IPv4 on every system.
const FAMILY_IPV4: u32 = 2;

/// Reads an address family in the byte order of the capturing machine.
pub(super) fn loopback(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let network = family(*cursor.peek(0, TruncatedLink)?);
    cursor.skip(4);
    network
}

/// Reads the header of a decrypted packet: an address family, an index and flags.
pub(super) fn enc(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let network = family(*cursor.peek(0, TruncatedLink)?);
    cursor.skip(12);
    network
}

/// Reads a log entry of the BSDs' packet filter, whose length and fields differ by system.
pub(super) fn pflog(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let [len, number] = *cursor.peek(0, TruncatedLink)?;
    cursor.skip(usize::from(len).next_multiple_of(4));
    family([number, 0, 0, 0])
}

/// Reads a header of Solaris, version 1.
pub(super) fn ipnet(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const SOLARIS_IPV6: u8 = 26;

    let [_, number] = *cursor.peek(0, TruncatedLink)?;
    cursor.skip(24);
    if number == SOLARIS_IPV6 { Ok(V6) } else { family([number, 0, 0, 0]) }
}

/// Returns the protocol of an address family in either byte order.
fn family(number: [u8; 4]) -> Result<Network, DecodeError> {
    // IPv6 is 10 on Linux, 24, 28 and 30 on the BSDs and macOS, 23 on Windows.
    match u32::from_le_bytes(number).min(u32::from_be_bytes(number)) {
        FAMILY_IPV4 => Ok(V4),
        10 | 23 | 24 | 28 | 30 => Ok(V6),
        _ => Err(NotIp),
    }
}

/// Reads a Linux "cooked" header of version 1.
pub(super) fn cooked_1(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cooked(cursor, 14, 2, 16)
}

/// Reads a Linux "cooked" header of version 2.
pub(super) fn cooked_2(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cooked(cursor, 0, 8, 20)
}

/// Reads a Linux "cooked" header of `len` bytes with the protocol field at `protocol` and the
/// device type at `device`.
fn cooked(
    cursor: &mut Cursor<'_>,
    protocol: usize,
    device: usize,
    len: usize,
) -> Result<Network, DecodeError> {
    /// Device types (ARPHRD) whose frames begin with their own header.
    const FRAME_RELAY: u16 = 770;
    const WIRELESS_RADIOTAP: u16 = 803;
    /// Device types whose protocol field is not an EtherType.
    const NETLINK: u16 = 824;

    let kind = cursor.u16(protocol, TruncatedLink)?;
    let device = cursor.u16(device, TruncatedLink)?;
    cursor.peek::<1>(len - 1, TruncatedLink)?;
    cursor.skip(len);
    match (device, kind) {
        (FRAME_RELAY, _) => frame_relay::plain(cursor),
        (WIRELESS_RADIOTAP, _) => wireless::radiotap(cursor),
        (NETLINK, _) => Err(NotIp),
        // ETH_P_802_2: an 802.2 header follows; the other small numbers are not network protocols.
        (_, 0x0004) => follow(cursor, Next::Type(kind)),
        (_, ..0x0600) => Err(NotIp),
        _ => bridged(cursor, kind),
    }
}

/// Reads a log entry of Linux's netfilter: an address family, and fields in the byte order of the
/// capturing machine.
pub(super) fn nflog(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const BRIDGE: u8 = 7;

    let [number, version] = *cursor.peek(0, TruncatedLink)?;
    if version != 0 {
        return Err(UnsupportedHeader);
    }
    cursor.skip(4);
    let (payload, protocol) = fields(cursor, u16::from_le_bytes)
        .or_else(|| fields(cursor, u16::from_be_bytes))
        .ok_or(NotIp)?;
    cursor.skip(payload);
    match number {
        BRIDGE => bridged(cursor, protocol.ok_or(UnsupportedHeader)?),
        0 => match protocol {
            Some(protocol) => bridged(cursor, protocol),
            None => Ok(EITHER),
        },
        number => family([number, 0, 0, 0]),
    }
}

/// Returns the offset of the payload in a log entry, and the EtherType of the packet.
fn fields(cursor: &Cursor<'_>, number: fn([u8; 2]) -> u16) -> Option<(usize, Option<u16>)> {
    const PACKET_HEADER: u16 = 1;
    const PAYLOAD: u16 = 9;
    /// Flags that mark nested fields and fields in network byte order.
    const MARKS: u16 = 0xc000;

    let (mut at, mut protocol) = (0_usize, None);
    loop {
        let [a, b, c, d] = *cursor.peek(at, TruncatedLink).ok()?;
        let len = usize::from(number([a, b]));
        match number([c, d]) & !MARKS {
            _ if len < 4 => return None,
            PAYLOAD => return Some((at + 4, protocol)),
            PACKET_HEADER => protocol = cursor.u16(at + 4, TruncatedLink).ok(),
            _ => {}
        }
        at += len.next_multiple_of(4);
    }
}

/// Reads the header of a SLIP packet, whose own headers the system has decompressed.
pub(super) fn slip(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cursor.skip(16);
    Ok(EITHER)
}

/// Reads the header of a SLIP packet of BSD/OS.
pub(super) fn slip_bsdos(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cursor.skip(24);
    Ok(EITHER)
}

/// Reads the header of Symantec's firewalls: the EtherType is at byte 6 in version 2, at byte 46 in
/// version 3.
pub(super) fn symantec(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let kind = cursor.u16(6, TruncatedLink)?;
    if kind != 0 {
        cursor.skip(44);
        return follow(cursor, Next::Type(kind));
    }
    let next = type_after(cursor, 46)?;
    cursor.skip(8);
    follow(cursor, next)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{IPV4, IPV6, skip};
    use super::*;
    use crate::packet::LinkType;

    mod loopback {
        use super::*;

        #[test]
        fn families_come_in_either_byte_order() {
            for link in [LinkType::NULL, LinkType::LOOP] {
                assert_eq!(skip(link, &[&[2, 0, 0, 0], IPV4]), Ok((Some(4), 0, 4)));
                assert_eq!(skip(link, &[&[0, 0, 0, 2], IPV4]), Ok((Some(4), 0, 4)));
            }
        }

        #[test]
        fn each_system_has_its_number_for_ipv6() {
            for family in [10, 23, 24, 28, 30] {
                let frame = [&[family, 0, 0, 0], IPV6];
                assert_eq!(skip(LinkType::NULL, &frame), Ok((Some(6), 0, 4)), "{family}");
            }
        }

        #[test]
        fn other_families_are_not_ip() {
            assert_eq!(skip(LinkType::NULL, &[&[7, 0, 0, 0]]), Err(NotIp));
            assert_eq!(skip(LinkType::NULL, &[&[0, 0, 0, 0]]), Err(NotIp));
        }

        #[test]
        fn a_cut_family_is_truncated() {
            assert_eq!(skip(LinkType::NULL, &[&[2, 0, 0]]), Err(TruncatedLink));
        }
    }

    mod cooked {
        use super::*;

        #[test]
        fn version_1_has_its_protocol_at_the_end() {
            let frame = [&[0; 14][..], &[0x08, 0x00], IPV4];
            assert_eq!(skip(LinkType::LINUX_SLL, &frame), Ok((Some(4), 0, 16)));
        }

        #[test]
        fn version_2_has_its_protocol_at_the_start() {
            let frame = [&[0x86, 0xdd][..], &[0; 18], IPV6];
            assert_eq!(skip(LinkType::LINUX_SLL2, &frame), Ok((Some(6), 0, 20)));
        }

        #[test]
        fn tags_may_follow() {
            let frame = [&[0; 14][..], &[0x81, 0x00, 0, 7, 0x08, 0x00], IPV4];
            assert_eq!(skip(LinkType::LINUX_SLL, &frame), Ok((Some(4), 7, 20)));
        }

        #[test]
        fn an_802_2_header_may_follow() {
            let frame = [&[0; 14][..], &[0, 4, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00], IPV4];
            assert_eq!(skip(LinkType::LINUX_SLL, &frame), Ok((Some(4), 0, 24)));
        }

        #[test]
        fn a_novell_frame_is_not_ip() {
            assert_eq!(skip(LinkType::LINUX_SLL, &[&[0; 14], &[0, 1], &[0; 30]]), Err(NotIp));
        }

        #[test]
        fn a_cut_header_is_truncated() {
            assert_eq!(skip(LinkType::LINUX_SLL, &[&[0; 15]]), Err(TruncatedLink));
            assert_eq!(skip(LinkType::LINUX_SLL2, &[&[0x08, 0], &[0; 17]]), Err(TruncatedLink));
        }
    }

    mod devices {
        use super::*;

        #[test]
        fn some_frames_begin_with_their_own_header() {
            let frame = [&[0, 0, 0x03, 0x02][..], &[0; 12], &[0x18, 0x41, 3, 0xcc], IPV4];
            assert_eq!(skip(LinkType::LINUX_SLL, &frame), Ok((Some(4), 0, 20)));
            let frame = [&[8, 0][..], &[0; 6], &[0x03, 0x38], &[0; 10], IPV4];
            assert_eq!(skip(LinkType::LINUX_SLL2, &frame), Err(NotIp));
        }
    }

    mod logs {
        use super::*;

        fn entry(family: u8, number: fn(u16) -> [u8; 2], protocol: u16, packet: &[u8]) -> Vec<u8> {
            let field = |kind: u16, value: &[u8]| {
                let len = u16::try_from(value.len() + 4).unwrap();
                let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
                [&number(len)[..], &number(kind), value, &padding].concat()
            };
            [
                &[family, 0, 0, 42][..],
                &field(1, &[&protocol.to_be_bytes()[..], &[1, 0]].concat()),
                &field(10, b"fw\0"),
                &field(9, packet),
            ]
            .concat()
        }

        #[test]
        fn netfilter_writes_in_its_own_byte_order() {
            for number in [u16::to_le_bytes, u16::to_be_bytes] {
                let frame = entry(2, number, 0x0800, IPV4);
                assert_eq!(skip(LinkType::NFLOG, &[&frame]), Ok((Some(4), 0, 24)));
                let frame = entry(10, number, 0x86dd, IPV6);
                assert_eq!(skip(LinkType::NFLOG, &[&frame]), Ok((Some(6), 0, 24)));
                let frame = entry(7, number, 0x86dd, IPV6);
                assert_eq!(skip(LinkType::NFLOG, &[&frame]), Ok((Some(6), 0, 24)));
                let frame = entry(7, number, 0x0806, &[0; 28]);
                assert_eq!(skip(LinkType::NFLOG, &[&frame]), Err(NotIp));
            }
        }

        #[test]
        fn fields_without_length_end_the_entry() {
            assert_eq!(skip(LinkType::NFLOG, &[&[2, 0, 0, 0], &[0; 40]]), Err(NotIp));
            assert_eq!(skip(LinkType::NFLOG, &[&[2, 1, 0, 0], &[0; 40]]), Err(UnsupportedHeader));
        }

        #[test]
        fn packet_filters_give_the_length() {
            let frame = [&[61, 2][..], &[0; 62], IPV4];
            assert_eq!(skip(LinkType::PFLOG, &frame), Ok((Some(4), 0, 64)));
            let frame = [&[45, 24][..], &[0; 46], IPV6];
            assert_eq!(skip(LinkType::PFLOG, &frame), Ok((Some(6), 0, 48)));
        }

        #[test]
        fn decrypted_packets_have_a_family() {
            let frame = [&[0, 0, 0, 2][..], &[0; 8], IPV4];
            assert_eq!(skip(LinkType::ENC, &frame), Ok((Some(4), 0, 12)));
            let frame = [&[24, 0, 0, 0][..], &[0; 8], IPV6];
            assert_eq!(skip(LinkType::ENC, &frame), Ok((Some(6), 0, 12)));
        }

        #[test]
        fn solaris_has_its_own_number_of_ipv6() {
            assert_eq!(skip(LinkType::IPNET, &[&[1, 2], &[0; 22], IPV4]), Ok((Some(4), 0, 24)));
            assert_eq!(skip(LinkType::IPNET, &[&[1, 26], &[0; 22], IPV6]), Ok((Some(6), 0, 24)));
        }

        #[test]
        fn headers_without_a_family_leave_it_to_the_packet() {
            assert_eq!(skip(LinkType::SLIP, &[&[0; 16], IPV4]), Ok((None, 0, 16)));
            assert_eq!(skip(LinkType::SLIP_BSDOS, &[&[0; 24], IPV4]), Ok((None, 0, 24)));
        }

        #[test]
        fn firewalls_of_symantec_have_two_versions() {
            let frame = [&[0; 6][..], &[8, 0], &[0; 36], IPV4];
            assert_eq!(skip(LinkType::SYMANTEC_FIREWALL, &frame), Ok((Some(4), 0, 44)));
            let frame = [&[0; 46][..], &[8, 0], &[0; 8], IPV4];
            assert_eq!(skip(LinkType::SYMANTEC_FIREWALL, &frame), Ok((Some(4), 0, 56)));
        }
    }
}
