//! Serial lines: PPP (RFC 1661), Cisco HDLC and the headers before them.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedLink};
use super::ethernet::follow;
use super::network::{Network, Next};
use super::{ethertype, ppp};

/// Reads a PPP header (RFC 1661, RFC 1662), with address, control and protocol compressed or not.
pub(crate) fn plain(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let next = ppp::header(cursor)?;
    follow(cursor, next)
}

/// Reads a PPP or Cisco HDLC header: both share one link type.
pub(super) fn ppp_or_cisco_hdlc(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    match cursor.byte(0, TruncatedLink)? {
        // Unicast and multicast addresses of Cisco HDLC (RFC 1547, section 4.3.1).
        0x0f | 0x8f => cisco_hdlc(cursor),
        _ => plain(cursor),
    }
}

/// Skips the direction, 0 for received packets, and reads the PPP header after it.
pub(super) fn with_direction(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cursor.skip(1);
    plain(cursor)
}

/// Reads a PPP header with a direction in place of the address.
pub(super) fn pppd(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cursor.skip(1);
    if cursor.byte(0, TruncatedLink)? == 0x03 {
        cursor.skip(1);
    }
    plain(cursor)
}

/// Reads the protocol in the header of BSD/OS.
pub(super) fn bsdos(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let protocol = cursor.u16(5, TruncatedLink)?;
    cursor.skip(24);
    let next = ppp::content(cursor, protocol)?;
    follow(cursor, next)
}

/// Reads a PPPoE header (RFC 2516) at the start of a frame.
pub(super) fn over_ethernet(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let next = ppp::session(cursor)?;
    follow(cursor, next)
}

/// Reads a Cisco HDLC header.
pub(super) fn cisco_hdlc(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    let kind = cursor.u16(2, TruncatedLink)?;
    cursor.skip(4);
    if kind < ethertype::FIRST { Err(NotIp) } else { follow(cursor, Next::Type(kind)) }
}

/// Skips the direction, 0 for received packets, and reads the Cisco HDLC header after it.
pub(super) fn cisco_hdlc_with_direction(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    cursor.skip(1);
    cisco_hdlc(cursor)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADDRESSES, IPV4, IPV6, skip, skip_ethernet};
    use super::*;
    use crate::decode::error::DecodeError::{Encrypted, UnsupportedHeader};
    use crate::packet::LinkType;

    #[test]
    fn protocols_without_ip_are_distinguished_from_unsupported_ones() {
        for (protocol, reason) in
            [(0xc021_u16, NotIp), (0x002b, NotIp), (0x0053, Encrypted), (0x00fd, UnsupportedHeader)]
        {
            let frame = [&[0xff, 0x03][..], &protocol.to_be_bytes(), &[0; 30]];
            assert_eq!(skip(LinkType::PPP, &frame), Err(reason), "{protocol:#06x}");
        }
    }

    #[test]
    fn bridged_frames_are_read() {
        let frame = [&[0x00, 0x31, 0x00, 0x01], ADDRESSES, &[8, 0], IPV4];
        assert_eq!(skip(LinkType::PPP, &frame), Ok((Some(4), 0, 18)));
        let frame = [&[0x00, 0x31, 0x40, 0x01, 0, 0, 0, 9], ADDRESSES, &[8, 0], IPV4];
        assert_eq!(skip(LinkType::PPP, &frame), Ok((Some(4), 0, 22)));
    }

    #[test]
    fn other_framings_are_read() {
        assert_eq!(skip(LinkType::PPP_PPPD, &[&[0, 3, 0, 0x21], IPV4]), Ok((Some(4), 0, 4)));
        assert_eq!(skip(LinkType::PPP_PPPD, &[&[1, 0, 0x57], IPV6]), Ok((Some(6), 0, 3)));
        let frame = [&[0; 5][..], &[0, 0x21], &[0; 17], IPV4];
        assert_eq!(skip(LinkType::PPP_BSDOS, &frame), Ok((Some(4), 0, 24)));
        let frame = [&[1, 0x0f, 0x00, 0x08, 0x00], IPV4];
        assert_eq!(skip(LinkType::C_HDLC_WITH_DIRECTION, &frame), Ok((Some(4), 0, 5)));
    }

    mod ppp {
        use super::*;

        #[test]
        fn address_and_control_may_be_left_out() {
            for link in [LinkType::PPP, LinkType::PPP_SERIAL] {
                assert_eq!(skip(link, &[&[0xff, 0x03, 0x00, 0x21], IPV4]), Ok((Some(4), 0, 4)));
                assert_eq!(skip(link, &[&[0x00, 0x57], IPV6]), Ok((Some(6), 0, 2)));
            }
        }

        #[test]
        fn the_protocol_may_be_compressed() {
            assert_eq!(skip(LinkType::PPP, &[&[0x21], IPV4]), Ok((Some(4), 0, 1)));
        }

        #[test]
        fn a_direction_may_precede_it() {
            for direction in [0, 1] {
                let frame = [&[direction, 0xff, 0x03, 0x00, 0x21], IPV4];
                assert_eq!(skip(LinkType::PPP_WITH_DIRECTION, &frame), Ok((Some(4), 0, 5)));
            }
            assert_eq!(skip(LinkType::PPP_WITH_DIRECTION, &[&[0]]), Err(TruncatedLink));
        }

        #[test]
        fn link_control_is_not_ip() {
            assert_eq!(skip(LinkType::PPP, &[&[0xff, 0x03, 0xc0, 0x21]]), Err(NotIp));
        }

        #[test]
        fn labels_may_follow() {
            let frame = [&[0xff, 0x03, 0x02, 0x81][..], &[0, 1, 1, 64], IPV4];
            assert_eq!(skip(LinkType::PPP, &frame), Ok((Some(4), 0, 8)));
        }

        #[test]
        fn the_protocol_must_be_there() {
            assert_eq!(skip(LinkType::PPP, &[&[0xff, 0x03]]), Err(TruncatedLink));
            assert_eq!(skip(LinkType::PPP, &[&[0x00]]), Err(TruncatedLink));
        }
    }

    mod pppoe {
        use super::*;

        #[test]
        fn a_session_leads_to_ppp() {
            const SESSION: &[u8] = &[0x88, 0x64, 0x11, 0x00, 0, 1, 0, 22, 0x00, 0x21];
            assert_eq!(skip_ethernet(&[SESSION, IPV4]), Ok((Some(4), 0, 22)));
        }

        #[test]
        fn it_may_be_a_link_type_of_its_own() {
            const SESSION: &[u8] = &[0x11, 0x00, 0, 1, 0, 42, 0x00, 0x57];
            assert_eq!(skip(LinkType::PPPOE, &[SESSION, IPV6]), Ok((Some(6), 0, 8)));
        }

        #[test]
        fn discovery_is_not_ip() {
            assert_eq!(skip_ethernet(&[&[0x88, 0x63, 0x11, 0x09, 0, 0, 0, 0]]), Err(NotIp));
            assert_eq!(skip(LinkType::PPPOE, &[&[0x11, 0x09, 0, 0, 0, 0]]), Err(NotIp));
        }

        #[test]
        fn a_session_in_a_vlan_keeps_it() {
            const TAGGED: &[u8] = &[0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 1, 0, 22, 0x00, 0x21];
            assert_eq!(skip_ethernet(&[TAGGED, IPV4]), Ok((Some(4), 7, 26)));
        }
    }

    mod cisco_hdlc {
        use super::*;

        #[test]
        fn it_leads_to_an_ethertype() {
            let frame = [&[0x0f, 0x00, 0x08, 0x00], IPV4];
            assert_eq!(skip(LinkType::C_HDLC, &frame), Ok((Some(4), 0, 4)));
        }

        #[test]
        fn ppp_links_may_carry_it() {
            let frame = [&[0x8f, 0x00, 0x86, 0xdd], IPV6];
            assert_eq!(skip(LinkType::PPP_SERIAL, &frame), Ok((Some(6), 0, 4)));
        }

        #[test]
        fn keepalives_are_not_ip() {
            assert_eq!(skip(LinkType::C_HDLC, &[&[0x8f, 0x00, 0x80, 0x35]]), Err(NotIp));
            assert_eq!(skip(LinkType::C_HDLC, &[&[0x8f, 0x00, 0x00, 0x35]]), Err(NotIp));
        }
    }
}
