//! Ends of flows, and their records.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{
    END_AHEAD, FlowEnd, FlowState, HookError, Hooks, Keyed, Lifecycle, Meter, expiration_id,
};
use crate::dissect::Inspection;
use crate::features::{Application, Place, Record, RecordKind};
use crate::flow::{Close, EndReason, Flow, Slot, Verdict};
use crate::ground_truth::Subject;
use crate::host::Process;
use crate::time::Timestamp;

impl<L: Lifecycle> Meter<L> {
    /// Ends the flow that the life cycle chooses, to make room for one that begins at `time`.
    #[cold]
    pub(super) fn evict<H: Hooks>(
        &mut self,
        time: Timestamp,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let slot = self.lifecycle.make_room(&self.table);
        let slot = slot.expect("the life cycle knows every active flow");
        let generation = self.table.entry(slot).flow.generation;
        self.release(slot, time, hooks)?;
        // A hook may have ended it.
        let Some(entry) = self.table.alive(slot, generation) else { return Ok(()) };
        let ended = time.max(entry.flow.last_seen);
        self.remove(FlowEnd { slot, ended, reason: EndReason::Evicted }, 0, hooks)
    }

    /// Ends flows at `time`, in the order that the life cycle chooses, until the others are within
    /// the byte limit.
    #[cold]
    pub(super) fn free_bytes<H: Hooks>(
        &mut self,
        time: Timestamp,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        while self.bytes() > self.most_bytes && !self.table.is_empty() {
            self.evict(time, hooks)?;
        }
        self.is_full = false;
        Ok(())
    }

    /// Ends flows one after the other; the clock of the stream is at `now`.
    pub(super) fn end<H: Hooks>(
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

    /// Ends the flow in `slot` with `verdict`, and starts its successor, which begins at the first
    /// of the two times, in the same slot. The flow ends at the second, unless it was idle.
    pub(super) fn begin_again<H: Hooks>(
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
            self.choose_birth(keyed.index);
            let birth = self.table.next_birth();
            self.output.births.push(keyed.index);
            let src = self.source(keyed.packet, keyed.sender);
            let flow = &mut self.table.entry_mut(slot).flow;
            (flow.birth, flow.slice, flow.src) = (birth, 0, src);
            (flow.vlan_id, flow.tunnel_id) = (keyed.packet.vlan_id, keyed.packet.tunnel_id);
        }
        let entry = self.table.entry_mut(slot);
        (entry.flow.first_seen, entry.flow.last_seen) = (time, time);
        let has_early = entry.state.has_early && verdict == Verdict::Active;
        entry.state = FlowState { has_early, ..FlowState::new(inspection) };
        Ok(())
    }

    /// Ends a flow and frees its slot.
    pub(super) fn remove<H: Hooks>(
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

    pub(super) fn record<H: Hooks>(
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
        let kind = match entry.state.has_early && self.early.only {
            true => RecordKind::Hidden,
            false => RecordKind::Final,
        };
        let mut record = Record {
            id,
            flow: entry.flow,
            ended,
            end_reason,
            kind,
            expiration_id,
            volume: entry.state.volume,
            measures,
            application,
            process: self.process_of(slot),
            places: self.places_of(slot),
            ground_truth: self.ground_truth_of(slot, kind),
            scores: None,
            release: 0,
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
    pub(super) fn process_of(&self, slot: Slot) -> Option<Arc<Process>> {
        let processes = self.processes.as_ref()?;
        let flow = &self.table.entry(slot).flow;
        if flow.tunnel_id != 0 {
            return None;
        }
        let [source, destination] = ends(flow);
        processes.of_flow(flow.key.protocol, source, destination)
    }

    /// Returns the places of the ends of the flow in `slot`.
    pub(super) fn places_of(&mut self, slot: Slot) -> [Option<Arc<Place>>; 2] {
        let Some(locator) = &mut self.locator else { return [None, None] };
        ends(&self.table.entry(slot).flow).map(|end| locator.place(end.ip()))
    }

    /// Returns the label by the rules of the run for a record of `kind` of the flow in `slot`.
    pub(super) fn ground_truth_of(&self, slot: Slot, kind: RecordKind) -> Option<Arc<str>> {
        let rules = self.ground_truth.as_ref()?;
        let flow = &self.table.entry(slot).flow;
        let subject = Subject {
            ends: ends(flow).map(|end| (end.ip(), end.port())),
            protocol: flow.key.protocol,
            first: flow.first_seen,
            last: flow.last_seen,
        };
        rules.label(&subject, kind.is_counted())
    }
}

/// Returns the source and the destination of a flow.
fn ends(flow: &Flow) -> [SocketAddr; 2] {
    let key = &flow.key;
    [flow.src, flow.src.other()].map(|sender| {
        let end = key.end(sender);
        SocketAddr::new(end.ip(key.version), end.port)
    })
}
