//! The pcapng capture format: sections of blocks.
//!
//! <https://ietf-opsawg-wg.github.io/draft-ietf-opsawg-pcap/draft-ietf-opsawg-pcapng.html>

mod clock;

use pcap_parser::{
    InterfaceDescriptionBlock, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le, parse_sectionheaderblock,
};

use super::Corruption;
use super::parsed::{MAX_CAPTURE_LEN, MAX_SNAPLEN, Parsed, Prefetch, Stop, wire_len};
use crate::packet::{LinkType, RawRecord, to_usize};
use crate::time::Timestamp;
use clock::Clock;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Bytes of the type and the length before a block's body.
const HEADER_LEN: usize = 8;
/// Bytes of the length after it.
const TRAILER_LEN: usize = 4;
/// Bytes of a simple packet block's body before the frame.
const SIMPLE_LEN: usize = 4;
/// Bytes of any other packet block's body before the frame.
const PACKET_LEN: usize = 20;

/// Bytes of the longest section header or interface description that is accepted.
const MAX_DESCRIPTION_LEN: usize = 1 << 20;
/// Most bytes of a packet block in addition to the frame, options included.
const MAX_PACKET_EXTRA: usize = 1 << 20;
/// Most interfaces of one section; more would only fill memory.
const MAX_INTERFACES: usize = 1 << 16;

/// Divisor of the lengths of blocks.
pub(super) const ALIGNMENT: usize = 4;

/// Parser of the blocks of one file.
#[derive(Clone, Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    /// Interfaces of the current section.
    interfaces: Vec<Interface>,
    /// Largest captured length that a packet of this section can have.
    max_capture: usize,
    /// Time of the last packet that had one.
    last_time: Timestamp,
    /// Block that is being skipped.
    skip: Option<Skip>,
    /// Whether a packet of a supported link type was found.
    any_supported: bool,
    /// Link type of the first packet that is not supported.
    first_unsupported: Option<LinkType>,
    /// Section headers and interface descriptions so far.
    descriptions: u64,
    /// Whether a packet had the time of the packet before it, since the parser was forked.
    has_untimed: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ByteOrder {
    Big,
    Little,
}

/// Properties of an interface that its packets depend on.
#[derive(Clone, Debug)]
struct Interface {
    link: LinkType,
    is_supported: bool,
    clock: Clock,
    /// Bytes, 0 for no limit.
    snaplen: u32,
}

/// Block that is not needed. It may be longer than the buffer.
#[derive(Clone, Debug)]
struct Skip {
    length: u32,
    /// Bytes left before the trailer.
    left: usize,
}

/// Packet of any block type.
struct Packet {
    time: Timestamp,
    /// Offset of the frame in the block.
    start: usize,
    capture_len: u32,
    wire_len: u32,
    interface: usize,
}

impl Default for Pcapng {
    fn default() -> Self {
        Self {
            order: ByteOrder::Little,
            interfaces: Vec::new(),
            max_capture: MAX_CAPTURE_LEN,
            last_time: Timestamp::default(),
            skip: None,
            any_supported: false,
            first_unsupported: None,
            descriptions: 0,
            has_untimed: false,
        }
    }
}

impl Pcapng {
    /// Reads the packets from the blocks in `bytes[from..]`.
    pub(super) fn parse(
        &mut self,
        bytes: &[u8],
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
            match self.step(rest, at, records) {
                Ok(used) => at += used,
                // Bytes consumed of a skipped block stay consumed.
                Err((used, stop)) => {
                    at += used;
                    break stop;
                }
            }
        };
        Parsed { next: at, stop }
    }

    pub(super) fn unfinished(&self) -> u64 {
        let used = self.skip.as_ref().map_or(0, |skip| {
            to_usize(skip.length).saturating_sub(TRAILER_LEN).saturating_sub(skip.left)
        });
        u64::try_from(used).unwrap_or(u64::MAX)
    }

    pub(super) fn unsupported(&self) -> Option<LinkType> {
        self.first_unsupported.filter(|_| !self.any_supported)
    }

    pub(super) fn skipping(&self) -> usize {
        self.skip.as_ref().map_or(0, |skip| skip.left + TRAILER_LEN)
    }

    pub(super) fn forked(&self) -> Self {
        Self { has_untimed: false, skip: None, ..self.clone() }
    }

    pub(super) fn continues(&self, fork: &Self, earlier: &Self) -> bool {
        fork.descriptions == earlier.descriptions && !self.has_untimed && earlier.skip.is_none()
    }

    pub(super) fn continue_with(&mut self, later: Self, has_packets: bool) {
        let last_time = if has_packets { later.last_time } else { self.last_time };
        let first_unsupported = self.first_unsupported.or(later.first_unsupported);
        let any_supported = self.any_supported || later.any_supported;
        *self = Self { last_time, first_unsupported, any_supported, ..later };
    }

    /// Returns whether the block at `at` may be an enhanced packet of a known interface.
    #[inline]
    pub(super) fn may_start(&self, bytes: &[u8], at: usize) -> bool {
        let field = |index: usize| to_usize(self.order.u32_at(bytes, at + 4 * index));
        field(0) == to_usize(ENHANCED_PACKET)
            && field(2) < self.interfaces.len()
            && field(5).saturating_add(HEADER_LEN + PACKET_LEN + TRAILER_LEN) <= field(1)
            && field(1) <= self.max_capture + MAX_PACKET_EXTRA
    }

    /// Returns the end of the block at `at` if its two lengths agree.
    #[inline]
    pub(super) fn plausible_end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let length = self.order.u32_at(bytes, at.checked_add(4)?);
        let len = to_usize(length);
        let end = at.checked_add(len).filter(|end| *end <= bytes.len())?;
        let is_plausible = len >= HEADER_LEN + TRAILER_LEN
            && len.is_multiple_of(ALIGNMENT)
            && self.order.u32_at(bytes, end - TRAILER_LEN) == length;
        is_plausible.then_some(end)
    }

    /// Reads one block from the start of `rest`, which lies at `at`, and returns its length.
    #[inline(always)]
    fn step(
        &mut self,
        rest: &[u8],
        at: usize,
        records: &mut Vec<RawRecord>,
    ) -> Result<usize, (usize, Stop)> {
        if self.skip.is_some() {
            return self.skip(rest);
        }
        let Some(header) = rest.first_chunk::<HEADER_LEN>() else {
            return short(HEADER_LEN);
        };
        let kind = self.order.u32_at(header, 0);
        if kind == SECTION_HEADER {
            return self.section(rest);
        }
        let length = self.order.u32_at(header, 4);
        let len = to_usize(length);
        if len < HEADER_LEN + TRAILER_LEN || !len.is_multiple_of(ALIGNMENT) {
            return corrupt(Corruption::BlockLength { length });
        }
        match kind {
            ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET => {
                let block = self.block(rest, length, self.max_capture + MAX_PACKET_EXTRA)?;
                let packet = match self.packet(kind, block) {
                    Ok(packet) => packet,
                    Err(what) => return corrupt(what),
                };
                let Ok(offset) = u32::try_from(at + packet.start) else {
                    return Err((0, Stop::Full));
                };
                let Some(interface) = self.interfaces.get(packet.interface) else {
                    return Err((0, Stop::Full));
                };
                self.last_time = packet.time;
                self.any_supported |= interface.is_supported;
                if !interface.is_supported && self.first_unsupported.is_none() {
                    self.first_unsupported = Some(interface.link);
                }
                records.push(RawRecord {
                    time: packet.time,
                    offset,
                    capture_len: packet.capture_len,
                    wire_len: wire_len(packet.wire_len, packet.capture_len),
                    link: interface.link,
                });
            }
            INTERFACE_DESCRIPTION => {
                let block = self.block(rest, length, MAX_DESCRIPTION_LEN)?;
                if let Err(what) = self.describe(block) {
                    return corrupt(what);
                }
            }
            _ => {
                self.skip = Some(Skip { length, left: len - TRAILER_LEN });
                return self.skip(rest);
            }
        }
        Ok(len)
    }

    /// Returns a complete block of at most `most` bytes whose lengths agree.
    #[inline(always)]
    fn block<'a>(
        &self,
        rest: &'a [u8],
        length: u32,
        most: usize,
    ) -> Result<&'a [u8], (usize, Stop)> {
        let len = to_usize(length);
        if len > most {
            return corrupt(Corruption::BlockLength { length });
        }
        let Some(block) = rest.get(..len) else { return short(len) };
        let trailer = self.order.u32_at(block, len - TRAILER_LEN);
        if trailer != length {
            return corrupt(Corruption::BlockTrailer { length, trailer });
        }
        Ok(block)
    }

    /// Consumes the available bytes of the block that is being skipped.
    fn skip(&mut self, rest: &[u8]) -> Result<usize, (usize, Stop)> {
        let Some(skip) = &mut self.skip else { return Ok(0) };
        let used = skip.left.min(rest.len());
        skip.left -= used;
        let (length, left) = (skip.length, skip.left);
        let Some(trailer) = rest.get(used..).and_then(|rest| rest.first_chunk::<TRAILER_LEN>())
        else {
            return Err((used, Stop::Short { needed: left.min(1) + TRAILER_LEN }));
        };
        let trailer = self.order.u32_at(trailer, 0);
        if trailer != length {
            return Err((
                used,
                Stop::Corrupt { what: Corruption::BlockTrailer { length, trailer } },
            ));
        }
        self.skip = None;
        Ok(used + TRAILER_LEN)
    }

    /// Begins a section, with a new byte order and no interfaces.
    fn section(&mut self, rest: &[u8]) -> Result<usize, (usize, Stop)> {
        let Some(start) = rest.first_chunk::<12>() else { return short(12) };
        self.order = match start {
            [.., 0x1a, 0x2b, 0x3c, 0x4d] => ByteOrder::Big,
            [.., 0x4d, 0x3c, 0x2b, 0x1a] => ByteOrder::Little,
            _ => return corrupt(Corruption::ByteOrder),
        };
        let length = self.order.u32_at(start, 4);
        if !length.is_multiple_of(4) || length < 28 {
            return corrupt(Corruption::BlockLength { length });
        }
        let block = self.block(rest, length, MAX_DESCRIPTION_LEN)?;
        let Ok((_, header)) = parse_sectionheaderblock(block) else {
            return corrupt(Corruption::BlockLength { length });
        };
        if header.major_version != 1 {
            let (major, minor) = (header.major_version, header.minor_version);
            return corrupt(Corruption::SectionVersion { major, minor });
        }
        self.interfaces.clear();
        self.descriptions += 1;
        self.max_capture = MAX_CAPTURE_LEN;
        Ok(block.len())
    }

    /// Adds an interface to the section.
    fn describe(&mut self, block: &[u8]) -> Result<(), Corruption> {
        let parsed = match self.order {
            ByteOrder::Big => parse_interfacedescriptionblock_be(block),
            ByteOrder::Little => parse_interfacedescriptionblock_le(block),
        };
        let Ok((_, description)) = parsed else {
            let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
            return Err(Corruption::BlockLength { length });
        };
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(Corruption::Interfaces { most: MAX_INTERFACES });
        }
        let interface = Interface::new(&description, self.order);
        self.max_capture = self.max_capture.max(to_usize(interface.snaplen).min(MAX_SNAPLEN));
        self.interfaces.push(interface);
        self.descriptions += 1;
        Ok(())
    }

    /// Reads the packet in a whole block.
    #[inline(always)]
    fn packet(&mut self, kind: u32, block: &[u8]) -> Result<Packet, Corruption> {
        let start = HEADER_LEN + if kind == SIMPLE_PACKET { SIMPLE_LEN } else { PACKET_LEN };
        let Some(space) = block.len().checked_sub(start + TRAILER_LEN) else {
            let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
            return Err(Corruption::BlockLength { length });
        };
        let order = self.order;
        let field = |index: usize| order.u32_at(block, HEADER_LEN + 4 * index);
        if kind == SIMPLE_PACKET {
            self.has_untimed = true;
            let interface = self.interface(0)?;
            let wire_len = field(0);
            let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
            let space = u32::try_from(space).unwrap_or(u32::MAX);
            let capture_len = wire_len.min(snaplen).min(space);
            if to_usize(capture_len) > self.max_capture {
                return Err(Corruption::CaptureLength { length: capture_len });
            }
            let time = self.last_time;
            return Ok(Packet { time, start, capture_len, wire_len, interface: 0 });
        }
        let number = if kind == OBSOLETE_PACKET { order.first_u16(field(0)) } else { field(0) };
        let interface = self.interface(number)?;
        let ticks = u64::from(field(1)) << 32 | u64::from(field(2));
        let (capture_len, wire_len) = (field(3), field(4));
        if to_usize(capture_len) > self.max_capture.min(space) {
            return Err(Corruption::CaptureLength { length: capture_len });
        }
        let time = interface.clock.time(ticks);
        Ok(Packet { time, start, capture_len, wire_len, interface: to_usize(number) })
    }

    fn interface(&self, number: u32) -> Result<&Interface, Corruption> {
        self.interfaces
            .get(to_usize(number))
            .ok_or(Corruption::Interface { interface: number, described: self.interfaces.len() })
    }
}

impl Interface {
    fn new(description: &InterfaceDescriptionBlock<'_>, order: ByteOrder) -> Self {
        let link = LinkType(u16::try_from(description.linktype.0).unwrap_or(u16::MAX));
        Self {
            link,
            is_supported: link.is_supported(),
            clock: Clock::new(&description.options, order == ByteOrder::Big),
            snaplen: description.snaplen,
        }
    }
}

impl ByteOrder {
    /// Returns the number at `offset`, or 0 if `bytes` is too short.
    #[inline(always)]
    fn u32_at(self, bytes: &[u8], offset: usize) -> u32 {
        let bytes = bytes.get(offset..).and_then(|rest| rest.first_chunk()).copied();
        let bytes = bytes.unwrap_or_default();
        match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        }
    }

    /// Returns the first of two 16-bit fields that were read as one number.
    fn first_u16(self, both: u32) -> u32 {
        match self {
            Self::Big => both >> 16,
            Self::Little => both & 0xffff,
        }
    }
}

#[inline(always)]
fn short<T>(needed: usize) -> Result<T, (usize, Stop)> {
    Err((0, Stop::Short { needed }))
}

#[cold]
fn corrupt<T>(what: Corruption) -> Result<T, (usize, Stop)> {
    Err((0, Stop::Corrupt { what }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{
        Order, Outcome, Seen, block, enhanced, interface, option, parse, pcapng_start, section,
    };
    use super::*;

    const LITTLE: Order = Order::Little;

    fn outcome(blocks: &[&[u8]]) -> Outcome {
        parse(&blocks.concat()).1
    }

    fn packets(blocks: &[&[u8]]) -> Vec<Seen> {
        let (packets, outcome) = parse(&blocks.concat());
        assert_eq!(outcome, Outcome::Complete);
        packets
    }

    #[test]
    fn enhanced_packets_are_read_in_both_byte_orders() {
        for order in [Order::Big, Order::Little] {
            let found = packets(&[
                &section(order),
                &interface(order, 101, 0, &[]),
                &enhanced(order, 0, (5 << 32) + 6, 99, b"abcde"),
            ]);
            let nanos = ((5 << 32) + 6) * 1000;
            assert_eq!(found, [Seen { nanos, wire_len: 99, link: 101, frame: b"abcde".to_vec() }]);
        }
    }

    #[test]
    fn each_section_has_its_own_byte_order_and_interfaces() {
        let found = packets(&[
            &section(Order::Big),
            &interface(Order::Big, 1, 0, &[]),
            &interface(Order::Big, 113, 0, &[]),
            &enhanced(Order::Big, 1, 1, 0, b"a"),
            &section(LITTLE),
            &interface(LITTLE, 228, 0, &[]),
            &enhanced(LITTLE, 0, 2, 0, b"b"),
        ]);
        assert_eq!(
            found.iter().map(|p| (p.link, p.nanos)).collect::<Vec<_>>(),
            [(113, 1000), (228, 2000)]
        );
        let described_before =
            outcome(&[&pcapng_start(), &section(LITTLE), &enhanced(LITTLE, 0, 2, 0, b"b")]);
        let what = Corruption::Interface { interface: 0, described: 0 };
        assert_eq!(described_before, Outcome::Corrupt(28 + 20 + 28, what));
    }

    #[test]
    fn each_interface_has_its_own_clock() {
        let nano = option(LITTLE, 9, &[9]);
        let offset = option(LITTLE, 14, &10_i64.to_le_bytes());
        let binary = [option(LITTLE, 9, &[0x80 | 1]), offset].concat();
        let found = packets(&[
            &section(LITTLE),
            &interface(LITTLE, 1, 0, &nano),
            &interface(LITTLE, 1, 0, &binary),
            &enhanced(LITTLE, 0, 5, 0, b""),
            &enhanced(LITTLE, 1, 5, 0, b""),
        ]);
        assert_eq!(found.iter().map(|p| p.nanos).collect::<Vec<_>>(), [5, 12_500_000_000]);
    }

    #[test]
    fn simple_packets_have_the_time_of_the_packet_before() {
        let simple = |wire_len: u32, frame: &[u8]| {
            block(LITTLE, 3, &[&wire_len.to_le_bytes(), frame].concat())
        };
        let found = packets(&[
            &section(LITTLE),
            &interface(LITTLE, 1, 6, &[]),
            &simple(3, b"abc"),
            &enhanced(LITTLE, 0, 9, 0, b""),
            &simple(100, b"abcdefgh"),
            &simple(100, b"abcd"),
        ]);
        let expected =
            [(0, 3, &b"abc"[..]), (9000, 0, b""), (9000, 100, b"abcdef"), (9000, 100, b"abcd")];
        let found: Vec<_> = found.iter().map(|p| (p.nanos, p.wire_len, &p.frame[..])).collect();
        assert_eq!(found, expected);
        let what = Corruption::Interface { interface: 0, described: 0 };
        assert_eq!(outcome(&[&section(LITTLE), &simple(0, b"")]), Outcome::Corrupt(28, what));
    }

    #[test]
    fn obsolete_packets_are_read_in_both_byte_orders() {
        for order in [Order::Big, Order::Little] {
            let body = [
                &order.u16(1)[..],
                &order.u16(0xffff),
                &order.u32(0),
                &order.u32(3),
                &order.u32(4),
                &order.u32(70),
                b"abcd",
            ];
            let found = packets(&[
                &section(order),
                &interface(order, 1, 0, &[]),
                &interface(order, 113, 0, &[]),
                &block(order, 2, &body.concat()),
            ]);
            let frame = b"abcd".to_vec();
            assert_eq!(found, [Seen { nanos: 3000, wire_len: 70, link: 113, frame }]);
        }
    }

    #[test]
    fn other_blocks_and_packet_options_are_skipped() {
        let mut packet = enhanced(LITTLE, 0, 1, 0, b"abcd");
        packet.truncate(packet.len() - 4);
        packet.extend(option(LITTLE, 1, b"a comment"));
        let length = u32::try_from(packet.len() + 4).unwrap().to_le_bytes();
        packet[4..8].copy_from_slice(&length);
        packet.extend(length);
        let found = packets(&[
            &pcapng_start(),
            &block(LITTLE, 5, &[7; 12]),
            &packet,
            &block(LITTLE, 0x4000_0bad, &[7; 3_000_000]),
            &enhanced(LITTLE, 0, 2, 0, b"efgh"),
            &block(LITTLE, 4, &[]),
        ]);
        assert_eq!(found.iter().map(|p| &p.frame[..]).collect::<Vec<_>>(), [b"abcd", b"efgh"]);
    }

    #[test]
    fn impossible_lengths_are_corrupt() {
        let start = pcapng_start();
        for length in [0, 8, 11, 13, 34] {
            for kind in [1, 3, 6, 77] {
                let mut bad = block(LITTLE, kind, &[0; 24]);
                bad[4..8].copy_from_slice(&u32::to_le_bytes(length));
                let what = Corruption::BlockLength { length };
                assert_eq!(outcome(&[&start, &bad]), Outcome::Corrupt(48, what));
            }
        }
        for (kind, length) in [(1, (1 << 20) + 4), (3, 1 << 21), (6, u32::MAX - 3)] {
            let bad = [u32::to_le_bytes(kind), u32::to_le_bytes(length), [0; 4]].concat();
            let what = Corruption::BlockLength { length };
            assert_eq!(outcome(&[&start, &bad]), Outcome::Corrupt(48, what));
        }
    }

    #[test]
    fn lengths_that_differ_are_corrupt() {
        for kind in [6, 77] {
            let mut bad = block(LITTLE, kind, &[0; 24]);
            bad[32] = 40;
            let found = outcome(&[&pcapng_start(), &bad]);
            let what = Corruption::BlockTrailer { length: 36, trailer: 40 };
            assert!(matches!(found, Outcome::Corrupt(_, found) if found == what));
        }
    }

    #[test]
    fn a_packet_longer_than_its_block_is_corrupt() {
        let mut bad = enhanced(LITTLE, 0, 1, 0, b"abcd");
        bad[20] = 5;
        let what = Corruption::CaptureLength { length: 5 };
        assert_eq!(outcome(&[&pcapng_start(), &bad]), Outcome::Corrupt(48, what));
        let long = enhanced(LITTLE, 0, 1, 0, &vec![0; 262_145]);
        let what = Corruption::CaptureLength { length: 262_145 };
        assert_eq!(outcome(&[&pcapng_start(), &long]), Outcome::Corrupt(48, what));
    }

    #[test]
    fn the_snaplen_of_an_interface_allows_longer_packets() {
        let long = enhanced(LITTLE, 0, 1, 0, &vec![0; 2_000_000]);
        let interface = interface(LITTLE, 1, 2_000_000, &[]);
        assert_eq!(packets(&[&section(LITTLE), &interface, &long]).len(), 1);
    }

    #[test]
    fn a_packet_of_an_unknown_interface_is_corrupt() {
        let found = outcome(&[
            &pcapng_start(),
            &enhanced(LITTLE, 0, 1, 0, b""),
            &enhanced(LITTLE, 1, 1, 0, b""),
        ]);
        let what = Corruption::Interface { interface: 1, described: 1 };
        assert_eq!(found, Outcome::Corrupt(80, what));
    }

    #[test]
    fn sections_of_another_version_or_order_are_corrupt() {
        let mut bad = section(LITTLE);
        bad[12] = 2;
        let what = Corruption::SectionVersion { major: 2, minor: 0 };
        assert_eq!(outcome(&[&pcapng_start(), &bad]), Outcome::Corrupt(48, what));
        bad[8] = 0;
        let what = Corruption::ByteOrder;
        assert_eq!(outcome(&[&pcapng_start(), &bad]), Outcome::Corrupt(48, what));
    }

    #[test]
    fn too_many_interfaces_are_corrupt() {
        let mut bytes = section(LITTLE);
        for _ in 0..=MAX_INTERFACES {
            bytes.extend(interface(LITTLE, 1, 0, &[]));
        }
        let what = Corruption::Interfaces { most: MAX_INTERFACES };
        assert!(matches!(parse(&bytes).1, Outcome::Corrupt(_, found) if found == what));
    }

    #[test]
    fn a_cut_block_is_reported_by_its_offset() {
        let start = pcapng_start();
        for last in [enhanced(LITTLE, 0, 1, 0, b"abcd"), block(LITTLE, 77, &[0; 40])] {
            for len in 1..last.len() {
                assert_eq!(outcome(&[&start, &last[..len]]), Outcome::Truncated(48));
            }
        }
    }

    #[test]
    fn captures_without_a_decodable_packet_are_known() {
        let unsupported = |blocks: &[&[u8]]| {
            let mut parser = Pcapng::default();
            parser.parse(&blocks.concat(), 0, &mut Vec::new(), 100);
            parser.unsupported()
        };
        let bluetooth = interface(LITTLE, 201, 0, &[]);
        let packet = |interface| enhanced(LITTLE, interface, 1, 0, b"");
        let start = pcapng_start();
        assert_eq!(unsupported(&[&start]), None);
        assert_eq!(unsupported(&[&start, &bluetooth]), None);
        assert_eq!(unsupported(&[&start, &bluetooth, &packet(1)]), Some(LinkType(201)));
        assert_eq!(unsupported(&[&start, &bluetooth, &packet(1), &packet(0)]), None);
    }

    proptest! {
        #[test]
        fn mutated_bytes_never_panic_nor_leave_the_capture(
            changes in prop::collection::vec((12_usize..300, any::<u8>()), 0..8),
            is_big in any::<bool>(),
            end in 28_usize..300,
        ) {
            let order = if is_big { Order::Big } else { Order::Little };
            let mut bytes = [
                section(order),
                interface(order, 1, 0, &option(order, 9, &[9])),
                enhanced(order, 0, 77, 0, b"abcdefghijk"),
                block(order, 3, b"\0\0\0\x05abcde"),
                block(order, 2, &[0; 28]),
                section(Order::Little),
                interface(order, 1, 5, &option(order, 14, &[9; 8])),
                block(order, 5, b"statistics"),
                enhanced(Order::Little, 0, 77, 0, b"abcd"),
            ]
            .concat();
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            let end = end.min(bytes.len());
            parse(&bytes[..end]);
        }
    }
}
