//! One shard of the work: a flow table, a dissector, measurements, and the life cycle of flows.

mod held;
mod hooks;
mod lifecycle;
mod output;
mod state;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::dissect::{Clues, Dissector, Hints, Inspection, Knowledge};
use crate::features::{ActiveMeasures, Application, Plan, Record, Sample, SpareMeasures, Volume};
use crate::flow::{
    Answer, Close, Direction, EndReason, FlowKey, FlowTable, KeyHasher, Segment, Sender, Slot,
    Timeouts, Verdict,
};
use crate::host::{Process, Processes};
use crate::packet::protocol::UDP;
use crate::packet::{ChunkBytes, Fragment, Packet, TcpFlags};
use crate::time::Timestamp;
use held::{Held, HeldPackets};
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
    /// Dissector of the flows' packets, `None` for no labels.
    pub dissector: Option<Box<dyn Dissector>>,
    /// Process table of this machine, `None` when attribution is off.
    pub processes: Option<Processes>,
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
    plan: Plan,
    /// Measurements besides the volume.
    measures: ActiveMeasures,
    /// Packets that may open another connection.
    held: HeldPackets,
    output: MeterOutput,
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
            dissector,
            processes,
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
            plan,
            measures: ActiveMeasures::new(plan, spare),
            held: HeldPackets::default(),
            output: MeterOutput::default(),
        }
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

    #[inline]
    fn arrive<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let Keyed { packet, key, hash, .. } = *keyed;
        let Some(slot) = self.table.find(hash, &key) else {
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
    #[inline]
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
            flow.last_seen = time;
            return self.add(bytes, frames, keyed, slot, false, hooks);
        }
        self.begin_again(slot, verdict, (time, time.max(now)), keyed, hooks)?;
        self.introduce(slot, keyed);
        self.add(bytes, frames, keyed, slot, true, hooks)
    }

    /// Adds a packet to the flow in `slot`, if it has SYN or packets are held.
    ///
    /// A SYN with another sequence number may open another connection: it is held until the next
    /// packet shows whether it does.
    #[cold]
    #[inline(never)]
    fn arrive_with_syn<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        slot: Slot,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let (packet, frame) = (keyed.packet, keyed.packet.frame(frames));
        let flow = &self.table.entry(slot).flow;
        let time = packet.time.max(flow.last_seen);
        let is_late = packet.time < flow.last_seen;
        let direction = Direction::of(keyed.sender, flow.src);
        let verdict = self.timeouts.judge(flow, time);
        let segment = Segment::read(packet, frame).filter(|_| verdict != Verdict::Idle);
        if let Some((opener, before)) = self.held.opener(slot) {
            let answer = segment.map(|segment| opener.answer(direction, &segment));
            match answer.unwrap_or(Answer::Refuted) {
                Answer::Opened => {
                    self.reopen(keyed, slot, hooks)?;
                    return self.arrive(bytes, frames, keyed, hooks);
                }
                Answer::Again
                    if self.held.hold(slot, opener, before, (packet, frame, keyed.sender)) =>
                {
                    self.output.late_packets += u64::from(is_late);
                    self.table.entry_mut(slot).flow.last_seen = time;
                    return Ok(());
                }
                Answer::Again | Answer::Refuted => {
                    let generation = self.table.entry(slot).flow.generation;
                    self.release(slot, time, hooks)?;
                    // A hook may have ended it.
                    if self.table.alive(slot, generation).is_none() {
                        return Ok(());
                    }
                    return self.arrive(bytes, frames, keyed, hooks);
                }
            }
        }
        self.output.late_packets += u64::from(is_late);
        let opener =
            segment.and_then(|segment| self.measures.of(slot)?.opener(direction, &segment));
        let Some(opener) = opener else {
            return self.join(bytes, frames, keyed, slot, packet.time, hooks);
        };
        let entry = self.table.entry_mut(slot);
        if entry.state.close.is_some() {
            self.begin_again(slot, Verdict::Closed, (time, time), keyed, hooks)?;
            self.introduce(slot, keyed);
            return self.add(bytes, frames, keyed, slot, true, hooks);
        }
        let before = entry.flow.last_seen;
        if self.held.hold(slot, opener, before, (packet, frame, keyed.sender)) {
            let entry = self.table.entry_mut(slot);
            entry.flow.last_seen = time;
            entry.state.is_holding = true;
            return Ok(());
        }
        self.join(bytes, frames, keyed, slot, packet.time, hooks)
    }

    /// Takes the packets held for the flow in `slot`, whose state is that before them.
    fn take_held(&mut self, slot: Slot) -> Option<Held> {
        let held = self.held.take(slot)?;
        let entry = self.table.entry_mut(slot);
        entry.state.is_holding = false;
        entry.flow.last_seen = held.before;
        Some(held)
    }

    /// Adds the packets held for the flow in `slot` to it, because they open no connection. If they
    /// end a slice, it ends at `now`.
    fn release<H: Hooks>(
        &mut self,
        slot: Slot,
        now: Timestamp,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        if !self.table.entry(slot).state.is_holding {
            return Ok(());
        }
        let Some(held) = self.take_held(slot) else { return Ok(()) };
        let key = self.table.entry(slot).flow.key;
        let hash = self.hasher.key(&key);
        for one in &held.packets {
            let frames = one.bytes.as_slice();
            let (packet, sender) = (&one.packet, one.sender);
            let keyed = Keyed { index: 0, packet, key, sender, hash, slot: Some(slot) };
            // A hook may have ended the flow.
            match self.table.find(hash, &key) {
                Some(slot) => self.join(&one.bytes, frames, &keyed, slot, now, hooks)?,
                None => self.begin(&one.bytes, frames, &keyed, hooks)?,
            }
        }
        Ok(())
    }

    /// Ends the flow in `slot`, and starts one with the packets held for it: `keyed` shows that
    /// they opened a connection.
    fn reopen<H: Hooks>(
        &mut self,
        keyed: &Keyed<'_>,
        slot: Slot,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let now = keyed.packet.time.max(self.table.entry(slot).flow.last_seen);
        let Some(held) = self.take_held(slot) else { return Ok(()) };
        let mut is_first = true;
        for one in &held.packets {
            let frames = one.bytes.as_slice();
            let packet = Keyed { packet: &one.packet, sender: one.sender, ..*keyed };
            if std::mem::take(&mut is_first) {
                let time = one.packet.time;
                self.begin_again(slot, Verdict::Reopened, (time, now), &packet, hooks)?;
                self.introduce(slot, &packet);
                self.add(&one.bytes, frames, &packet, slot, true, hooks)?;
            } else {
                match self.table.find(packet.hash, &packet.key) {
                    Some(slot) => self.join(&one.bytes, frames, &packet, slot, now, hooks)?,
                    None => self.begin(&one.bytes, frames, &packet, hooks)?,
                }
            }
        }
        Ok(())
    }

    /// Starts a flow with its first packet.
    #[inline]
    fn begin<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let Keyed { index, packet, key, sender, hash, .. } = *keyed;
        if self.table.len() >= self.capacity {
            self.evict(packet.time, hooks)?;
        }
        let state = FlowState {
            volume: Volume::default(),
            inspection: self.first_inspection(),
            close: None,
            is_holding: false,
        };
        let src = self.source(packet, sender);
        let slot = self.table.insert(hash, key, src, packet.time, state);
        let flow = &mut self.table.entry_mut(slot).flow;
        (flow.vlan_id, flow.tunnel_id) = (packet.vlan_id, packet.tunnel_id);
        self.output.births.push(index);
        self.lifecycle.begin(slot, &self.table);
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

    /// Ends the flow that the life cycle chooses, to make room for one that begins at `time`.
    #[cold]
    fn evict<H: Hooks>(&mut self, time: Timestamp, hooks: &mut H) -> Result<(), HookError> {
        let slot = self.lifecycle.make_room(&self.table);
        let slot = slot.expect("the life cycle knows every active flow");
        self.release(slot, time, hooks)?;
        let ended = time.max(self.table.entry(slot).flow.last_seen);
        self.remove(FlowEnd { slot, ended, reason: EndReason::Evicted }, 0, hooks)
    }

    /// Ends flows at `time`, in the order that the life cycle chooses, until the others are within
    /// the byte limit.
    #[cold]
    fn free_bytes<H: Hooks>(&mut self, time: Timestamp, hooks: &mut H) -> Result<(), HookError> {
        while self.bytes() > self.most_bytes && !self.table.is_empty() {
            self.evict(time, hooks)?;
        }
        self.is_full = false;
        Ok(())
    }

    /// Returns the bytes that active flows hold in addition to a fixed size for each.
    fn bytes(&self) -> usize {
        self.measures.memory() + self.dissector.as_ref().map_or(0, |dissector| dissector.memory())
    }

    /// Ends flows one after the other; the clock of the stream is at `now`.
    fn end<H: Hooks>(
        &mut self,
        ends: &[FlowEnd],
        now: Timestamp,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        for (place, end) in ends.iter().enumerate() {
            if let Some(ahead) = ends.get(place + END_AHEAD) {
                self.measures.prefetch_all(ahead.slot);
            }
            let generation = self.table.entry(end.slot).flow.generation;
            self.release(end.slot, now, hooks)?;
            if self.table.alive(end.slot, generation).is_none() {
                continue;
            }
            self.remove(*end, 0, hooks)?;
        }
        Ok(())
    }

    /// Returns the source end of a flow whose first packet is `packet`.
    fn source(&self, packet: &Packet, sender: Sender) -> Sender {
        let answers =
            packet.tcp_flags.contains(TcpFlags::SYN) && packet.tcp_flags.contains(TcpFlags::ACK);
        if self.plan.track_tcp && answers { sender.other() } else { sender }
    }

    /// Ends the flow in `slot` with `verdict`, and starts its successor, which begins at the first
    /// of the two times, in the same slot. The flow ends at the second, unless it was idle.
    fn begin_again<H: Hooks>(
        &mut self,
        slot: Slot,
        verdict: Verdict,
        (time, now): (Timestamp, Timestamp),
        keyed: &Keyed<'_>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let (application, inspection) = match (&mut self.dissector, verdict) {
            (None, _) => (Application::default(), Inspection::Done),
            (Some(dissector), Verdict::Active) => dissector.end_slice(slot),
            (Some(dissector), _) => (dissector.end(slot), Inspection::Open),
        };
        if verdict == Verdict::Active {
            let end = FlowEnd { slot, ended: now, reason: EndReason::Active };
            self.record(end, expiration_id(end.reason), application, hooks)?;
            self.table.entry_mut(slot).flow.slice += 1;
        } else {
            let (ended, reason) = match verdict {
                Verdict::Closed => (now, EndReason::Idle),
                Verdict::Reopened => (now, EndReason::TcpReopened),
                _ => (self.timeouts.deadline(&self.table.entry(slot).flow), EndReason::Idle),
            };
            let end = FlowEnd { slot, ended, reason };
            self.record(end, expiration_id(end.reason), application, hooks)?;
            let birth = self.table.next_birth();
            self.output.births.push(keyed.index);
            let src = self.source(keyed.packet, keyed.sender);
            let flow = &mut self.table.entry_mut(slot).flow;
            (flow.birth, flow.slice, flow.src) = (birth, 0, src);
            (flow.vlan_id, flow.tunnel_id) = (keyed.packet.vlan_id, keyed.packet.tunnel_id);
        }
        let entry = self.table.entry_mut(slot);
        (entry.flow.first_seen, entry.flow.last_seen) = (time, time);
        entry.state =
            FlowState { volume: Volume::default(), inspection, close: None, is_holding: false };
        Ok(())
    }

    /// Measures a packet of the flow in `slot`. Its time is already set.
    #[inline]
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
                frame: packet.frame(frames),
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
        if learnt || self.plan.has_lists() {
            self.is_full = self.bytes() > self.most_bytes;
        }
        if !H::ACTIVE {
            return Ok(());
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
            FlowAction::Continue => Ok(()),
            FlowAction::End(id) => {
                self.remove(FlowEnd { slot, ended: time, reason: EndReason::Plugin }, id, hooks)
            }
        }
    }

    fn first_inspection(&self) -> Inspection {
        if self.dissector.is_some() { Inspection::Open } else { Inspection::Done }
    }

    /// Ends a flow and frees its slot.
    fn remove<H: Hooks>(
        &mut self,
        end: FlowEnd,
        expiration_id: i32,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let slot = end.slot;
        let application = match &mut self.dissector {
            Some(dissector) => dissector.end(slot),
            None => Application::default(),
        };
        self.record(end, expiration_id, application, hooks)?;
        let hash = self.hasher.key(&self.table.entry(slot).flow.key);
        self.table.remove(hash, slot);
        Ok(())
    }

    fn record<H: Hooks>(
        &mut self,
        end: FlowEnd,
        expiration_id: i32,
        mut application: Application,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let FlowEnd { slot, ended, reason } = end;
        let entry = self.table.entry(slot);
        // A closed connection ended when it closed; the idle timeout only covered late segments.
        let end_reason = match (reason, entry.state.close) {
            (EndReason::Active | EndReason::Plugin, _) | (_, None) => reason,
            (_, Some(Close::Fin)) => EndReason::TcpFin,
            (_, Some(Close::Rst)) => EndReason::TcpRst,
        };
        self.output.evicted_flows += u64::from(end_reason == EndReason::Evicted);
        // The next slice continues the same connection.
        let is_slice = end_reason.is_slice();
        let measures = self.plan.measures().then(|| self.measures.take(slot, is_slice));
        if let Some(name) = self.dns_names.get_mut(slot.index()) {
            application.dns_name = if is_slice { name.clone() } else { name.take() };
        }
        let id = self.lifecycle.number(&entry.flow);
        let mut record = Record {
            id,
            flow: entry.flow,
            ended,
            end_reason,
            expiration_id,
            volume: entry.state.volume,
            measures,
            application,
            process: self.process_of(slot),
        };
        if H::ACTIVE {
            hooks.on_expire(slot, &mut record)?;
        }
        self.output.records.push(record);
        Ok(())
    }

    /// Returns the process that the flow in `slot` belongs to.
    ///
    /// Looked up when the flow ends, because the sockets of a new flow may not be listed yet.
    fn process_of(&self, slot: Slot) -> Option<Arc<Process>> {
        let processes = self.processes.as_ref()?;
        let flow = &self.table.entry(slot).flow;
        let key = &flow.key;
        if flow.tunnel_id != 0 {
            return None;
        }
        let end = |sender| {
            let end = key.end(sender);
            SocketAddr::new(end.ip(key.version), end.port)
        };
        processes.of_flow(key.protocol, end(flow.src), end(flow.src.other()))
    }
}
