//! One shard of the work: a flow table, a dissector, measurements, and the life cycle of flows.

mod active;
mod early;
mod ending;
mod held;
mod hooks;
mod lifecycle;
mod opening;
mod output;
mod state;

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::dissect::{Clues, Dissector, Hints, Inspection, Knowledge};
use crate::features::{ActiveMeasures, Plan, Record, Sample, SpareMeasures};
use crate::flow::{
    Direction, EndReason, FlowKey, FlowTable, KeyHasher, Sender, Slot, Timeouts, Verdict,
};
use crate::geoip::Locator;
use crate::ground_truth::GroundTruth;
use crate::host::Processes;
use crate::packet::protocol::UDP;
use crate::packet::{ChunkBytes, Fragment, Packet, TcpFlags};
use crate::time::Timestamp;
pub use active::ActiveTable;
pub use early::EarlyRecords;
use held::HeldPackets;
pub use hooks::{Arrival, FlowAction, FlowView, HookError, Hooks, NoHooks};
pub use lifecycle::{FlowEnd, Lifecycle, Standard};
pub use output::MeterOutput;
pub use state::FlowState;

/// Packets whose flows are looked up together, so that memory is fetched for one while another is
/// processed.
const LOOK_AHEAD: usize = 32;

/// Flows ended between the prefetch of a flow and its end, because its memory has not been touched
/// since its last packet.
const END_AHEAD: usize = 8;

/// Numbers of conversations for each packet: a packet may show that held ones began several.
pub const BIRTHS_PER_PACKET: u64 = 128;

/// Settings of a meter.
pub struct MeterConfig {
    /// Timeouts of flows.
    pub timeouts: Timeouts,
    /// Measurements besides the volume.
    pub plan: Plan,
    /// Most active flows, `None` for no limit. At the limit, the life cycle chooses a flow to end.
    pub max_active_flows: Option<NonZeroUsize>,
    /// Most bytes that active flows hold in addition to a fixed size for each: buffers, texts and
    /// kept packets of the dissector, lists of packets. `None` for no limit. Beyond the limit, the
    /// life cycle chooses flows to end.
    pub max_active_bytes: Option<NonZeroUsize>,
    /// Records before the ends of flows.
    pub early: EarlyRecords,
    /// Dissector of the flows' packets, `None` for no labels.
    pub dissector: Option<Box<dyn Dissector>>,
    /// Process table of this machine, `None` when attribution is off.
    pub processes: Option<Processes>,
    /// Places of addresses, `None` if the run has no databases.
    pub locator: Option<Locator>,
    /// Rules for labels, `None` if the run has none.
    pub ground_truth: Option<Arc<GroundTruth>>,
    /// Measurement buffers of records that were returned to the pool.
    pub spare: SpareMeasures,
}

/// A shard of the work, by the life cycle `L`.
pub struct Meter<L> {
    timeouts: Timeouts,
    hasher: KeyHasher,
    table: FlowTable<FlowState>,
    /// Most active flows.
    capacity: usize,
    /// Most bytes that active flows may hold.
    most_bytes: usize,
    /// Whether active flows hold more than that.
    is_full: bool,
    lifecycle: L,
    dissector: Option<Box<dyn Dissector>>,
    knowledge: Knowledge,
    /// Names of the flows' servers from DNS answers, by slot.
    dns_names: Vec<Option<Arc<str>>>,
    processes: Option<Processes>,
    locator: Option<Locator>,
    ground_truth: Option<Arc<GroundTruth>>,
    plan: Plan,
    /// Measurements besides the volume.
    measures: ActiveMeasures,
    /// Packets that may open another connection.
    held: HeldPackets,
    /// Records before the ends of flows.
    early: EarlyRecords,
    output: MeterOutput,
    /// Number of a conversation that begins with the packet of index 0; `None` if they are counted.
    first_place: Option<u64>,
}

/// Packet whose flow is looked up next.
#[derive(Clone, Copy)]
struct Keyed<'a> {
    index: u32,
    packet: &'a Packet,
    key: FlowKey,
    sender: Sender,
    hash: u64,
    /// Probable slot of its flow.
    slot: Option<Slot>,
}

/// Returns the expiration id of a flow that a timeout ends.
const fn expiration_id(reason: EndReason) -> i32 {
    if reason.is_slice() { 1 } else { 0 }
}

impl<L: Lifecycle> Meter<L> {
    /// Returns a meter without flows.
    pub fn new(config: MeterConfig) -> Self {
        let MeterConfig {
            timeouts,
            plan,
            max_active_flows,
            max_active_bytes,
            early,
            dissector,
            processes,
            locator,
            ground_truth,
            spare,
        } = config;
        Self {
            timeouts,
            hasher: KeyHasher::default(),
            table: FlowTable::new(),
            capacity: max_active_flows.map_or(usize::MAX, NonZeroUsize::get),
            most_bytes: max_active_bytes.map_or(usize::MAX, NonZeroUsize::get),
            is_full: false,
            lifecycle: L::new(timeouts),
            dissector,
            knowledge: Knowledge::default(),
            dns_names: Vec::new(),
            processes,
            locator,
            ground_truth,
            plan,
            measures: ActiveMeasures::new(plan, spare),
            held: HeldPackets::default(),
            early,
            output: MeterOutput::default(),
            first_place: None,
        }
    }

    /// Numbers the following conversations by the places of their first packets instead of counting
    /// them: [`BIRTHS_PER_PACKET`] numbers for each index, from `first` for the packet of index 0.
    pub fn number_by_place(&mut self, first: u64) {
        self.first_place = Some(first);
    }

    /// Chooses the number of a conversation that begins with the packet at `index`.
    #[inline]
    fn choose_birth(&mut self, index: u32) {
        if let Some(first) = self.first_place {
            self.skip_to_place(first.saturating_add(u64::from(index) * BIRTHS_PER_PACKET));
        }
    }

    // Apart from the loop over packets, which has registers of its own.
    #[cold]
    fn skip_to_place(&mut self, place: u64) {
        self.table.skip_births_to(place);
    }

    /// Takes the clues about future flows in the next packets, those of other meters included.
    #[inline]
    pub fn note(&mut self, clues: &Clues) {
        self.knowledge.note(clues);
    }

    /// Adds packets to their flows; each comes with its index in the chunk.
    ///
    /// # Errors
    ///
    /// Those of `hooks`.
    #[inline]
    pub fn process<'a, H: Hooks>(
        &mut self,
        bytes: &'a ChunkBytes,
        mut packets: impl Iterator<Item = (u32, &'a Packet)>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let frames = bytes.as_slice();
        loop {
            let mut batch = [None; LOOK_AHEAD];
            let mut len = 0;
            for (place, (index, packet)) in batch.iter_mut().zip(&mut packets) {
                let (key, sender) = FlowKey::of(packet);
                let hash = self.hasher.key(&key);
                self.table.prefetch_index(hash);
                *place = Some(Keyed { index, packet, key, sender, hash, slot: None });
                len += 1;
            }
            for keyed in batch[..len].iter_mut().flatten() {
                keyed.slot = self.table.prefetch_entry(keyed.hash);
            }
            if self.plan.measures() {
                self.prefetch_measures(batch[..len].iter().flatten());
            }
            for keyed in batch[..len].iter().flatten() {
                if L::ENDS_BY_PACKETS {
                    self.arrive_and_end(bytes, frames, keyed, hooks)?;
                } else {
                    self.arrive(bytes, frames, keyed, hooks)?;
                }
                if self.is_full {
                    self.free_bytes(keyed.packet.time, hooks)?;
                }
            }
            if len < LOOK_AHEAD {
                return Ok(());
            }
        }
    }

    /// Ends the flows that are idle at `time`, a tick of the stream's clock.
    ///
    /// # Errors
    ///
    /// Those of `hooks`.
    pub fn tick<H: Hooks>(&mut self, time: Timestamp, hooks: &mut H) -> Result<(), HookError> {
        let ends = self.lifecycle.end_at_tick(time, &self.table);
        self.end(&ends, time, hooks)?;
        self.output.records_at_ticks.push(self.output.records.len());
        Ok(())
    }

    /// Ends all flows: the input has ended, at `time`.
    ///
    /// # Errors
    ///
    /// Those of `hooks`.
    pub fn finish<H: Hooks>(&mut self, time: Timestamp, hooks: &mut H) -> Result<(), HookError> {
        self.tick(time, hooks)?;
        let ends = self.lifecycle.end_all(time, &self.table);
        self.end(&ends, time, hooks)
    }

    /// Takes the results since the previous call.
    pub fn take_output(&mut self) -> MeterOutput {
        self.output.active_flows = self.active_flows();
        std::mem::take(&mut self.output)
    }

    /// Takes the records since the previous call, and drops the results that only a merge of
    /// several meters needs.
    pub fn drain_records(&mut self) -> std::vec::Drain<'_, Record> {
        self.output.births.clear();
        self.output.records_at_ticks.clear();
        self.output.records.drain(..)
    }

    /// Takes the number of late packets since the previous call.
    pub fn take_late_packets(&mut self) -> u64 {
        std::mem::take(&mut self.output.late_packets)
    }

    /// Takes the number of evicted flows since the previous call.
    pub fn take_evicted_flows(&mut self) -> u64 {
        std::mem::take(&mut self.output.evicted_flows)
    }

    /// Returns the number of active flows.
    pub fn active_flows(&self) -> usize {
        self.table.len()
    }

    /// Prefetches the memory in which `packets` will probably be measured.
    #[inline]
    fn prefetch_measures<'a>(&self, packets: impl Iterator<Item = &'a Keyed<'a>>) {
        for keyed in packets {
            if let Some(slot) = keyed.slot {
                let entry = self.table.entry(slot);
                let direction = Direction::of(keyed.sender, entry.flow.src);
                self.measures.prefetch(slot, direction, entry.state.volume.total_packets());
            }
        }
    }

    /// Adds a packet to its flow at the time that the life cycle gives it, and ends the flows that
    /// are due.
    fn arrive_and_end<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let packet = Packet { time: self.lifecycle.stamp(keyed.packet.time), ..*keyed.packet };
        self.arrive(bytes, frames, &Keyed { packet: &packet, ..*keyed }, hooks)?;
        let ends = self.lifecycle.end_after_packet(packet.time, &self.table);
        self.end(&ends, packet.time, hooks)
    }

    // One function for the usual packet: arrive, join and add have one caller there.
    #[inline(always)]
    fn arrive<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let packet = keyed.packet;
        let Some(slot) = self.table.find_at(keyed.slot, keyed.hash, &keyed.key) else {
            return self.begin(bytes, frames, keyed, hooks);
        };
        if self.plan.track_tcp {
            let is_holding = self.table.entry(slot).state.is_holding;
            if is_holding || packet.tcp_flags.contains(TcpFlags::SYN) {
                return self.arrive_with_syn(bytes, frames, keyed, slot, hooks);
            }
        }
        if packet.time < self.table.entry(slot).flow.last_seen {
            self.output.late_packets += 1;
        }
        self.join(bytes, frames, keyed, slot, packet.time, hooks)
    }

    /// Adds a packet to the flow in `slot`, or to a new one there. If the packet ends the flow, the
    /// flow ends at `now` or later.
    #[inline(always)]
    fn join<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        slot: Slot,
        now: Timestamp,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let packet = keyed.packet;
        let entry = self.table.entry_mut(slot);
        let flow = &mut entry.flow;
        let time = packet.time.max(flow.last_seen);
        let verdict = self.timeouts.judge(flow, time);
        if L::ENDS_BY_PACKETS && verdict != Verdict::Belongs {
            let (ended, reason) = match verdict {
                Verdict::Active => (time, EndReason::Active),
                _ => (self.timeouts.deadline(flow), EndReason::Idle),
            };
            hooks.on_replace(slot);
            self.remove(FlowEnd { slot, ended, reason }, expiration_id(reason), hooks)?;
            return self.begin(bytes, frames, keyed, hooks);
        }
        let verdict = match (verdict, entry.state.close) {
            (Verdict::Idle, _) => Verdict::Idle,
            // Late segments still belong to a closed connection until the next one begins.
            (_, Some(_)) => Verdict::Belongs,
            (verdict, None) => verdict,
        };
        if verdict == Verdict::Belongs {
            if self.early.is_on() {
                self.record_before(slot, time, hooks)?;
            }
            self.table.entry_mut(slot).flow.last_seen = time;
            return self.add(bytes, frames, keyed, slot, false, hooks);
        }
        self.begin_again(slot, verdict, (time, time.max(now)), keyed, hooks)?;
        self.add_first(bytes, frames, keyed, slot, hooks)
    }

    /// [`join`](Self::join) for packets that do not arrive as usual.
    #[inline(never)]
    fn join_late<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        slot: Slot,
        now: Timestamp,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        self.join(bytes, frames, keyed, slot, now, hooks)
    }

    /// Starts a flow with its first packet.
    #[inline(never)]
    fn begin<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let Keyed { index, packet, key, sender, hash, .. } = *keyed;
        while self.table.len() >= self.capacity {
            self.evict(packet.time, hooks)?;
        }
        let state = FlowState::new(self.first_inspection());
        let src = self.source(packet, sender);
        self.choose_birth(index);
        let slot = self.table.insert(hash, key, src, packet.time, state);
        let flow = &mut self.table.entry_mut(slot).flow;
        (flow.vlan_id, flow.tunnel_id) = (packet.vlan_id, packet.tunnel_id);
        self.output.births.push(index);
        self.lifecycle.begin(slot, &self.table);
        self.add_first(bytes, frames, keyed, slot, hooks)
    }

    /// Measures the first packet of the flow in `slot`.
    #[inline(never)]
    fn add_first<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        slot: Slot,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        self.introduce(slot, keyed);
        self.add(bytes, frames, keyed, slot, true, hooks)
    }

    /// Passes on the knowledge from other flows about the flow in `slot`, which begins.
    #[inline]
    fn introduce(&mut self, slot: Slot, keyed: &Keyed<'_>) {
        let Some(dissector) = &mut self.dissector else { return };
        let index = usize::try_from(keyed.index).unwrap_or(usize::MAX);
        let hints = self.knowledge.hints(index, keyed.packet);
        if hints.is_empty() {
            return;
        }
        dissector.learn(slot, &hints);
        if hints.name.is_some() {
            if self.dns_names.len() <= slot.index() {
                self.dns_names.resize(slot.index() + 1, None);
            }
            if let Some(name) = self.dns_names.get_mut(slot.index()) {
                *name = hints.name;
            }
        }
    }

    /// Returns the bytes that active flows hold in addition to a fixed size for each.
    fn bytes(&self) -> usize {
        self.measures.memory() + self.dissector.as_ref().map_or(0, |dissector| dissector.memory())
    }

    /// Returns the source end of a flow whose first packet is `packet`.
    fn source(&self, packet: &Packet, sender: Sender) -> Sender {
        let answers =
            packet.tcp_flags.contains(TcpFlags::SYN) && packet.tcp_flags.contains(TcpFlags::ACK);
        if self.plan.track_tcp && answers { sender.other() } else { sender }
    }

    /// Measures a packet of the flow in `slot`. Its time is already set.
    #[inline(always)]
    fn add<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        slot: Slot,
        first: bool,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let packet = keyed.packet;
        let entry = self.table.entry_mut(slot);
        let direction = Direction::of(keyed.sender, entry.flow.src);
        let size = self.plan.accounting.size(packet);
        entry.state.volume.add(direction, size);
        if self.plan.measures() {
            let sample = Sample {
                packet,
                chunk: frames,
                direction,
                time: entry.flow.last_seen,
                ticks: entry.flow.last_seen.ticks(self.plan.unit),
                size,
                volume: &entry.state.volume,
            };
            if first {
                self.measures.begin(slot, &sample);
            }
            let measures = self.measures.add(slot, &sample);
            if self.plan.track_tcp {
                entry.state.close = measures.close();
            }
        }
        let mut learnt = false;
        if entry.state.inspection == Inspection::Open
            && packet.fragment != Fragment::Later
            && let Some(dissector) = &mut self.dissector
        {
            // The announcement of a call may arrive after its first datagrams.
            if !first
                && packet.protocol == UDP
                && let index = usize::try_from(keyed.index).unwrap_or(usize::MAX)
                && let announced @ Some(_) = self.knowledge.announced(index, packet)
            {
                dissector.learn(slot, &Hints { announced, name: None });
            }
            entry.state.inspection = dissector.inspect(slot, packet, packet.ip_bytes(frames));
            learnt = true;
        }
        if learnt || self.plan.grows() {
            self.is_full = self.bytes() > self.most_bytes;
        }
        if !H::ACTIVE {
            return if self.early.packets > 0 { self.record_after(slot, hooks) } else { Ok(()) };
        }
        let entry = self.table.entry(slot);
        let view = FlowView {
            slot,
            flow: &entry.flow,
            state: &entry.state,
            measures: self.plan.measures().then(|| self.measures.of(slot)).flatten(),
            dissector: self.dissector.as_deref_mut().filter(|_| learnt || first),
        };
        let arrival = Arrival { packet, bytes, direction };
        let time = entry.flow.last_seen;
        let action =
            if first { hooks.on_init(view, arrival)? } else { hooks.on_update(view, arrival)? };
        match action {
            FlowAction::Continue if self.early.packets > 0 => self.record_after(slot, hooks),
            FlowAction::Continue => Ok(()),
            FlowAction::End(id) => {
                self.remove(FlowEnd { slot, ended: time, reason: EndReason::Plugin }, id, hooks)
            }
        }
    }

    fn first_inspection(&self) -> Inspection {
        if self.dissector.is_some() { Inspection::Open } else { Inspection::Done }
    }
}
