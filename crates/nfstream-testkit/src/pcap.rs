//! Captures in the pcap format.

use nfstream::packet::LinkType;

use crate::Captured;

/// Unit of a capture's times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Resolution {
    /// Microseconds, the original format.
    Micro,
    /// Nanoseconds.
    Nano,
}

/// Returns a little-endian pcap file of `packets` with the link type of the first packet.
///
/// # Panics
///
/// Panics for times before 1970 or after 2106, which the format cannot hold.
pub fn pcap(resolution: Resolution, packets: &[Captured]) -> Vec<u8> {
    let (magic, unit) = match resolution {
        Resolution::Micro => (0xa1b2_c3d4_u32, 1_000),
        Resolution::Nano => (0xa1b2_3c4d, 1),
    };
    let link = packets.first().map_or(LinkType::ETHERNET, |packet| packet.link);
    let mut file = magic.to_le_bytes().to_vec();
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(65_535_u32.to_le_bytes());
    file.extend(u32::from(link.0).to_le_bytes());
    for packet in packets {
        let nanos = packet.time.nanos();
        let fields = [
            u32::try_from(nanos.div_euclid(1_000_000_000)).expect("within the years of pcap"),
            u32::try_from(nanos.rem_euclid(1_000_000_000) / unit).expect("less than a second"),
            u32::try_from(packet.bytes.len()).expect("frames in tests are short"),
            packet.wire_len,
        ];
        file.extend(fields.into_iter().flat_map(u32::to_le_bytes));
        file.extend(&packet.bytes);
    }
    file
}
