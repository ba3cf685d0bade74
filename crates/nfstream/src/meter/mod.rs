//! One shard of the work: its own flow table, its own dissector, the rules that end flows.

mod hooks;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::dissect::{Dissector, Inspection};
use crate::features::{ActiveMeasures, Application, Plan, Record, Sample, SpareMeasures, Volume};
use crate::flow::{
    Close, Direction, EndReason, FlowKey, FlowTable, KeyHasher, Note, Sender, Slot, Timeouts,
    Verdict, Wheel,
};
use crate::host::{Process, Processes};
use crate::nfstream6::{Births, Rules};
use crate::packet::{ChunkBytes, Fragment, Packet, TcpFlags};
use crate::time::Timestamp;
pub use hooks::{Arrival, FlowAction, FlowView, HookError, Hooks, NoHooks};

/// What a meter keeps of each active flow beside its times.
#[derive(Clone, Copy, Debug)]
pub struct FlowState {
    /// Packets and bytes so far.
    pub volume: Volume,
    /// Whether the dissector wants further packets.
    pub inspection: Inspection,
    /// How the TCP connection was closed, if it was and that is looked at.
    pub close: Option<Close>,
}

/// What a meter has found since it was last asked.
#[derive(Debug, Default)]
pub struct MeterOutput {
    /// For each conversation born, the place of its first packet in the chunk.
    pub births: Vec<u32>,
    /// Flows that ended, in the order in which that was noticed. Ids count the births of this
    /// meter alone.
    pub records: Vec<Record>,
    /// Packets that came after a later one of their flow.
    pub late_packets: u64,
    /// Flows that ended to make room.
    pub evicted_flows: u64,
    /// Flows that are active now.
    pub active_flows: usize,
}

/// A shard of the work.
pub struct Meter {
    timeouts: Timeouts,
    hasher: KeyHasher,
    table: FlowTable<FlowState>,
    /// Flows that are active at a time, at most.
    capacity: usize,
    wheel: Wheel,
    dissector: Option<Box<dyn Dissector>>,
    /// Whose flows are, `None` if nobody looks.
    processes: Option<Processes>,
    plan: Plan,
    /// What [`Rules::Nfstream6`] asks for, `None` under [`Rules::Standard`].
    v6: Option<Box<V6>>,
    /// What is measured beside the volume.
    measures: ActiveMeasures,
    /// See [`Record::phase`].
    phase: u64,
    output: MeterOutput,
}

/// What a meter keeps under [`Rules::Nfstream6`].
#[derive(Debug, Default)]
struct V6 {
    births: Births,
    /// Flows that have ended.
    ended: u64,
}

/// Packets whose flows are looked up together, so that the memory of one is fetched while
/// another is worked on.
const LOOK_AHEAD: usize = 32;

/// Flows that end one after the other, before the one whose memory is fetched meanwhile: nobody
/// has touched it for as long as it was silent.
const END_AHEAD: usize = 8;

/// A packet about to be looked up.
#[derive(Clone, Copy)]
struct Keyed<'a> {
    index: u32,
    packet: &'a Packet,
    key: FlowKey,
    sender: Sender,
    hash: u64,
    /// Where its flow lives, probably.
    slot: Option<Slot>,
}

/// Returns whether `packet` opens a TCP connection.
fn is_first_segment(packet: &Packet) -> bool {
    packet.tcp_flags.contains(TcpFlags::SYN) && !packet.tcp_flags.contains(TcpFlags::ACK)
}

impl Meter {
    /// Returns a meter without flows.
    pub fn new(timeouts: Timeouts, plan: Plan, dissector: Option<Box<dyn Dissector>>) -> Self {
        Self {
            timeouts,
            hasher: KeyHasher::default(),
            table: FlowTable::new(),
            capacity: usize::MAX,
            wheel: Wheel::new(timeouts.idle),
            dissector,
            processes: None,
            plan,
            v6: None,
            measures: ActiveMeasures::new(plan, SpareMeasures::default()),
            phase: 1,
            output: MeterOutput::default(),
        }
    }

    /// Returns the meter with `rules` in place of the standard ones.
    #[must_use]
    pub fn under(mut self, rules: Rules) -> Self {
        self.v6 = (rules == Rules::Nfstream6).then(Box::default);
        self
    }

    /// Returns the meter with processes of this machine to look for those of its flows.
    #[must_use]
    pub fn naming(mut self, processes: Option<Processes>) -> Self {
        self.processes = processes;
        self
    }

    /// Returns the meter with memory to measure in from records that have served.
    #[must_use]
    pub fn recycling(mut self, spare: SpareMeasures) -> Self {
        self.measures = ActiveMeasures::new(self.plan, spare);
        self
    }

    /// Returns the meter with room for `flows` active flows: one more ends the flow that has been
    /// silent for longest.
    #[must_use]
    pub fn with_capacity(mut self, flows: NonZeroUsize) -> Self {
        self.capacity = flows.get();
        self
    }

    /// Puts packets into their flows: pairs of a place in the chunk and the packet there.
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
        if self.v6.is_some() {
            return self.process_v6(bytes, packets, hooks);
        }
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
                self.arrive(bytes, frames, keyed, hooks)?;
            }
            if len < LOOK_AHEAD {
                return Ok(());
            }
        }
    }

    /// Ends the flows that are idle at `time`.
    ///
    /// # Errors
    ///
    /// Those of `hooks`.
    pub fn tick<H: Hooks>(&mut self, time: Timestamp, hooks: &mut H) -> Result<(), HookError> {
        if self.v6.is_some() {
            return Ok(());
        }
        self.phase += 1;
        let mut idle = Vec::new();
        let mut awake = Vec::new();
        while let Some(notes) = self.wheel.due(time) {
            for note in notes {
                let Some(entry) = self.table.alive(note.slot, note.generation) else { continue };
                let deadline = self.timeouts.deadline(&entry.flow);
                if deadline <= time {
                    idle.push((deadline, entry.flow.birth, note.slot));
                } else {
                    awake.push(note.slot);
                }
            }
            // Not before the bucket is empty: a flow must not be asked twice at one time.
            for slot in awake.drain(..) {
                self.wheel.note(slot, &self.table.entry(slot).flow);
            }
        }
        // So that hooks see the same order for any number of ticks.
        idle.sort_unstable();
        for (place, &(deadline, _, slot)) in idle.iter().enumerate() {
            if let Some(&(_, _, slot)) = idle.get(place + END_AHEAD) {
                self.measures.prefetch_all(slot);
            }
            self.remove(slot, deadline, EndReason::Idle, 0, hooks)?;
        }
        self.phase += 1;
        Ok(())
    }

    /// Ends all flows: the input has ended, at `time`.
    ///
    /// # Errors
    ///
    /// Those of `hooks`.
    pub fn finish<H: Hooks>(&mut self, time: Timestamp, hooks: &mut H) -> Result<(), HookError> {
        if self.v6.is_some() {
            while let Some(slot) = self.oldest() {
                self.remove(slot, Timestamp::MAX, EndReason::EndOfInput, 0, hooks)?;
            }
            return Ok(());
        }
        self.tick(time, hooks)?;
        let mut rest: Vec<_> = self
            .table
            .slots()
            .map(|slot| {
                let flow = &self.table.entry(slot).flow;
                (self.timeouts.deadline(flow) > time, flow.birth, slot)
            })
            .collect();
        rest.sort_unstable();
        for (place, &(active, _, slot)) in rest.iter().enumerate() {
            if let Some(&(_, _, slot)) = rest.get(place + END_AHEAD) {
                self.measures.prefetch_all(slot);
            }
            let (ended, reason) = if active {
                (Timestamp::MAX, EndReason::EndOfInput)
            } else {
                (self.timeouts.deadline(&self.table.entry(slot).flow), EndReason::Idle)
            };
            self.remove(slot, ended, reason, 0, hooks)?;
        }
        Ok(())
    }

    /// Takes what has been found.
    pub fn take_output(&mut self) -> MeterOutput {
        self.output.active_flows = self.active_flows();
        std::mem::take(&mut self.output)
    }

    /// Takes the records that have been found, of a meter whose births nobody asks for.
    pub fn drain_records(&mut self) -> std::vec::Drain<'_, Record> {
        self.output.births.clear();
        self.output.records.drain(..)
    }

    /// Takes the number of late packets that have been found.
    pub fn take_late_packets(&mut self) -> u64 {
        std::mem::take(&mut self.output.late_packets)
    }

    /// Takes the number of flows that ended to make room.
    pub fn take_evicted_flows(&mut self) -> u64 {
        std::mem::take(&mut self.output.evicted_flows)
    }

    /// Returns the number of active flows.
    pub fn active_flows(&self) -> usize {
        self.table.len()
    }

    /// Asks for the memory in which `packets` will probably be measured.
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

    #[inline]
    fn arrive<H: Hooks>(
        &mut self,
        bytes: &ChunkBytes,
        frames: &[u8],
        keyed: &Keyed<'_>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let Keyed { index, packet, key, sender, hash, .. } = *keyed;
        let Some(slot) = self.table.find(hash, &key) else {
            if self.table.len() >= self.capacity {
                self.evict(packet.time, hooks)?;
            }
            let state = FlowState {
                volume: Volume::default(),
                inspection: self.first_inspection(),
                close: None,
            };
            let src = self.source(packet, sender);
            let slot = self.table.insert(hash, key, src, packet.time, state);
            self.output.births.push(index);
            let flow = &self.table.entry(slot).flow;
            match &mut self.v6 {
                None => self.wheel.note(slot, flow),
                Some(v6) => {
                    let note = Note { slot, generation: flow.generation };
                    let is_alive = |n: Note| self.table.alive(n.slot, n.generation).is_some();
                    v6.births.push(note, self.table.len(), is_alive);
                }
            }
            return self.add(bytes, frames, keyed, slot, true, hooks);
        };
        let entry = self.table.entry_mut(slot);
        let flow = &mut entry.flow;
        let time = packet.time.max(flow.last_seen);
        if packet.time < flow.last_seen {
            self.output.late_packets += 1;
        }
        let verdict = match (self.timeouts.judge(flow, time), entry.state.close) {
            (Verdict::Idle, _) => Verdict::Idle,
            // A connection that has closed keeps its stragglers, until the next one begins.
            (_, Some(_)) if is_first_segment(packet) => Verdict::Closed,
            (_, Some(_)) => Verdict::Belongs,
            (verdict, None) => verdict,
        };
        if verdict == Verdict::Belongs {
            flow.last_seen = time;
            return self.add(bytes, frames, keyed, slot, false, hooks);
        }
        self.begin_again(slot, verdict, time, keyed, hooks)?;
        self.add(bytes, frames, keyed, slot, true, hooks)
    }

    /// Ends the flow that has been silent for longest (by the rules of version 6, the oldest) for
    /// one that begins at `time`.
    #[cold]
    fn evict<H: Hooks>(&mut self, time: Timestamp, hooks: &mut H) -> Result<(), HookError> {
        let slot = if self.v6.is_some() {
            self.oldest()
        } else {
            self.wheel.take_most_silent(|note| {
                self.table.alive(note.slot, note.generation).map(|entry| &entry.flow)
            })
        };
        let slot = slot.expect("every active flow is noted");
        let ended = time.max(self.table.entry(slot).flow.last_seen);
        self.remove(slot, ended, EndReason::Evicted, 0, hooks)
    }

    /// Returns the end that is the source of a flow whose first packet is `packet`.
    fn source(&self, packet: &Packet, sender: Sender) -> Sender {
        let answers =
            packet.tcp_flags.contains(TcpFlags::SYN) && packet.tcp_flags.contains(TcpFlags::ACK);
        if self.plan.track_tcp && answers { sender.other() } else { sender }
    }

    /// Ends the flow in `slot` as `verdict` says and begins its successor in the same place.
    fn begin_again<H: Hooks>(
        &mut self,
        slot: Slot,
        verdict: Verdict,
        time: Timestamp,
        keyed: &Keyed<'_>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let (application, inspection) = match (&mut self.dissector, verdict) {
            (None, _) => (Application::default(), Inspection::Done),
            (Some(dissector), Verdict::Active) => dissector.end_slice(slot),
            (Some(dissector), _) => (dissector.end(slot), Inspection::Open),
        };
        if verdict == Verdict::Active {
            self.record(slot, time, EndReason::Active, 1, application, hooks)?;
            self.table.entry_mut(slot).flow.slice += 1;
        } else {
            let ended = match verdict {
                Verdict::Closed => time,
                _ => self.timeouts.deadline(&self.table.entry(slot).flow),
            };
            self.record(slot, ended, EndReason::Idle, 0, application, hooks)?;
            let birth = self.table.next_birth();
            self.output.births.push(keyed.index);
            let src = self.source(keyed.packet, keyed.sender);
            let flow = &mut self.table.entry_mut(slot).flow;
            (flow.birth, flow.slice, flow.src) = (birth, 0, src);
        }
        let entry = self.table.entry_mut(slot);
        (entry.flow.first_seen, entry.flow.last_seen) = (time, time);
        entry.state = FlowState { volume: Volume::default(), inspection, close: None };
        Ok(())
    }

    /// Measures a packet of the flow in `slot`, whose time has been set.
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
                size,
                volume: &entry.state.volume,
            };
            if first {
                self.measures.begin(slot, &sample, keyed.sender == entry.flow.src);
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
            entry.state.inspection = dissector.inspect(slot, packet, packet.ip_bytes(frames));
            learnt = true;
        }
        if !H::ACTIVE {
            return Ok(());
        }
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
            FlowAction::End(id) => self.remove(slot, time, EndReason::Plugin, id, hooks),
        }
    }

    /// Puts packets into their flows by the rules of nfstream 6.
    fn process_v6<'a, H: Hooks>(
        &mut self,
        bytes: &'a ChunkBytes,
        packets: impl Iterator<Item = (u32, &'a Packet)>,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let frames = bytes.as_slice();
        for (index, packet) in packets {
            let (key, sender) = FlowKey::of(packet);
            let hash = self.hasher.key(&key);
            if let Some(slot) = self.table.find(hash, &key) {
                let flow = &self.table.entry(slot).flow;
                let ending = match self.timeouts.judge(flow, packet.time) {
                    Verdict::Idle => Some((self.timeouts.deadline(flow), EndReason::Idle, 0)),
                    Verdict::Active => Some((packet.time, EndReason::Active, 1)),
                    Verdict::Belongs | Verdict::Closed => None,
                };
                if let Some((ended, reason, id)) = ending {
                    hooks.on_replace(slot);
                    self.remove(slot, ended, reason, id, hooks)?;
                }
            }
            self.arrive(
                bytes,
                frames,
                &Keyed { index, packet, key, sender, hash, slot: None },
                hooks,
            )?;
            self.scan(packet.time, hooks)?;
        }
        Ok(())
    }

    /// Ends the oldest flows as far as they are idle at `time`, if it is time to look at them.
    fn scan<H: Hooks>(&mut self, time: Timestamp, hooks: &mut H) -> Result<(), HookError> {
        if !self.v6.as_mut().is_some_and(|v6| v6.births.is_scan_due(time)) {
            return Ok(());
        }
        for _ in 0..Births::SCAN {
            let Some(slot) = self.oldest() else { break };
            let flow = &self.table.entry(slot).flow;
            if self.timeouts.judge(flow, time) != Verdict::Idle {
                break;
            }
            self.remove(slot, self.timeouts.deadline(flow), EndReason::Idle, 0, hooks)?;
        }
        Ok(())
    }

    /// Returns where the oldest flow lives.
    fn oldest(&mut self) -> Option<Slot> {
        let is_alive = |note: Note| self.table.alive(note.slot, note.generation).is_some();
        Some(self.v6.as_mut()?.births.oldest(is_alive)?.slot)
    }

    fn first_inspection(&self) -> Inspection {
        if self.dissector.is_some() { Inspection::Open } else { Inspection::Done }
    }

    /// Ends the flow in `slot` and frees its place.
    fn remove<H: Hooks>(
        &mut self,
        slot: Slot,
        ended: Timestamp,
        reason: EndReason,
        expiration_id: i32,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let application = match &mut self.dissector {
            Some(dissector) => dissector.end(slot),
            None => Application::default(),
        };
        self.record(slot, ended, reason, expiration_id, application, hooks)?;
        let hash = self.hasher.key(&self.table.entry(slot).flow.key);
        self.table.remove(hash, slot);
        Ok(())
    }

    fn record<H: Hooks>(
        &mut self,
        slot: Slot,
        ended: Timestamp,
        end_reason: EndReason,
        expiration_id: i32,
        application: Application,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let entry = self.table.entry(slot);
        // What ended a flow that has closed is its close; the wait for stragglers only follows.
        let end_reason = match (end_reason, entry.state.close) {
            (EndReason::Active | EndReason::Plugin, _) | (_, None) => end_reason,
            (_, Some(Close::Fin)) => EndReason::TcpFin,
            (_, Some(Close::Rst)) => EndReason::TcpRst,
        };
        self.output.evicted_flows += u64::from(end_reason == EndReason::Evicted);
        // The next slice is one of the same connection.
        let is_slice = end_reason.is_slice();
        let measures = self.plan.measures().then(|| self.measures.take(slot, is_slice));
        let id = match &mut self.v6 {
            None => entry.flow.birth,
            Some(v6) => {
                v6.ended += 1;
                v6.ended - 1
            }
        };
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
            phase: self.phase,
        };
        if H::ACTIVE {
            hooks.on_expire(slot, &mut record)?;
        }
        self.output.records.push(record);
        Ok(())
    }

    /// Returns whose the flow in `slot` is.
    ///
    /// It is asked when the flow ends: the sockets of a new one have hardly been seen yet.
    fn process_of(&self, slot: Slot) -> Option<Arc<Process>> {
        let processes = self.processes.as_ref()?;
        let flow = &self.table.entry(slot).flow;
        let key = &flow.key;
        if key.tunnel_id != 0 {
            return None;
        }
        let end = |sender| {
            let end = key.end(sender);
            SocketAddr::new(end.ip(key.version), end.port)
        };
        processes.of_flow(key.protocol, end(flow.src), end(flow.src.other()))
    }
}
