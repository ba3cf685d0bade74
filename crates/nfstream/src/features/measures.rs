//! All that is measured of a flow beside its volume, and what of it a run wants.

use nfstream_memory::prefetch_whole;

use super::{
    Accounting, DirectionTimes, Group, InterArrival, LinkAddresses, PacketSize, Payload, Splt,
    TcpFlagCounts, TcpQuality,
};
use crate::decode::{Dialect, Packet, TcpFlags};
use crate::flow::{Close, Connection, Direction, Segment};
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
    /// Whose reading of frames MAC addresses come from.
    pub dialect: Dialect,
}

/// [`Measuring`] as the work on each packet asks for it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// Which bytes count.
    pub accounting: Accounting,
    /// Whether connections are followed.
    pub track_tcp: bool,
    any: bool,
    dialect: Dialect,
    unit: TimeUnit,
    splt_packets: usize,
    times: bool,
    link: bool,
    sizes: bool,
    flags: bool,
    payload: bool,
    tcp: bool,
    community: bool,
}

/// The measurements of one flow. Those that the run does not want stay as they began.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    /// First and last packet of each direction.
    pub times: DirectionTimes,
    /// Statistics of packet sizes.
    pub sizes: PacketSize,
    /// Statistics of the gaps between packets.
    pub gaps: InterArrival,
    /// Packets with each TCP flag.
    pub flags: TcpFlagCounts,
    /// The first packets.
    pub splt: Splt,
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

impl Measuring {
    /// Returns what has to be done for each packet.
    pub fn plan(&self) -> Plan {
        let wants = |group| self.groups.contains(&group);
        let mut plan = Plan {
            accounting: self.accounting,
            track_tcp: self.track_tcp,
            any: false,
            dialect: self.dialect,
            unit: self.unit,
            splt_packets: if wants(Group::Splt) { self.splt_packets } else { 0 },
            times: wants(Group::Directions),
            link: wants(Group::Mac),
            sizes: wants(Group::Statistics),
            flags: wants(Group::TcpFlags),
            payload: wants(Group::Payload),
            tcp: wants(Group::TcpQuality),
            community: wants(Group::CommunityId),
        };
        let nothing = Plan {
            accounting: plan.accounting,
            dialect: plan.dialect,
            unit: plan.unit,
            ..Plan::default()
        };
        plan.any = plan != nothing;
        plan
    }
}

impl Plan {
    /// Returns whether anything is measured beside the volume.
    #[inline]
    pub fn measures(&self) -> bool {
        self.any
    }
}

impl Measures {
    /// Asks for the memory in which the packets of a flow are measured.
    #[inline]
    pub fn prefetch(&self, plan: &Plan) {
        if plan.sizes {
            prefetch_whole(&self.sizes);
            prefetch_whole(&self.gaps);
        }
        if plan.splt_packets > 0 {
            prefetch_whole(&self.splt);
        }
    }

    /// Measures what only the first packet of a flow tells; `sent_by_source` unless the flow was
    /// turned around.
    pub fn begin(&mut self, plan: &Plan, packet: &Packet, frame: &[u8], sent_by_source: bool) {
        if plan.link {
            let link = LinkAddresses::read(packet, frame, plan.dialect);
            self.link = if sent_by_source { link } else { link.reversed() };
        }
        if plan.community && matches!(packet.protocol, 1 | 58) {
            let header = usize::try_from(packet.transport_offset).ok();
            let header = header.and_then(|offset| frame.get(offset..)?.first_chunk::<2>());
            self.icmp = header.map(|[kind, code]| (*kind, *code));
        }
    }

    /// Measures a packet of `size` bytes that came at `time`, not before the one before it.
    #[inline]
    pub fn add(
        &mut self,
        plan: &Plan,
        direction: Direction,
        time: Timestamp,
        size: u32,
        packet: &Packet,
        frame: &[u8],
    ) {
        let ticks = time.ticks(plan.unit);
        if plan.times {
            self.times.add(direction, time);
        }
        if plan.sizes {
            self.sizes.add(direction, size);
            self.gaps.add(direction, ticks);
        }
        if plan.flags && packet.tcp_flags != TcpFlags::default() {
            self.flags.add(direction, packet.tcp_flags);
        }
        if plan.splt_packets > 0 {
            self.splt.add(direction, size, ticks, plan.splt_packets);
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

    /// Returns the measurements with which the flow's next slice begins.
    pub fn next_slice(&self) -> Box<Self> {
        Box::new(Self { connection: self.connection, icmp: self.icmp, ..Self::default() })
    }

    /// Returns how the flow's connection was closed, `None` while it is not or nobody looks.
    #[inline]
    pub fn close(&self) -> Option<Close> {
        self.connection.close()
    }
}
