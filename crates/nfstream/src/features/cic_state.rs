//! State of a flow for the features of CICFlowMeter.

use super::bulks::{Bulk, Bulks};
use super::sent::Sent;
use super::{Measurement, Moments, Plan, Sample};
use crate::flow::Direction;
use crate::packet::{Fragment, Packet, TcpFlags, protocol};
use crate::time::Timestamp;

/// Gap after which a new active period begins, in nanoseconds.
const IDLE: u64 = 5_000_000_000;

/// Gap after which a new subflow begins, in nanoseconds.
const SUBFLOW: u64 = 1_000_000_000;

/// Flags of a TCP header, in the order of their counts.
const FLAGS: [TcpFlags; 8] = [
    TcpFlags::FIN,
    TcpFlags::SYN,
    TcpFlags::RST,
    TcpFlags::PSH,
    TcpFlags::ACK,
    TcpFlags::URG,
    TcpFlags::CWR,
    TcpFlags::ECE,
];

/// Measurements of one flow. Times are nanoseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Cic {
    ways: [Way; 2],
    /// Gaps between packets.
    pub(super) gaps: Moments,
    /// First and last packet, and the first one of the current active period.
    times: Option<Times>,
    /// Lengths of earlier active periods.
    active: Moments,
    /// Lengths of the gaps between active periods.
    pub(super) idle: Moments,
    /// Gaps between subflows.
    pauses: u64,
    bulks: Bulks,
    /// Type and code of the first packet.
    icmp: Option<(u8, u8)>,
    /// First packet of the conversation's first slice, if it is TCP.
    connection: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    first: Timestamp,
    last: Timestamp,
    active: Timestamp,
}

/// Measurements of one direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    /// Bytes of payload.
    pub(super) lengths: Moments,
    /// Gaps between packets.
    pub(super) gaps: Moments,
    last: Option<Timestamp>,
    /// Bytes of transport headers.
    pub(super) headers: Moments,
    /// Packets with payload.
    pub(super) data_packets: u64,
    /// Packets with each flag.
    flags: [u64; 8],
    /// Window of the first segment.
    window: Option<u16>,
    sent: Sent,
    /// Segments all of whose sequence numbers were sent before.
    pub(super) retransmitted: u64,
}

impl Measurement for Cic {
    fn grows(_: &Plan) -> bool {
        true
    }

    fn memory(&self) -> usize {
        self.ways.iter().map(|way| way.sent.memory()).sum()
    }

    fn begin(&mut self, _: &Plan, sample: &Sample<'_>) {
        self.icmp = icmp(sample.packet, sample.frame());
        if sample.packet.protocol == protocol::TCP {
            self.connection.get_or_insert(sample.time);
        }
    }

    #[inline]
    fn add(&mut self, _: &Plan, sample: &Sample<'_>) {
        let Sample { packet, direction, time, .. } = *sample;
        self.count_gap(time);
        let way = &mut self.ways[direction.index()];
        if let Some(last) = way.last.replace(time) {
            way.gaps.add(time.since(last).nanos());
        }
        let is_measured = matches!(packet.protocol, protocol::TCP | protocol::UDP);
        let payload = if is_measured { packet.payload_len } else { 0 };
        let header = if is_measured { packet.payload_offset - packet.transport_offset } else { 0 };
        way.lengths.add(payload.into());
        way.headers.add(header.into());
        if payload > 0 {
            way.data_packets += 1;
            self.bulks.add(direction, payload, time);
        }
        if packet.protocol != protocol::TCP {
            return;
        }
        for (count, flag) in way.flags.iter_mut().zip(FLAGS) {
            *count += u64::from(packet.tcp_flags.contains(flag));
        }
        if let Some(segment) = sample.segment() {
            way.window.get_or_insert(segment.window);
            let numbers = segment.end().wrapping_sub(segment.sequence);
            way.retransmitted += u64::from(way.sent.add(segment.sequence, numbers));
        }
    }

    fn continue_from(&mut self, before: &Self) {
        self.connection = before.connection;
    }
}

impl Cic {
    #[inline]
    fn count_gap(&mut self, time: Timestamp) {
        let Some(times) = &mut self.times else {
            self.times = Some(Times { first: time, last: time, active: time });
            return;
        };
        let gap = time.since(times.last).nanos();
        self.gaps.add(gap);
        self.pauses += u64::from(gap > SUBFLOW);
        if gap > IDLE {
            add_period(&mut self.active, times);
            self.idle.add(gap);
            times.active = time;
        }
        times.last = time;
    }

    /// Returns the measurements of a direction.
    pub(super) fn way(&self, direction: Direction) -> &Way {
        &self.ways[direction.index()]
    }

    /// Returns the bulks of a direction.
    pub(super) fn bulk(&self, direction: Direction) -> Bulk {
        self.bulks.of(direction)
    }

    /// Returns the payload lengths of all packets.
    pub(super) fn lengths(&self) -> Moments {
        self.ways[0].lengths.with(&self.ways[1].lengths)
    }

    /// Returns the time from the first packet to the last.
    pub(super) fn duration(&self) -> u64 {
        self.times.map_or(0, |times| times.last.since(times.first).nanos())
    }

    /// Returns the packets with a flag.
    pub(super) fn flag(&self, flag: TcpFlags) -> u64 {
        self.ways.iter().map(|way| way.flag(flag)).sum()
    }

    /// Returns the lengths of the active periods, the last one included.
    pub(super) fn active(&self) -> Moments {
        let mut active = self.active;
        if let Some(times) = &self.times {
            add_period(&mut active, times);
        }
        active
    }

    /// Returns the number of subflows.
    pub(super) fn subflows(&self) -> u64 {
        self.pauses + 1
    }

    /// Returns the ICMP type and code of the first packet.
    pub(super) fn icmp(&self) -> Option<(u8, u8)> {
        self.icmp
    }

    /// Returns the time from the first packet of the connection to the last one here.
    pub(super) fn connection(&self) -> Option<u64> {
        Some(self.times?.last.since(self.connection?).nanos())
    }
}

impl Way {
    /// Returns the packets with a flag.
    pub(super) fn flag(&self, flag: TcpFlags) -> u64 {
        let counts = self.flags.iter().zip(FLAGS);
        counts.filter(|(_, one)| *one == flag).map(|(count, _)| count).sum()
    }

    /// Returns the window of the first segment, 0 without one.
    pub(super) fn window(&self) -> u16 {
        self.window.unwrap_or(0)
    }
}

/// Adds the current active period unless it has no length.
fn add_period(active: &mut Moments, times: &Times) {
    let length = times.last.since(times.active).nanos();
    if length > 0 {
        active.add(length);
    }
}

/// Returns the type and code of an ICMP or ICMPv6 packet.
fn icmp(packet: &Packet, frame: &[u8]) -> Option<(u8, u8)> {
    let is_icmp = matches!((packet.version, packet.protocol), (4, 1) | (6, 58));
    if !is_icmp || packet.fragment == Fragment::Later {
        return None;
    }
    let offset = usize::try_from(packet.transport_offset).ok()?;
    let [kind, code] = *frame.get(offset..)?.first_chunk()?;
    Some((kind, code))
}
