//! Sequence of packet lengths and times: the first packets of a flow, one by one.

use nfstream_sys::prefetch_line;

use super::{
    Declaration, Declared, Kind, Measurement, Plan, Presence, ReadAll, Record, Sample, Shorthand,
};
use crate::flow::Direction;
use crate::packet::TcpFlags;

pub(super) type State = Splt;

pub(super) const GROUP: Declaration = Declaration {
    presence: Presence::Feature,
    shorthand: Some(Shorthand { python: "splt_analysis=n", command: "--splt-analysis N" }),
    about: "Sequence of packet lengths and times: lists of the first `n` packets of a flow (10 if \
            only the feature is named).",
    columns: &[&[
        Declared::of_packets(
            "splt_direction",
            Kind::Code,
            "direction of each packet: 0 from source to destination, 1 from destination to source; \
             -1 where there is no packet",
            |r, list| r.write_splt(list, way),
        )
        .read_by(ReadAll::ShortLists(|records, length, lists| {
            write_all(records, length, lists, way);
        })),
        Declared::of_packets(
            "splt_ps",
            Kind::Bytes,
            "size of each packet; -1 where there is no packet",
            |r, list| r.write_splt(list, size),
        )
        .read_by(ReadAll::Lists(|records, length, lists| {
            write_all(records, length, lists, size);
        })),
        Declared::of_packets(
            "splt_piat_{unit}",
            Kind::Span,
            "time since the previous packet, 0 for the first; -1 where there is no packet",
            |r, list| r.write_splt(list, gap),
        )
        .read_by(ReadAll::Lists(|records, length, lists| {
            write_all(records, length, lists, gap);
        })),
    ]],
};

/// Packets for which the measurements have room without an allocation.
const USUAL_PACKETS: usize = 10;

/// Most packets after the usual ones for which memory is reused.
const REUSED_PACKETS: usize = 128;

/// The first packets of a flow.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Splt {
    /// Packets to record.
    limit: usize,
    last: i64,
    len: usize,
    usual: [SpltPacket; USUAL_PACKETS],
    /// Packets after the usual ones.
    more: Vec<SpltPacket>,
}

/// A packet of the sequence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct SpltPacket {
    /// Time units since the previous packet, 0 for the first.
    gap: u64,
    /// Bytes of the packet.
    size: u32,
    /// TCP window; 0 if the run does not list it, and without a TCP header.
    pub(super) window: u16,
    /// TCP flags.
    pub(super) flags: TcpFlags,
    /// Direction of the packet.
    direction: Direction,
}

const _: () = assert!(size_of::<SpltPacket>() == 16, "a third of a cache line more costs time");

impl Splt {
    /// Returns the entry of a packet, which is the next one.
    #[inline]
    fn enter(&mut self, plan: &Plan, sample: &Sample<'_>) -> SpltPacket {
        let Sample { direction, ticks, size, .. } = *sample;
        let gap = if self.len == 0 { 0 } else { ticks.abs_diff(self.last) };
        let window = if plan.splt_tcp { window(sample) } else { 0 };
        let flags = sample.packet.tcp_flags;
        self.len += 1;
        self.last = ticks;
        SpltPacket { gap, size, window, flags, direction }
    }

    /// Adds a packet after the usual ones, and returns the bytes by which they grow.
    #[inline(never)]
    fn add_more(&mut self, plan: &Plan, sample: &Sample<'_>) -> usize {
        let before = self.memory();
        let packet = self.enter(plan, sample);
        self.more.push(packet);
        self.memory().wrapping_sub(before)
    }

    /// Returns the packets, in two parts.
    fn packets(&self) -> [&[SpltPacket]; 2] {
        [&self.usual[..self.len.min(USUAL_PACKETS)], &self.more]
    }
}

impl Measurement for Splt {
    const IS_USUAL: bool = true;

    fn grows(plan: &Plan) -> bool {
        plan.splt_packets > USUAL_PACKETS
    }

    /// Returns the bytes of the packets after the usual ones.
    fn memory(&self) -> usize {
        match self.more.len() {
            0 => 0,
            // A list grows by doubling.
            len => len.next_power_of_two() * size_of::<SpltPacket>(),
        }
    }

    fn begin(&mut self, plan: &Plan, _: &Sample<'_>) {
        self.limit = plan.splt_packets;
    }

    fn add(&mut self, plan: &Plan, sample: &Sample<'_>) {
        self.add_and_grow(plan, sample);
    }

    /// Touches no memory for packets after the last one that is recorded.
    #[inline]
    fn add_and_grow(&mut self, plan: &Plan, sample: &Sample<'_>) -> usize {
        if place(plan, sample.volume.total_packets() - 1).is_none() {
            return 0;
        }
        let len = self.len;
        if len >= USUAL_PACKETS {
            return self.add_more(plan, sample);
        }
        let packet = self.enter(plan, sample);
        self.usual[len] = packet;
        0
    }

    /// Leaves the packets where they are: the next ones replace them.
    fn clear(&mut self) {
        (self.limit, self.len) = (0, 0);
        self.more.clear();
        if self.more.capacity() > REUSED_PACKETS {
            self.more = Vec::new();
        }
    }

    #[inline]
    fn prefetch(&self, plan: &Plan, _: Direction, before: u64) {
        if let Some(place) = place(plan, before) {
            prefetch_line(self, 0);
            let usual = std::mem::offset_of!(Self, usual);
            prefetch_line(self, usual + place * size_of::<SpltPacket>());
        }
    }
}

/// Returns the position of the packet after `before` others, `None` if it has none.
#[inline]
fn place(plan: &Plan, before: u64) -> Option<usize> {
    usize::try_from(before).ok().filter(|place| *place < plan.splt_packets)
}

/// Returns the TCP window of a packet, 0 without a TCP header.
#[inline(never)]
fn window(sample: &Sample<'_>) -> u16 {
    sample.segment().map_or(0, |segment| segment.window)
}

/// Appends a list of `length` numbers for each of `records`: one for each packet of the sequence,
/// and -1 for those that did not arrive.
fn write_all<T: Copy + From<i8>>(
    records: &[Record],
    length: usize,
    lists: &mut Vec<T>,
    number: impl Fn(&SpltPacket) -> T,
) {
    for record in records {
        let end = lists.len() + length;
        if let Some(measures) = record.measures.as_deref() {
            for packets in measures.splt.packets() {
                lists.extend(packets.iter().map(&number));
            }
        }
        lists.resize(end, T::from(-1));
    }
}

impl Record {
    /// Appends a number for each packet of the sequence, and -1 for those that did not arrive.
    pub(super) fn write_splt(&self, list: &mut Vec<i64>, number: impl Fn(&SpltPacket) -> i64) {
        if let Some(splt) = self.measures.as_deref().map(|measures| &measures.splt) {
            let end = list.len() + splt.limit;
            for packets in splt.packets() {
                list.extend(packets.iter().map(&number));
            }
            list.resize(end, -1);
        }
    }
}

fn way<T: From<i8>>(packet: &SpltPacket) -> T {
    match packet.direction {
        Direction::Src2Dst => T::from(0),
        Direction::Dst2Src => T::from(1),
    }
}

fn size(packet: &SpltPacket) -> i64 {
    packet.size.into()
}

fn gap(packet: &SpltPacket) -> i64 {
    packet.gap.try_into().unwrap_or(i64::MAX)
}

impl Default for Splt {
    fn default() -> Self {
        let none = SpltPacket {
            gap: 0,
            size: 0,
            window: 0,
            flags: TcpFlags::default(),
            direction: Direction::Src2Dst,
        };
        Self { limit: 0, last: 0, len: 0, usual: [none; USUAL_PACKETS], more: Vec::new() }
    }
}
