//! The classic capture format: a file header followed by records.
//!
//! <https://ietf-opsawg-wg.github.io/draft-ietf-opsawg-pcap/draft-ietf-opsawg-pcap.html>

use std::num::NonZero;

use pcap_parser::nom::{Err as Stopped, IResult, Needed};
use pcap_parser::{LegacyPcapBlock, PcapError, parse_pcap_frame, parse_pcap_frame_be};

use super::Corruption;
use super::parsed::{MAX_CAPTURE_LEN, MAX_SNAPLEN, Parsed, Prefetch, Stop, wire_len};
use crate::packet::{LinkType, RawRecord, to_usize};
use crate::time::Timestamp;

/// Bytes of the file header.
pub(super) const HEADER_LEN: usize = 24;
/// Bytes before each frame.
const RECORD_LEN: usize = 16;
/// Bytes before each frame of Nokia's tcpdump.
const NOKIA_RECORD_LEN: usize = 20;
/// Bytes before each frame in the "modified" format, which adds interface, protocol and packet
/// type.
const MODIFIED_RECORD_LEN: usize = 24;
/// The same in an early version of that format, which also adds processors.
const EARLY_RECORD_LEN: usize = 28;
/// Most seconds between the first two packets, from which the layout is determined.
const SECONDS_OF_A_YEAR: u32 = 366 * 86_400;
/// Bytes after the file header in captures of Ixia's devices: the length of all records.
const IXIA_LEN: usize = 4;

/// Parser of the records of one file.
#[derive(Clone, Debug)]
pub(super) struct Pcap {
    link: LinkType,
    layout: Layout,
    /// Nanoseconds in one unit of the records' second time field.
    fraction: i64,
    /// Largest captured length that a record can have.
    max_capture: usize,
    /// Bytes before the first record that remain to be skipped.
    skipped: usize,
    /// Whether the layout was compared with the first records.
    is_checked: bool,
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    Big,
    Little,
    /// Any other combination.
    Other {
        is_big: bool,
        record_len: usize,
        lengths: Lengths,
    },
}

/// Order of the two lengths in a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lengths {
    CapturedFirst,
    WireFirst,
    /// The greater one is the wire length.
    Either,
}

/// Kind of file, by its first four bytes.
#[derive(Clone, Copy, Debug)]
enum Magic {
    Microseconds,
    Nanoseconds,
    Modified,
    Ixia,
}

impl Magic {
    fn of(number: u32) -> Option<Self> {
        match number {
            0xa1b2_c3d4 => Some(Self::Microseconds),
            0xa1b2_3c4d => Some(Self::Nanoseconds),
            0xa1b2_cd34 => Some(Self::Modified),
            0x1c00_01ab | 0x1c00_01ac => Some(Self::Ixia),
            _ => None,
        }
    }
}

/// Result of reading a file header.
#[derive(Debug)]
pub(super) enum Header {
    Cut,
    Known(Pcap),
    /// Not a pcap file.
    Other,
    UnknownVersion(u16, u16),
}

impl Pcap {
    /// Reads the header of a file that begins with `head`.
    pub(super) fn read(head: &[u8]) -> Header {
        let Some(number) = head.first_chunk().copied() else { return Header::Other };
        let (magic, is_big) = match Magic::of(u32::from_le_bytes(number)) {
            Some(magic) => (magic, false),
            None => match Magic::of(u32::from_be_bytes(number)) {
                Some(magic) => (magic, true),
                None => return Header::Other,
            },
        };
        let Some(header) = head.first_chunk::<HEADER_LEN>() else { return Header::Cut };
        let [_, version, _, _, snaplen, network] =
            std::array::from_fn(|place| u32_in(header, place * 4, is_big));
        let major_minor = if is_big {
            (version >> 16, version & 0xffff)
        } else {
            (version & 0xffff, version >> 16)
        };
        let lengths = match major_minor {
            (2, 4) => Lengths::CapturedFirst,
            // Writers of this version disagree.
            (2, 3) => Lengths::Either,
            // The other number is that of DG/UX.
            (2, 0..=2) | (543, 0) => Lengths::WireFirst,
            (major, minor) => {
                let narrow = |number| u16::try_from(number).unwrap_or(u16::MAX);
                return Header::UnknownVersion(narrow(major), narrow(minor));
            }
        };
        // The upper half gives the length of the frame check sequence.
        let [low, high, ..] = network.to_le_bytes();
        let mut link = LinkType(u16::from_le_bytes([low, high]));
        let mut is_nanoseconds = matches!(magic, Magic::Nanoseconds);
        if major_minor == (2, 2)
            && let Some(known) = of_interface_type(network)
        {
            (link, is_nanoseconds) = (known, true);
        }
        let record_len =
            if matches!(magic, Magic::Modified) { MODIFIED_RECORD_LEN } else { RECORD_LEN };
        let layout = match (lengths, record_len, is_big) {
            (Lengths::CapturedFirst, RECORD_LEN, true) => Layout::Big,
            (Lengths::CapturedFirst, RECORD_LEN, false) => Layout::Little,
            _ => Layout::Other { is_big, record_len, lengths },
        };
        Header::Known(Self {
            link,
            layout,
            fraction: if is_nanoseconds { 1 } else { 1000 },
            max_capture: to_usize(snaplen).clamp(MAX_CAPTURE_LEN, MAX_SNAPLEN),
            skipped: if matches!(magic, Magic::Ixia) { IXIA_LEN } else { 0 },
            is_checked: false,
        })
    }

    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    /// Reads records from `bytes[from..]`.
    pub(super) fn parse(
        &mut self,
        bytes: &[u8],
        mut from: usize,
        records: &mut Vec<RawRecord>,
        limit: usize,
    ) -> Parsed {
        if self.skipped > 0 {
            if bytes.len() < from + self.skipped {
                return Parsed { next: from, stop: Stop::Short { needed: self.skipped } };
            }
            from += std::mem::take(&mut self.skipped);
        }
        if !self.is_checked && bytes.len() >= from + RECORD_LEN {
            self.is_checked = true;
            self.check_layout(bytes.get(from..).unwrap_or_default());
        }
        // One loop for each layout, so that the layout is not checked at every record.
        match self.layout {
            Layout::Big => {
                self.walk::<RECORD_LEN>(parse_pcap_frame_be, bytes, from, records, limit)
            }
            Layout::Little => {
                self.walk::<RECORD_LEN>(parse_pcap_frame, bytes, from, records, limit)
            }
            Layout::Other { is_big, record_len, lengths } => match record_len {
                NOKIA_RECORD_LEN => self.walk::<NOKIA_RECORD_LEN>(
                    |bytes| parse_other::<NOKIA_RECORD_LEN>(bytes, is_big, lengths),
                    bytes,
                    from,
                    records,
                    limit,
                ),
                MODIFIED_RECORD_LEN => self.walk::<MODIFIED_RECORD_LEN>(
                    |bytes| parse_other::<MODIFIED_RECORD_LEN>(bytes, is_big, lengths),
                    bytes,
                    from,
                    records,
                    limit,
                ),
                EARLY_RECORD_LEN => self.walk::<EARLY_RECORD_LEN>(
                    |bytes| parse_other::<EARLY_RECORD_LEN>(bytes, is_big, lengths),
                    bytes,
                    from,
                    records,
                    limit,
                ),
                _ => self.walk::<RECORD_LEN>(
                    |bytes| parse_other::<RECORD_LEN>(bytes, is_big, lengths),
                    bytes,
                    from,
                    records,
                    limit,
                ),
            },
        }
    }

    /// Returns whether a record from within a year of `time` may start at `at`.
    #[inline]
    pub(super) fn may_start(&self, bytes: &[u8], at: usize, time: Timestamp) -> bool {
        let seconds = i64::from(u32_in(bytes, at, self.fields().0));
        seconds.abs_diff(time.nanos().div_euclid(1_000_000_000)) < u64::from(SECONDS_OF_A_YEAR)
            && self.plausible_end(bytes, at).is_some()
    }

    /// Returns the end of the record at `at` if its fields are plausible: a fraction of a second, and
    /// a length that is neither 0 nor more than that of the packet.
    #[inline]
    pub(super) fn plausible_end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let (is_big, record_len, lengths) = self.fields();
        let start = at.checked_add(record_len).filter(|start| *start <= bytes.len())?;
        let [_, fraction, one, other] =
            std::array::from_fn(|place| u32_in(bytes, at + place * 4, is_big));
        let (captured, wire) = match lengths {
            Lengths::CapturedFirst => (one, other),
            Lengths::WireFirst => (other, one),
            Lengths::Either => (one.min(other), one.max(other)),
        };
        let is_plausible = i64::from(fraction) * self.fraction < 1_000_000_000
            && (1..=self.max_capture).contains(&to_usize(captured))
            && (captured <= wire || wire == 0);
        start.checked_add(to_usize(captured)).filter(|end| is_plausible && *end <= bytes.len())
    }

    /// Returns the byte order of the records, the bytes before each frame, and the order of lengths.
    #[inline]
    fn fields(&self) -> (bool, usize, Lengths) {
        match self.layout {
            Layout::Big => (true, RECORD_LEN, Lengths::CapturedFirst),
            Layout::Little => (false, RECORD_LEN, Lengths::CapturedFirst),
            Layout::Other { is_big, record_len, lengths } => (is_big, record_len, lengths),
        }
    }

    /// Changes the layout if the first records, at the start of `bytes`, show another one. Some
    /// writers added fields to the records, but did not change the start of the file.
    #[cold]
    fn check_layout(&mut self, bytes: &[u8]) {
        let (is_big, record_len, lengths) = self.fields();
        let others: &[usize] = match (record_len, lengths) {
            (RECORD_LEN, Lengths::CapturedFirst) => &[MODIFIED_RECORD_LEN, NOKIA_RECORD_LEN],
            (MODIFIED_RECORD_LEN, Lengths::CapturedFirst) => &[EARLY_RECORD_LEN],
            _ => return,
        };
        let ends = bytes.len() == record_len.saturating_add(to_usize(u32_in(bytes, 8, is_big)));
        // A wrong time alone does not indicate another layout.
        if !ends
            && self.second_record(bytes, is_big, record_len).is_none()
            && let Some(&record_len) = others.iter().find(|len| self.fits(bytes, is_big, **len))
        {
            self.layout = Layout::Other { is_big, record_len, lengths };
        }
    }

    /// Returns whether the first two records are plausible, and within a year, if `record_len`
    /// bytes precede each frame.
    fn fits(&self, bytes: &[u8], is_big: bool, record_len: usize) -> bool {
        self.second_record(bytes, is_big, record_len).is_some_and(|second| {
            let seconds = |at| u32_in(bytes, at, is_big);
            seconds(second).abs_diff(seconds(0)) < SECONDS_OF_A_YEAR
        })
    }

    /// Returns the offset of the second record if `record_len` bytes precede each frame; `None` if
    /// the bytes cannot be a record.
    fn second_record(&self, bytes: &[u8], is_big: bool, record_len: usize) -> Option<usize> {
        let field = |at: usize, place: usize| u32_in(bytes, at + place * 4, is_big);
        let second = record_len.saturating_add(to_usize(field(0, 2)));
        let is_record = bytes.len() >= second.saturating_add(RECORD_LEN)
            && i64::from(field(second, 1)) * self.fraction < 1_000_000_000
            && (1..=self.max_capture).contains(&to_usize(field(second, 2)));
        is_record.then_some(second)
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
                wire_len: wire_len(frame.origlen, frame.caplen),
                link: self.link,
            });
            at += HEADER + frame.data.len();
        };
        Parsed { next: at, stop }
    }
}

/// Reads a record whose header has `HEADER` bytes.
fn parse_other<const HEADER: usize>(
    bytes: &[u8],
    is_big: bool,
    lengths: Lengths,
) -> IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return missing(HEADER - bytes.len());
    };
    let [ts_sec, ts_usec, first, second] =
        std::array::from_fn(|place| u32_in(header, place * 4, is_big));
    let is_swapped = match lengths {
        Lengths::CapturedFirst => false,
        Lengths::WireFirst => true,
        Lengths::Either => first > second,
    };
    let (caplen, origlen) = if is_swapped { (second, first) } else { (first, second) };
    match rest.split_at_checked(to_usize(caplen)) {
        Some((data, rest)) => {
            Ok((rest, LegacyPcapBlock { ts_sec, ts_usec, caplen, origlen, data }))
        }
        None => missing(to_usize(caplen) - rest.len()),
    }
}

fn missing<'a, T>(len: usize) -> IResult<&'a [u8], T, PcapError<&'a [u8]>> {
    Err(Stopped::Incomplete(NonZero::new(len).map_or(Needed::Unknown, Needed::Size)))
}

/// Returns the number at `offset`, or 0 if `bytes` is too short.
fn u32_in(bytes: &[u8], offset: usize, is_big: bool) -> u32 {
    let number = bytes.get(offset..).and_then(|rest| rest.first_chunk()).copied();
    let number = number.unwrap_or_default();
    if is_big { u32::from_be_bytes(number) } else { u32::from_le_bytes(number) }
}

/// Returns the link type for an interface type (RFC 2863), which AIX writes in place of a link
/// type, in files with nanosecond times.
fn of_interface_type(number: u32) -> Option<LinkType> {
    match number {
        6 => Some(LinkType::ETHERNET),
        9 => Some(LinkType::IEEE802_5),
        15 => Some(LinkType::FDDI),
        24 => Some(LinkType::NULL),
        _ => None,
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
        for order in [Order::Big, Order::Little] {
            let mut record = pcap_record(order, (1, 2), 60, b"abc");
            record.splice(16..16, [0; 8]);
            let header = pcap_header(order, MODIFIED, 65535, 1);
            let packet = one(&[header, record].concat());
            assert_eq!((packet.nanos, packet.frame), (1_000_002_000, b"abc".to_vec()));
            assert_eq!(packet.wire_len, 60);
        }
    }

    /// Returns a file of one record, whose lengths are `first` and `second`.
    fn versioned(order: Order, version: (u16, u16), network: u32, lengths: [u32; 2]) -> Vec<u8> {
        let mut bytes = pcap_header(order, MICROSECONDS, 65535, network);
        bytes[4..6].copy_from_slice(&order.u16(version.0));
        bytes[6..8].copy_from_slice(&order.u16(version.1));
        let mut record = pcap_record(order, (1, 2), 0, b"abc");
        record[8..12].copy_from_slice(&order.u32(lengths[0]));
        record[12..16].copy_from_slice(&order.u32(lengths[1]));
        [bytes, record].concat()
    }

    #[test]
    fn early_versions_have_the_wire_length_first() {
        for order in [Order::Big, Order::Little] {
            for version in [(2, 0), (2, 1), (2, 2), (543, 0)] {
                let packet = one(&versioned(order, version, 1, [60, 3]));
                assert_eq!((packet.wire_len, packet.frame.len()), (60, 3), "{version:?}");
            }
            for lengths in [[60, 3], [3, 60], [3, 3]] {
                let packet = one(&versioned(order, (2, 3), 1, lengths));
                assert_eq!((packet.wire_len, packet.frame.len()), (lengths[0].max(lengths[1]), 3));
            }
            let packet = one(&versioned(order, (2, 4), 1, [3, 60]));
            assert_eq!((packet.wire_len, packet.frame.len()), (60, 3));
        }
    }

    #[test]
    fn aix_writes_interface_types_and_nanoseconds() {
        for (kind, link) in [(6, 1), (9, 6), (15, 10), (24, 0)] {
            let packet = one(&versioned(Order::Big, (2, 2), kind, [60, 3]));
            assert_eq!((packet.link, packet.nanos), (link, 1_000_000_002));
        }
        let packet = one(&versioned(Order::Big, (2, 2), 1, [60, 3]));
        assert_eq!((packet.link, packet.nanos), (1, 1_000_002_000));
    }

    #[test]
    fn longer_records_are_known_by_their_distance() {
        for order in [Order::Big, Order::Little] {
            for (magic, extra) in [(MICROSECONDS, 4), (MICROSECONDS, 8), (MODIFIED, 12)] {
                for count in 2..5 {
                    let mut bytes = pcap_header(order, magic, 65535, 1);
                    for second in 0..count {
                        let time = (1_700_000_000 + second, 999);
                        let mut record = pcap_record(order, time, 60, &[7; 40]);
                        record.splice(16..16, vec![2; extra]);
                        bytes.extend(record);
                    }
                    let (packets, outcome) = parse(&bytes);
                    assert_eq!(outcome, Outcome::Complete, "{extra} {count}");
                    let frames = packets.iter().filter(|packet| packet.frame == [7; 40]);
                    assert_eq!(frames.count(), usize::try_from(count).unwrap());
                }
            }
        }
    }

    #[test]
    fn devices_of_ixia_write_a_length_first() {
        for order in [Order::Big, Order::Little] {
            for magic in [0x1c00_01ab, 0x1c00_01ac] {
                let header = pcap_header(order, magic, 65535, 1);
                let record = pcap_record(order, (1, 2), 60, b"abc");
                let packet = one(&[&header[..], &order.u32(19), &record].concat());
                assert_eq!((packet.nanos, packet.wire_len), (1_000_002_000, 60));
                let (packets, outcome) = parse(&[&header[..], &[0; 2]].concat());
                assert_eq!((packets.len(), outcome), (0, Outcome::Truncated(24)));
            }
        }
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
    fn a_wire_length_counts_unless_it_is_missing() {
        assert_eq!(one(&pcap(&[b"abcd"])).wire_len, 4);
        let header = pcap_header(Order::Big, MICROSECONDS, 65535, 1);
        let record = pcap_record(Order::Big, (0, 0), 3, b"abcd");
        assert_eq!(one(&[header, record].concat()).wire_len, 3);
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
        hostile.extend([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x80, 0, 0, 0, 0, 0]);
        let what = Corruption::CaptureLength { length: (8 << 20) + 1 };
        assert_eq!(parse(&hostile).1, Outcome::Corrupt(24, what));
    }

    proptest! {
        #[test]
        fn mutated_bytes_never_panic_nor_leave_the_capture(
            changes in prop::collection::vec((24_usize..140, any::<u8>()), 0..8),
            magic in prop::sample::select(vec![MICROSECONDS, NANOSECONDS, MODIFIED, 0x1c00_01ac]),
            minor in 0_u8..5,
            end in 24_usize..140,
        ) {
            let mut bytes = pcap(&[b"abcdef", b"", b"ghijklmnopqrstuvwxyz", b"0123456789"]);
            bytes[..4].copy_from_slice(&magic.to_le_bytes());
            bytes[6] = minor;
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
