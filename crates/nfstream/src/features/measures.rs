//! All that is measured of a flow beside its volume, and what of it a run wants.

use nfstream_sys::prefetch_read;

use super::{
    Accounting, DirectionTimes, Group, LinkAddresses, Payload, Splt, Statistics, TcpFlagCounts,
    TcpQuality, Volume,
};
use crate::flow::{Close, Connection, Direction, Segment};
use crate::packet::{Packet, TcpFlags, protocol};
use crate::time::{TimeUnit, Timestamp};

/// What is measured in a run.
#[derive(Clone, Debug, Default)]
pub struct Measuring {
    /// The groups of columns beside the base ones.
    pub groups: Vec<Group>,
    /// Unit of times in the table.
    pub unit: TimeUnit,
    /// Which bytes count.
    pub accounting: Accounting,
    /// Packets of a flow in [`Splt`].
    pub splt_packets: usize,
    /// Whether flows end when their TCP connection closes.
    pub track_tcp: bool,
}

/// [`Measuring`] as the work on each packet asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Which bytes count.
    pub accounting: Accounting,
    /// Whether connections are followed.
    pub track_tcp: bool,
    /// Reads the MAC addresses of a flow's first packet.
    pub link_addresses: fn(&Packet, &[u8]) -> LinkAddresses,
    any: bool,
    details: bool,
    unit: TimeUnit,
    splt_packets: usize,
    times: bool,
    link: bool,
    statistics: bool,
    flags: bool,
    payload: bool,
    tcp: bool,
    community: bool,
}

/// The measurements of one flow. Those that the run does not want stay as they began.
///
/// What most packets touch stands first, where a cache line may begin.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Measures {
    /// Statistics of packet sizes and of the gaps between packets.
    pub statistics: Statistics,
    /// Packets with each TCP flag.
    pub flags: TcpFlagCounts,
    /// The first packets.
    pub splt: Splt,
    /// What fewer runs ask for.
    pub details: Details,
}

/// Measurements that lie apart, so that runs without them do not move them about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Details {
    /// First and last packet of each direction.
    pub times: DirectionTimes,
    /// Bytes of payload.
    pub payload: Payload,
    /// MAC addresses.
    pub link: LinkAddresses,
    /// Type and code of the first packet's ICMP header.
    pub icmp: Option<(u8, u8)>,
    /// Quality of a TCP connection.
    pub quality: TcpQuality,
    connection: Connection,
}

/// A packet to be measured.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Its headers.
    pub packet: &'a Packet,
    /// Its bytes, as far as they were captured.
    pub frame: &'a [u8],
    /// Which way it went in its flow.
    pub direction: Direction,
    /// Its time, not before that of the packet before it.
    pub time: Timestamp,
    /// Bytes of it that count.
    pub size: u32,
    /// Packets and bytes of its flow, this one included.
    pub volume: &'a Volume,
}

impl Measuring {
    /// Returns what has to be done for each packet.
    pub fn plan(&self) -> Plan {
        let wants = |group| self.groups.contains(&group);
        let mut plan = Plan {
            accounting: self.accounting,
            track_tcp: self.track_tcp,
            link_addresses: LinkAddresses::read,
            any: false,
            details: false,
            unit: self.unit,
            splt_packets: if wants(Group::Splt) { self.splt_packets } else { 0 },
            times: wants(Group::Directions),
            link: wants(Group::Mac),
            statistics: wants(Group::Statistics),
            flags: wants(Group::TcpFlags),
            payload: wants(Group::Payload),
            tcp: wants(Group::TcpQuality),
            community: wants(Group::CommunityId),
        };
        plan.details =
            plan.track_tcp || plan.times || plan.link || plan.payload || plan.tcp || plan.community;
        plan.any = plan.details || plan.statistics || plan.flags || plan.splt_packets > 0;
        plan
    }
}

impl Plan {
    /// Returns whether anything is measured beside the volume.
    #[inline]
    pub fn measures(&self) -> bool {
        self.any
    }

    /// Returns where in [`Splt`] the packet behind `before` others stands, `None` if it does not.
    #[inline]
    fn place_in_splt(&self, before: u64) -> Option<usize> {
        usize::try_from(before).ok().filter(|place| *place < self.splt_packets)
    }
}

impl Measures {
    /// Asks for the memory in which a packet of `direction` is measured; `before` packets have
    /// been measured in this flow.
    #[inline]
    pub(super) fn prefetch(&self, plan: &Plan, direction: Direction, before: u64) {
        if plan.statistics {
            self.statistics.prefetch(direction);
        }
        if plan.flags {
            prefetch_read(&self.flags);
        }
        if let Some(place) = plan.place_in_splt(before) {
            self.splt.prefetch(place);
        }
    }

    /// Measures what only the first packet of a flow tells; `sent_by_source` unless the flow was
    /// turned around.
    pub(super) fn begin(&mut self, plan: &Plan, sample: &Sample<'_>, sent_by_source: bool) {
        let Sample { packet, frame, .. } = *sample;
        if plan.link {
            let link = (plan.link_addresses)(packet, frame);
            self.details.link = if sent_by_source { link } else { link.reversed() };
        }
        if plan.community && matches!(packet.protocol, protocol::ICMP | protocol::ICMP_V6) {
            let header = usize::try_from(packet.transport_offset).ok();
            let header = header.and_then(|offset| frame.get(offset..)?.first_chunk::<2>());
            self.details.icmp = header.map(|[kind, code]| (*kind, *code));
        }
    }

    /// Measures a packet.
    #[inline]
    pub(super) fn add(&mut self, plan: &Plan, sample: &Sample<'_>) {
        let Sample { packet, direction, time, size, volume, .. } = *sample;
        let ticks = time.ticks(plan.unit);
        if plan.statistics {
            self.statistics.add(direction, size, ticks, volume);
        }
        if plan.flags && packet.tcp_flags != TcpFlags::default() {
            self.flags.add(direction, packet.tcp_flags);
        }
        if plan.place_in_splt(volume.total_packets() - 1).is_some() {
            self.splt.add(direction, size, ticks, plan.splt_packets);
        }
        if plan.details {
            self.details.add(plan, sample);
        }
    }

    /// Leaves what was measured to `to`, and takes its memory for another flow.
    pub(super) fn leave_to(&mut self, plan: &Plan, to: &mut Self) {
        to.statistics = std::mem::take(&mut self.statistics);
        to.flags = std::mem::take(&mut self.flags);
        self.splt.leave_to(&mut to.splt);
        if plan.details {
            to.details = std::mem::take(&mut self.details);
        }
    }

    /// Takes over from the slice before what the flow's next one begins with.
    pub(super) fn continue_from(&mut self, before: &Self) {
        self.details.connection = before.details.connection;
        self.details.icmp = before.details.icmp;
    }

    /// Returns how the flow's connection was closed, `None` while it is not or nobody looks.
    #[inline]
    pub fn close(&self) -> Option<Close> {
        self.details.connection.close()
    }
}

impl Details {
    #[inline]
    fn add(&mut self, plan: &Plan, sample: &Sample<'_>) {
        let Sample { packet, frame, direction, time, .. } = *sample;
        if plan.times {
            self.times.add(direction, time);
        }
        if plan.payload {
            self.payload.add(direction, packet.payload_len);
        }
        if (plan.tcp || plan.track_tcp)
            && let Some(segment) = Segment::read(packet, frame)
        {
            if plan.tcp {
                self.quality.add(direction, &segment, time);
            }
            if plan.track_tcp {
                self.connection.add(direction, &segment);
            }
        }
    }
}
