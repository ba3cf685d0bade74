//! The classic capture format: a file header followed by records.
//!
//! <https://ietf-opsawg-wg.github.io/draft-ietf-opsawg-pcap/draft-ietf-opsawg-pcap.html>

use pcap_parser::nom::{Err as Stopped, IResult, Needed};
use pcap_parser::{
    LegacyPcapBlock, PcapError, PcapHeader, parse_pcap_frame, parse_pcap_frame_be,
    parse_pcap_frame_modified,
};

use super::Corruption;
use super::parsed::{MAX_CAPTURE_LEN, MAX_SNAPLEN, Parsed, Prefetch, Stop};
use crate::packet::{LinkType, RawRecord, to_usize};
use crate::time::Timestamp;

/// Bytes of the file header.
pub(super) const HEADER_LEN: usize = 24;
/// Bytes before each frame.
const RECORD_LEN: usize = 16;
/// Bytes before each frame in the "modified" format, which adds interface, protocol and packet
/// type.
const MODIFIED_RECORD_LEN: usize = 24;

/// Parser of the records of one file.
#[derive(Debug)]
pub(super) struct Pcap {
    link: LinkType,
    layout: Layout,
    /// Nanoseconds in one unit of the records' second time field.
    fraction: i64,
    /// Largest captured length that a record can have.
    max_capture: usize,
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    Big,
    Little,
    Modified,
}

impl Pcap {
    pub(super) fn new(header: &PcapHeader) -> Self {
        let layout = if header.is_modified_format() {
            Layout::Modified
        } else if header.is_bigendian() {
            Layout::Big
        } else {
            Layout::Little
        };
        // The upper half gives the length of the frame check sequence.
        let [low, high, ..] = header.network.0.to_le_bytes();
        Self {
            link: LinkType(u16::from_le_bytes([low, high])),
            layout,
            fraction: if header.is_nanosecond_precision() { 1 } else { 1000 },
            max_capture: to_usize(header.snaplen).clamp(MAX_CAPTURE_LEN, MAX_SNAPLEN),
        }
    }

    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    /// Reads records from `bytes[from..]`.
    pub(super) fn parse(
        &self,
        bytes: &[u8],
        from: usize,
        records: &mut Vec<RawRecord>,
        limit: usize,
    ) -> Parsed {
        // One loop for each layout, so that the layout is not checked at every record.
        match self.layout {
            Layout::Big => {
                self.walk::<RECORD_LEN>(parse_pcap_frame_be, bytes, from, records, limit)
            }
            Layout::Little => {
                self.walk::<RECORD_LEN>(parse_pcap_frame, bytes, from, records, limit)
            }
            Layout::Modified => self.walk::<MODIFIED_RECORD_LEN>(
                parse_pcap_frame_modified,
                bytes,
                from,
                records,
                limit,
            ),
        }
    }

    #[inline(always)]
    fn walk<'a, const HEADER: usize>(
        &self,
        parse: impl Fn(&'a [u8]) -> IResult<&'a [u8], LegacyPcapBlock<'a>, PcapError<&'a [u8]>>,
        bytes: &'a [u8],
        from: usize,
        records: &mut Vec<RawRecord>,
        limit: usize,
    ) -> Parsed {
        let mut at = from;
        let mut prefetch = Prefetch::new(from);
        let stop = loop {
            if records.len() >= limit {
                break Stop::Full;
            }
            prefetch.advance(bytes, at);
            let rest = bytes.get(at..).unwrap_or_default();
            let frame = match parse(rest) {
                Ok((_, frame)) if frame.data.len() <= self.max_capture => frame,
                Ok((_, frame)) => break capture_length(frame.data.len()),
                Err(Stopped::Incomplete(Needed::Size(missing))) if rest.len() >= HEADER => {
                    // An impossible length is reported without waiting for the bytes.
                    let needed = rest.len().saturating_add(missing.get());
                    if needed - HEADER > self.max_capture {
                        break capture_length(needed - HEADER);
                    }
                    break Stop::Short { needed };
                }
                Err(_) => break Stop::Short { needed: HEADER },
            };
            let Ok(offset) = u32::try_from(at + HEADER) else { break Stop::Full };
            records.push(RawRecord {
                time: Timestamp::from_seconds(
                    frame.ts_sec.into(),
                    i64::from(frame.ts_usec) * self.fraction,
                ),
                offset,
                capture_len: frame.caplen,
                wire_len: frame.origlen.max(frame.caplen),
                link: self.link,
            });
            at += HEADER + frame.data.len();
        };
        Parsed { next: at, stop }
    }
}

fn capture_length(length: usize) -> Stop {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    Stop::Corrupt { what: Corruption::CaptureLength { length } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{
        MICROSECONDS, MODIFIED, NANOSECONDS, Order, Outcome, Seen, parse, pcap, pcap_header,
        pcap_record,
    };
    use super::*;

    fn one(bytes: &[u8]) -> Seen {
        let (mut packets, outcome) = parse(bytes);
        assert_eq!((packets.len(), outcome), (1, Outcome::Complete));
        packets.remove(0)
    }

    #[test]
    fn both_byte_orders_and_resolutions_are_read() {
        for order in [Order::Big, Order::Little] {
            for (magic, nanos) in [(MICROSECONDS, 7_000_009_000), (NANOSECONDS, 7_000_000_009)] {
                let header = pcap_header(order, magic, 65535, 101);
                let record = pcap_record(order, (7, 9), 60, b"abc");
                let expected = Seen { nanos, wire_len: 60, link: 101, frame: b"abc".to_vec() };
                assert_eq!(one(&[header, record].concat()), expected);
            }
        }
    }

    #[test]
    fn modified_records_have_longer_headers() {
        let mut record = pcap_record(Order::Little, (1, 2), 3, b"");
        record[8] = 3;
        record.extend(*b"\0\0\0\0\0\0\0\0abc");
        let header = pcap_header(Order::Little, MODIFIED, 65535, 1);
        let packet = one(&[header, record].concat());
        assert_eq!((packet.nanos, packet.frame), (1_000_002_000, b"abc".to_vec()));
    }

    #[test]
    fn times_are_seconds_since_the_epoch_without_sign() {
        let header = pcap_header(Order::Little, NANOSECONDS, 65535, 1);
        let record = pcap_record(Order::Little, (u32::MAX, 999_999_999), 0, b"");
        assert_eq!(one(&[header, record].concat()).nanos, 4_294_967_295_999_999_999);
    }

    #[test]
    fn frame_check_bits_are_no_part_of_the_link_type() {
        let header = pcap_header(Order::Big, MICROSECONDS, 65535, 0x5400_0001);
        let record = pcap_record(Order::Big, (0, 0), 0, b"abc");
        assert_eq!(one(&[header, record].concat()).link, 1);
    }

    #[test]
    fn the_wire_length_is_never_less_than_the_captured_length() {
        assert_eq!(one(&pcap(&[b"abcd"])).wire_len, 4);
    }

    #[test]
    fn a_header_alone_is_a_capture_without_packets() {
        assert_eq!(parse(&pcap(&[])), (vec![], Outcome::Complete));
    }

    #[test]
    fn a_cut_record_is_reported_by_its_offset() {
        let bytes = pcap(&[b"abcd", b"efgh"]);
        for end in 45..bytes.len() {
            let (packets, outcome) = parse(&bytes[..end]);
            assert_eq!((packets.len(), outcome), (1, Outcome::Truncated(44)));
        }
    }

    #[test]
    fn an_impossible_length_is_corrupt_after_the_earlier_packets() {
        let mut bytes = pcap(&[b"abcd"]);
        bytes.extend([0; 8]);
        bytes.extend(262_145_u32.to_le_bytes());
        bytes.extend([0; 4]);
        let corrupt = Outcome::Corrupt(44, Corruption::CaptureLength { length: 262_145 });
        let (packets, outcome) = parse(&bytes);
        assert_eq!((packets.len(), &outcome), (1, &corrupt));
        bytes.extend(vec![0; 262_145]);
        assert_eq!(parse(&bytes).1, corrupt);
    }

    #[test]
    fn the_snaplen_allows_longer_packets() {
        let frame = vec![7; 300_000];
        let header = pcap_header(Order::Little, MICROSECONDS, 300_000, 1);
        let record = pcap_record(Order::Little, (0, 0), 0, &frame);
        assert_eq!(one(&[header, record.clone()].concat()).frame, frame);
        let header = pcap_header(Order::Little, MICROSECONDS, u32::MAX, 1);
        assert_eq!(one(&[header, record].concat()).frame, frame);
        let mut hostile = pcap_header(Order::Little, MICROSECONDS, u32::MAX, 1);
        hostile.extend([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 8, 0, 0, 0, 0]);
        let what = Corruption::CaptureLength { length: (128 << 20) + 1 };
        assert_eq!(parse(&hostile).1, Outcome::Corrupt(24, what));
    }

    proptest! {
        #[test]
        fn mutated_bytes_never_panic_nor_leave_the_capture(
            changes in prop::collection::vec((24_usize..140, any::<u8>()), 0..8),
            magic in prop::sample::select(vec![MICROSECONDS, NANOSECONDS, MODIFIED]),
            end in 24_usize..140,
        ) {
            let mut bytes = pcap(&[b"abcdef", b"", b"ghijklmnopqrstuvwxyz", b"0123456789"]);
            bytes[..4].copy_from_slice(&magic.to_le_bytes());
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            // `parse` asserts that each frame has the length that its record gives.
            let end = end.min(bytes.len());
            parse(&bytes[..end]);
        }
    }
}
