//! CAPWAP data packets between wireless access points and their controllers (RFC 5415, RFC 5416).

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{self, NotIp, TruncatedNetwork};
use super::super::link::{self, Network};

/// Reads the header and the Ethernet or 802.11 header after it.
///
/// Keep-alives, fragments and packets encrypted by DTLS carry no readable packet.
pub(super) fn enter(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const BINDING_802_11: u8 = 1;
    const NATIVE: u8 = 0x01;
    const FRAGMENT: u8 = 0x80;
    const KEEP_ALIVE: u8 = 0x08;
    const RESERVED: u8 = 0x07;
    const MIN_LEN: usize = 8;

    // The first byte, version and type, is 1 before DTLS.
    let [0, len_radio, radio_binding, flags] = *cursor.peek(0, TruncatedNetwork)? else {
        return Err(NotIp);
    };
    let len = usize::from(len_radio >> 3) * 4;
    if len < MIN_LEN || flags & (FRAGMENT | KEEP_ALIVE | RESERVED) != 0 {
        return Err(NotIp);
    }
    cursor.skip(len);
    if radio_binding & NATIVE == 0 {
        return link::ethernet(cursor);
    }
    if radio_binding >> 1 & 0x1f != BINDING_802_11 {
        return Err(NotIp);
    }
    // Cisco's access points swap the bytes of the frame control field.
    let [first, second] = *cursor.peek(0, TruncatedNetwork)?;
    let mut swapped = *cursor;
    link::wireless_data(cursor, [first, second]).or_else(|_| {
        let network = link::wireless_data(&mut swapped, [second, first])?;
        *cursor = swapped;
        Ok(network)
    })
}

#[cfg(test)]
mod tests {
    use super::super::Tunnel;
    use super::super::tests::{ARP, ETHERNET, V4, came_in, over_udp, stayed_out};

    const NATIVE: &[u8] = &[0, 0x10, 0x03, 0, 0, 0, 0, 0];
    const BRIDGED: &[u8] = &[0, 0x10, 0x02, 0, 0, 0, 0, 0];
    const ADDRESSES: &[u8] = &[0; 22];
    const SNAP: &[u8] = &[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];

    fn opens(parts: &[&[u8]]) -> bool {
        let packet = over_udp(5247, 5555, parts);
        let opened = came_in(&packet, Tunnel::Capwap);
        assert_ne!(opened, stayed_out(&packet));
        opened
    }

    #[test]
    fn native_frames_are_opened() {
        assert!(opens(&[NATIVE, &[0x08, 0x01], ADDRESSES, SNAP, V4]));
        assert!(opens(&[NATIVE, &[0x88, 0x01], ADDRESSES, &[0, 0], SNAP, V4]));
    }

    #[test]
    fn a_swapped_frame_control_is_understood() {
        assert!(opens(&[NATIVE, &[0x01, 0x08], ADDRESSES, SNAP, V4]));
        assert!(opens(&[NATIVE, &[0x01, 0x88], ADDRESSES, &[0, 0], SNAP, V4]));
    }

    #[test]
    fn bridged_frames_are_opened() {
        assert!(opens(&[BRIDGED, ETHERNET, V4]));
        assert!(!opens(&[BRIDGED, ARP]));
    }

    #[test]
    fn radio_address_and_wireless_information_are_skipped() {
        const WIRELESS: &[u8] = &[0, 0x20, 0x03, 0x20, 0, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0];
        assert!(opens(&[WIRELESS, &[0x08, 0x01], ADDRESSES, SNAP, V4]));
    }

    #[test]
    fn management_frames_stay() {
        assert!(!opens(&[NATIVE, &[0x40, 0x00], ADDRESSES, SNAP, V4]));
        assert!(!opens(&[NATIVE, &[0x00, 0x40], ADDRESSES, SNAP, V4]));
    }

    #[test]
    fn fragments_keep_alives_and_dtls_stay() {
        let body = [&[0x08, 0x01], ADDRESSES, SNAP, V4].concat();
        for header in [
            [0, 0x10, 0x03, 0x80, 0, 1, 0, 0],
            [0, 0x10, 0x03, 0x08, 0, 0, 0, 0],
            [1, 0x10, 0x03, 0, 0, 0, 0, 0],
            [0, 0x08, 0x03, 0, 0, 0, 0, 0],
            [0, 0x10, 0x05, 0, 0, 0, 0, 0],
        ] {
            assert!(!opens(&[&header, &body]), "{header:02x?}");
        }
    }
}
