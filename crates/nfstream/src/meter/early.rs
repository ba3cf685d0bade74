//! Records of flows that have not ended: early records and updates.

use super::{HookError, Hooks, Lifecycle, Meter};
use crate::features::{Record, RecordKind};
use crate::flow::{Close, EndReason, Flow, Slot};
use crate::time::{Duration, Timestamp};

/// Records that a meter makes before flows end. A zero turns a kind off.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EarlyRecords {
    /// Number of packets after which the early record of a flow is made.
    pub packets: u64,
    /// Age of a flow after which the early record of its packets until then is made.
    pub age: Duration,
    /// Whether the early record of a flow is its only one.
    pub only: bool,
    /// Span between the updates of a slice.
    pub every: Duration,
}

impl EarlyRecords {
    /// Returns whether any records are made before flows end.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.packets > 0 || self.age > Duration::default() || self.every > Duration::default()
    }

    /// Returns the kind of record that is due before a packet at `time`.
    fn due(&self, flow: &Flow, has_early: bool, time: Timestamp) -> Option<RecordKind> {
        let age = time.since(flow.first_seen).nanos();
        if !has_early && flow.slice == 0 && (1..=age).contains(&self.age.nanos()) {
            return Some(RecordKind::Early);
        }
        let before = flow.last_seen.since(flow.first_seen).nanos();
        let periods = |age: u64| age.checked_div(self.every.nanos());
        let is_silent = has_early && self.only;
        (periods(age) > periods(before) && !is_silent).then_some(RecordKind::Update)
    }
}

impl<L: Lifecycle> Meter<L> {
    /// Records the flow in `slot` if a record is due before a packet at `time`.
    #[cold]
    pub(super) fn record_before<H: Hooks>(
        &mut self,
        slot: Slot,
        time: Timestamp,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let entry = self.table.entry(slot);
        match self.early.due(&entry.flow, entry.state.has_early, time) {
            Some(kind) => self.record_so_far(slot, kind, time, hooks),
            None => Ok(()),
        }
    }

    /// Records the flow in `slot` if its last packet completes an early record.
    #[cold]
    pub(super) fn record_after<H: Hooks>(
        &mut self,
        slot: Slot,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        let entry = self.table.entry(slot);
        let is_due = entry.flow.slice == 0
            && !entry.state.has_early
            && entry.state.volume.total_packets() == self.early.packets;
        if !is_due {
            return Ok(());
        }
        let time = entry.flow.last_seen;
        self.record_so_far(slot, RecordKind::Early, time, hooks)
    }

    /// Makes a record of the flow in `slot`, which continues.
    fn record_so_far<H: Hooks>(
        &mut self,
        slot: Slot,
        kind: RecordKind,
        time: Timestamp,
        hooks: &mut H,
    ) -> Result<(), HookError> {
        self.table.entry_mut(slot).state.has_early |= kind == RecordKind::Early;
        let kind = match kind {
            RecordKind::Early if self.early.only => RecordKind::Only,
            kind => kind,
        };
        let record = self.so_far(slot, kind, time);
        if H::ACTIVE {
            hooks.on_record(slot, &record)?;
        }
        self.output.records.push(record);
        Ok(())
    }

    /// Returns the record that the flow in `slot` would have if the input ended now, at `time`. Its
    /// id counts only this meter's conversations.
    pub(super) fn so_far(&mut self, slot: Slot, kind: RecordKind, time: Timestamp) -> Record {
        let mut application =
            self.dissector.as_mut().map(|dissector| dissector.conclude(slot)).unwrap_or_default();
        application.dns_name = self.dns_names.get(slot.index()).cloned().flatten();
        let process = self.process_of(slot);
        let places = self.places_of(slot);
        let ground_truth = self.ground_truth_of(slot, kind);
        let measures = self.plan.measures().then(|| self.measures.of(slot)).flatten();
        let measures = measures.map(|measures| Box::new(measures.clone()));
        let entry = self.table.entry(slot);
        Record {
            id: entry.flow.birth,
            flow: entry.flow,
            ended: time,
            end_reason: match entry.state.close {
                None => EndReason::EndOfInput,
                Some(Close::Fin) => EndReason::TcpFin,
                Some(Close::Rst) => EndReason::TcpRst,
            },
            kind,
            expiration_id: 0,
            volume: entry.state.volume,
            measures,
            application,
            process,
            places,
            ground_truth,
            scores: None,
            release: 0,
        }
    }
}
