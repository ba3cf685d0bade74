//! Measurements, and the choice of them for a run.

use super::{Accounting, Group, Groups, LinkAddresses, Measures, PacketShape, Program, Sample};
use crate::flow::Direction;
use crate::packet::Packet;
use crate::time::TimeUnit;

/// State that a group keeps of each flow.
pub(super) trait Measurement: Default {
    /// Whether anything is kept.
    const IS_KEPT: bool = true;

    /// Whether it is made in most runs that measure anything. The others share one test for each
    /// packet, in a separate function.
    const IS_USUAL: bool = false;

    /// Returns whether it takes memory beyond a fixed size in runs of `plan`.
    fn grows(_plan: &Plan) -> bool {
        false
    }

    /// Returns the bytes beyond the fixed size.
    #[inline]
    fn memory(&self) -> usize {
        0
    }

    /// Measures what only the first packet of a flow shows.
    #[inline]
    fn begin(&mut self, _: &Plan, _: &Sample<'_>) {}

    /// Measures a packet, the first one included.
    #[inline]
    fn add(&mut self, _: &Plan, _: &Sample<'_>) {}

    /// Measures a packet, and returns the bytes by which [`memory`](Self::memory) grows, modulo the
    /// range of the type.
    #[inline]
    fn add_and_grow(&mut self, plan: &Plan, sample: &Sample<'_>) -> usize {
        let before = self.memory();
        self.add(plan, sample);
        self.memory().wrapping_sub(before)
    }

    /// Clears the measurement for another flow; it may keep its memory.
    #[inline]
    fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes over what the flow's next slice starts with from the slice `before`.
    #[inline]
    fn continue_from(&mut self, _before: &Self) {}

    /// Prefetches the memory that the next packet of `direction` is measured in; `before` packets
    /// of the flow have been measured.
    #[inline]
    fn prefetch(&self, _: &Plan, _direction: Direction, _before: u64) {}
}

/// Groups that read their columns from the record alone.
impl Measurement for () {
    const IS_KEPT: bool = false;
}

/// Measurements of a run.
#[derive(Clone, Debug)]
pub struct Measuring {
    /// The groups of columns besides the base ones.
    pub groups: Vec<Group>,
    /// Unit of times in the table.
    pub unit: TimeUnit,
    /// Which bytes count.
    pub accounting: Accounting,
    /// Packets of a flow in the lists of [`Group::Splt`].
    pub splt_packets: usize,
    /// Packets and bytes in the columns of [`Group::PacketBytes`] and [`Group::RawPacketBytes`].
    pub packet_bytes: PacketShape,
    /// Whether flows end when their TCP connection closes.
    pub track_tcp: bool,
    /// The user's measures, `None` without any.
    pub measures: Option<&'static Program>,
    /// Groups of columns that are measured but not part of tables: measures read them.
    pub hidden: Vec<Group>,
}

impl Measuring {
    /// Packets that the columns of the group `splt` list, unless another number is chosen.
    pub const SPLT_PACKETS: u16 = 10;
}

impl Default for Measuring {
    fn default() -> Self {
        Self {
            groups: Default::default(),
            unit: Default::default(),
            accounting: Default::default(),
            splt_packets: Self::SPLT_PACKETS.into(),
            packet_bytes: PacketShape::default(),
            track_tcp: Default::default(),
            measures: None,
            hidden: Vec::new(),
        }
    }
}

/// [`Measuring`] in the form that the work on each packet uses.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Which bytes count.
    pub accounting: Accounting,
    /// Whether connections are tracked.
    pub track_tcp: bool,
    /// Reads the MAC addresses of a flow's first packet.
    pub link_addresses: fn(&Packet, &[u8]) -> LinkAddresses,
    /// Unit of times in the table.
    pub unit: TimeUnit,
    pub(super) splt_packets: usize,
    /// Whether TCP headers of these packets are kept.
    pub(super) splt_tcp: bool,
    pub(super) packet_bytes: PacketShape,
    /// The user's measures.
    pub(super) program: Option<&'static Program>,
    /// The groups that keep something of each flow.
    groups: Groups,
    any: bool,
    any_rare: bool,
    grows: bool,
}

impl Measuring {
    /// Returns the work for each packet.
    pub fn plan(&self) -> Plan {
        let all = self.groups.iter().chain(&self.hidden);
        let splt_tcp = all.clone().any(|group| *group == Group::SpltTcp);
        let groups = all.fold(Groups::NONE, |groups, group| {
            groups.with_if(Measures::KEPT.contains(*group), *group)
        });
        let groups = groups.with_if(self.measures.is_some(), Group::Measured);
        // One measurement for both groups.
        let groups = groups.with_if(splt_tcp, Group::Splt);
        let is_rare = groups.intersects(Measures::RARE);
        let mut plan = Plan {
            accounting: self.accounting,
            track_tcp: self.track_tcp,
            unit: self.unit,
            link_addresses: LinkAddresses::read,
            splt_packets: self.splt_packets,
            splt_tcp,
            packet_bytes: self.packet_bytes,
            program: self.measures,
            groups,
            any: self.track_tcp || !groups.is_empty(),
            any_rare: self.track_tcp || is_rare,
            grows: false,
        };
        plan.grows = Measures::grow(&plan);
        plan
    }
}

impl Plan {
    /// Returns whether anything is measured besides the volume.
    #[inline]
    pub fn measures(&self) -> bool {
        self.any
    }

    /// Returns whether packets are measured with [`Measures::add_rare`].
    #[inline]
    pub(super) fn measures_rare(&self) -> bool {
        self.any_rare
    }

    /// Returns whether measurements take memory beyond a fixed size for each flow.
    #[inline]
    pub fn grows(&self) -> bool {
        self.grows
    }

    /// Returns whether the measurement `M` of `group` is made.
    #[inline]
    pub(super) fn wants<M: Measurement>(&self, group: Group) -> bool {
        M::IS_KEPT && self.groups.contains(group)
    }
}
