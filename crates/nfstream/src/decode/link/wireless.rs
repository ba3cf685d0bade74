//! Wireless LANs (IEEE 802.11), bare or after one of the headers that drivers write.

use super::super::cursor::Cursor;
use super::super::error::DecodeError::{
    self, Aggregated, Encrypted, NotIp, TruncatedLink, UnsupportedHeader,
};
use super::ethernet::{ethernet, follow};
use super::llc;
use super::network::Network;
use crate::packet::{LinkType, RawRecord, narrow, to_usize};

/// Bytes of the two addresses and the length before each subframe of an aggregate, laid out as in
/// an Ethernet frame.
const SUBFRAME_HEADER: usize = 14;

/// Content of a data frame.
enum Body {
    /// Frames, each with a header.
    Aggregate,
    Single(Network),
}

/// Reads a radiotap header (little-endian; radiotap.org) and the 802.11 frame after it.
pub(super) fn radiotap(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const PRESENT_TIME: u32 = 1;
    const PRESENT_FLAGS: u32 = 1 << 1;
    const PRESENT_MORE: u32 = 1 << 31;
    const FLAG_DATA_PADDED: u8 = 0x20;

    let [0, _, len_low, len_high] = *cursor.peek(0, TruncatedLink)? else {
        return Err(UnsupportedHeader);
    };
    let len = usize::from(u16::from_le_bytes([len_low, len_high]));
    let present = u32::from_le_bytes(*cursor.peek(4, TruncatedLink)?);
    let mut fields = 8;
    let mut more = present;
    while more & PRESENT_MORE != 0 {
        more = u32::from_le_bytes(*cursor.peek(fields, TruncatedLink)?);
        fields += 4;
    }
    if present & PRESENT_TIME != 0 {
        fields = fields.next_multiple_of(8) + 8;
    }
    let padded =
        present & PRESENT_FLAGS != 0 && cursor.byte(fields, TruncatedLink)? & FLAG_DATA_PADDED != 0;
    if len < 8 {
        return Err(UnsupportedHeader);
    }
    cursor.skip(len);
    single(body(cursor, None, padded)?)
}

/// Reads an 802.11 frame without a preceding header.
pub(super) fn bare(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    single(body(cursor, None, false)?)
}

/// Reads a Prism header, or the AVS header that some drivers write in its place.
pub(super) fn prism(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const LEN: usize = 144;

    if let [0x80, 0x21, 0x10, _] = cursor.peek(0, TruncatedLink)? {
        return avs(cursor);
    }
    cursor.skip(LEN);
    bare(cursor)
}

/// Reads an AVS header, which gives its own length.
pub(super) fn avs(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    const MIN_LEN: u32 = 8;

    let len = u32::from_be_bytes(*cursor.peek(4, TruncatedLink)?);
    if len < MIN_LEN {
        return Err(UnsupportedHeader);
    }
    cursor.skip(to_usize(len));
    bare(cursor)
}

fn single(body: Body) -> Result<Network, DecodeError> {
    match body {
        Body::Aggregate => Err(Aggregated),
        Body::Single(network) => Ok(network),
    }
}

/// Reads an 802.11 frame inside a tunnel; of aggregated frames, the first.
pub(crate) fn frame(cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    first(body(cursor, None, false)?, cursor)
}

/// Reads an 802.11 data frame inside a tunnel that begins with `frame_control`, in either byte
/// order; of aggregated frames, it reads the first.
pub(crate) fn data(
    cursor: &mut Cursor<'_>,
    frame_control: [u8; 2],
) -> Result<Network, DecodeError> {
    first(body(cursor, Some(frame_control), false)?, cursor)
}

fn first(body: Body, cursor: &mut Cursor<'_>) -> Result<Network, DecodeError> {
    match body {
        Body::Aggregate => ethernet(cursor),
        Body::Single(network) => Ok(network),
    }
}

/// Reads the header of a data frame, and of its content unless that is an aggregate; `padded` if
/// the header is padded to a multiple of four bytes.
fn body(
    cursor: &mut Cursor<'_>,
    frame_control: Option<[u8; 2]>,
    padded: bool,
) -> Result<Body, DecodeError> {
    const TYPE_DATA: u8 = 2;
    const SUBTYPE_NO_DATA: u8 = 0x40;
    const SUBTYPE_QOS: u8 = 0x80;
    const BOTH_DISTRIBUTION_SYSTEMS: u8 = 0x03;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    const AGGREGATE: u8 = 0x80;
    const SEQUENCE: usize = 22;
    const FRAGMENT_NUMBER: u8 = 0x0f;

    let [control, flags] = match frame_control {
        Some(control) => control,
        None => *cursor.peek(0, TruncatedLink)?,
    };
    if control >> 2 & 3 != TYPE_DATA || control & SUBTYPE_NO_DATA != 0 {
        return Err(NotIp);
    }
    if flags & PROTECTED != 0 {
        return Err(Encrypted);
    }
    // Only the first fragment of a frame begins with a header.
    if cursor.byte(SEQUENCE, TruncatedLink)? & FRAGMENT_NUMBER != 0 {
        return Err(UnsupportedHeader);
    }
    let mut len =
        if flags & BOTH_DISTRIBUTION_SYSTEMS == BOTH_DISTRIBUTION_SYSTEMS { 30 } else { 24 };
    let mut aggregate = false;
    if control & SUBTYPE_QOS != 0 {
        aggregate = cursor.byte(len, TruncatedLink)? & AGGREGATE != 0;
        len += 2;
        if flags & ORDER != 0 {
            len += 4;
        }
    }
    if padded {
        len = len.next_multiple_of(4);
    }
    cursor.skip(len);
    if aggregate {
        return Ok(Body::Aggregate);
    }
    let next = llc::read(cursor, 0)?;
    follow(cursor, next).map(Body::Single)
}

/// Subframes of an aggregate (A-MSDU), each as a separate Ethernet frame.
///
/// Together they have the wire length of the aggregate: the first includes its headers, the last
/// the bytes after it.
#[derive(Clone, Debug)]
pub struct Subframes<'a> {
    record: RawRecord,
    frame: &'a [u8],
    /// Offset of the next subframe in the frame.
    at: usize,
    /// Wire bytes of the frame that earlier subframes account for.
    counted: usize,
}

/// Returns the subframes of an aggregate, the first of which is under the cursor.
pub(crate) fn subframes<'a>(
    record: &RawRecord,
    frame: &'a [u8],
    cursor: &Cursor<'_>,
) -> Subframes<'a> {
    Subframes { record: *record, frame, at: cursor.offset(), counted: 0 }
}

impl Subframes<'_> {
    /// Returns the bytes of the subframe at `at`, its header included, if there is one.
    fn len_at(&self, at: usize) -> Option<usize> {
        let header: &[u8; SUBFRAME_HEADER] = self.frame.get(at..)?.first_chunk()?;
        match u16::from_be_bytes([header[12], header[13]]) {
            // Padding of the aggregate.
            0 => None,
            len => Some(SUBFRAME_HEADER + usize::from(len)),
        }
    }
}

impl Iterator for Subframes<'_> {
    type Item = RawRecord;

    fn next(&mut self) -> Option<RawRecord> {
        let len = self.len_at(self.at)?;
        let offset = self.record.offset.checked_add(narrow(self.at))?;
        let captured = self.frame.len().saturating_sub(self.at).min(len);
        // Each but the last is padded to a multiple of four bytes.
        let next = self.at.saturating_add(len.next_multiple_of(4));
        let wire_len = to_usize(self.record.wire_len);
        let end = if self.len_at(next).is_some() { next } else { wire_len };
        let counted = end.min(wire_len).saturating_sub(self.counted);
        self.counted += counted;
        self.at = next;
        Some(RawRecord {
            time: self.record.time,
            offset,
            capture_len: narrow(captured),
            wire_len: narrow(counted),
            link: LinkType::ETHERNET,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{IPV4, skip};
    use super::*;
    use crate::time::Timestamp;

    const SNAP: &[u8] = &[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];

    fn skip_wireless(parts: &[&[u8]]) -> Result<(Option<u8>, u16, usize), DecodeError> {
        skip(LinkType::IEEE802_11, parts)
    }

    #[test]
    fn data_has_24_bytes_of_header() {
        assert_eq!(skip_wireless(&[&[0x08, 0x01], &[0; 22], SNAP, IPV4]), Ok((Some(4), 0, 32)));
    }

    #[test]
    fn data_between_access_points_has_a_fourth_address() {
        assert_eq!(skip_wireless(&[&[0x08, 0x03], &[0; 28], SNAP, IPV4]), Ok((Some(4), 0, 38)));
    }

    #[test]
    fn quality_of_service_takes_two_bytes() {
        assert_eq!(skip_wireless(&[&[0x88, 0x01], &[0; 24], SNAP, IPV4]), Ok((Some(4), 0, 34)));
    }

    #[test]
    fn high_throughput_control_takes_four_more() {
        assert_eq!(skip_wireless(&[&[0x88, 0x81], &[0; 28], SNAP, IPV4]), Ok((Some(4), 0, 38)));
    }

    #[test]
    fn protected_frames_are_encrypted() {
        assert_eq!(skip_wireless(&[&[0x08, 0x41], &[0; 40]]), Err(Encrypted));
    }

    #[test]
    fn beacons_and_frames_without_data_are_not_ip() {
        assert_eq!(skip_wireless(&[&[0x80, 0x00], &[0; 40]]), Err(NotIp));
        assert_eq!(skip_wireless(&[&[0x48, 0x01], &[0; 40]]), Err(NotIp));
    }

    #[test]
    fn a_cut_header_is_truncated() {
        assert_eq!(skip_wireless(&[&[0x08, 0x01], &[0; 20]]), Err(TruncatedLink));
    }

    mod radiotap {
        use super::*;

        const DATA: &[u8] = &[0x08, 0x01];
        const SNAP: &[u8] = &[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];

        #[test]
        fn its_length_is_skipped() {
            let frame = [&[0, 0, 12, 0, 0, 0, 0, 0, 9, 9, 9, 9], DATA, &[0; 22], SNAP, IPV4];
            assert_eq!(skip(LinkType::RADIOTAP, &frame), Ok((Some(4), 0, 44)));
        }

        #[test]
        fn padding_after_a_header_is_skipped() {
            // Present: flags. Flags: data padded. The header has 26 bytes, so two are padding.
            const RADIOTAP: &[u8] = &[0, 0, 9, 0, 0x02, 0, 0, 0, 0x20];
            let frame = [RADIOTAP, &[0x88, 0x01], &[0; 24], &[0, 0], SNAP, IPV4];
            assert_eq!(skip(LinkType::RADIOTAP, &frame), Ok((Some(4), 0, 45)));
        }

        #[test]
        fn flags_follow_an_aligned_time() {
            // Present: time and flags. The time begins at a multiple of eight.
            const RADIOTAP: &[u8] = &[0, 0, 17, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20];
            let frame = [RADIOTAP, &[0x88, 0x01], &[0; 24], &[0, 0], SNAP, IPV4];
            assert_eq!(skip(LinkType::RADIOTAP, &frame), Ok((Some(4), 0, 53)));
        }

        #[test]
        fn flags_follow_all_presence_words() {
            // Present: flags, and one more word.
            const RADIOTAP: &[u8] = &[0, 0, 13, 0, 0x02, 0, 0, 0x80, 0, 0, 0, 0, 0x20];
            let frame = [RADIOTAP, &[0x88, 0x01], &[0; 24], &[0, 0], SNAP, IPV4];
            assert_eq!(skip(LinkType::RADIOTAP, &frame), Ok((Some(4), 0, 49)));
        }

        #[test]
        fn another_version_is_not_read() {
            assert_eq!(
                skip(LinkType::RADIOTAP, &[&[1, 0, 8, 0, 0, 0, 0, 0]]),
                Err(UnsupportedHeader)
            );
        }

        #[test]
        fn presence_words_without_end_are_truncated() {
            let frame = [&[0, 0, 8, 0][..], &[0, 0, 0, 0x80].repeat(3)];
            assert_eq!(skip(LinkType::RADIOTAP, &frame), Err(TruncatedLink));
        }
    }

    #[test]
    fn later_fragments_are_not_read() {
        let frame = [&[0x08, 0x05][..], &[0; 20], &[0x11, 0], SNAP, IPV4];
        assert_eq!(skip_wireless(&frame), Err(UnsupportedHeader));
    }

    #[test]
    fn older_drivers_write_other_headers() {
        let data = [&[0x08, 0x01][..], &[0; 22], SNAP, IPV4].concat();
        let read = |link, header: &[u8]| skip(link, &[header, &data]);
        let prism = [&[0, 0, 0, 0x44, 0, 0, 0, 144][..], &[0; 136]].concat();
        assert_eq!(read(LinkType::IEEE802_11_PRISM, &prism), Ok((Some(4), 0, 176)));
        let avs = [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56]].concat();
        assert_eq!(read(LinkType::IEEE802_11_PRISM, &avs), Ok((Some(4), 0, 96)));
        assert_eq!(read(LinkType::IEEE802_11_AVS, &avs), Ok((Some(4), 0, 96)));
        assert_eq!(read(LinkType::IEEE802_11_AVS, &[0; 16]), Err(UnsupportedHeader));
    }

    mod aggregates {
        use super::*;

        const HEADERS: &[u8] = &[
            0x88, 0x01, 0, 0, 2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 6, 6, 6, 6, 6, 6, 0x10, 0, 0x80,
            0,
        ];

        fn subframe(len: u8) -> Vec<u8> {
            let mut subframe = [&[8; 12][..], &[0, len]].concat();
            subframe.resize(SUBFRAME_HEADER + usize::from(len), len);
            subframe
        }

        fn split(frame: &[u8], wire_len: u32) -> Vec<(u32, u32, u32)> {
            let record = RawRecord {
                time: Timestamp::default(),
                offset: 1000,
                capture_len: narrow(frame.len()),
                wire_len,
                link: LinkType::IEEE802_11,
            };
            let mut cursor = Cursor::new(frame);
            cursor.skip(HEADERS.len());
            subframes(&record, frame, &cursor)
                .inspect(|part| assert_eq!(part.link, LinkType::ETHERNET))
                .map(|part| (part.offset, part.capture_len, part.wire_len))
                .collect()
        }

        #[test]
        fn they_are_split_before_they_are_read() {
            assert_eq!(skip_wireless(&[HEADERS, &subframe(30)]), Err(Aggregated));
        }

        #[test]
        fn subframes_count_every_byte_once() {
            // The second subframe is padded, the third followed by a checksum.
            let frame =
                [HEADERS, &subframe(30), &subframe(21), &[0], &subframe(40), &[9; 4]].concat();
            assert_eq!(frame.len(), 26 + 44 + 36 + 54 + 4);
            assert_eq!(split(&frame, 164), [(1026, 44, 70), (1070, 35, 36), (1106, 54, 58)]);
        }

        #[test]
        fn a_cut_subframe_is_the_last() {
            let frame = [HEADERS, &subframe(30), &subframe(200)].concat();
            let cut = &frame[..frame.len() - 100];
            assert_eq!(split(cut, 284), [(1026, 44, 70), (1070, 114, 214)]);
            assert_eq!(split(&frame[..80], 284), [(1026, 44, 284)]);
        }

        proptest! {
            #[test]
            fn any_bytes_are_split(frame in prop::collection::vec(any::<u8>(), 0..300)) {
                let frame = [HEADERS, &frame].concat();
                let total: u32 = split(&frame, narrow(frame.len())).iter().map(|part| part.2).sum();
                prop_assert!(total == 0 || total == narrow(frame.len()));
            }
        }
    }
}
