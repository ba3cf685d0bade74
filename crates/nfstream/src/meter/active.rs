//! Active flows as others see them between packets.

use std::sync::Arc;

use super::{Lifecycle, Meter};
use crate::dissect::Inspection;
use crate::features::{Label, Record, RecordKind, Volume};
use crate::flow::{Flow, Slot};
use crate::host::Process;

/// The active flows of a meter. Reading them does not change what their records will hold.
pub trait ActiveTable {
    /// Returns the number of slots, free ones included.
    fn places(&self) -> usize;

    /// Returns the slot at `index` if a flow is in it.
    fn occupied(&self, index: usize) -> Option<Slot>;

    /// Returns key and times of the flow in `slot`.
    fn flow(&self, slot: Slot) -> &Flow;

    /// Returns packets and bytes of the flow in `slot`.
    fn volume(&self, slot: Slot) -> Volume;

    /// Returns the label of the flow in `slot` as known so far, and whether it is final.
    fn label(&mut self, slot: Slot) -> (Label, bool);

    /// Returns the process that the flow in `slot` belongs to, if that is known.
    fn process(&self, slot: Slot) -> Option<Arc<Process>>;

    /// Returns the record that the flow in `slot` would have if the input ended now. Its id counts
    /// only this meter's conversations.
    fn record(&mut self, slot: Slot) -> Record;
}

impl<L: Lifecycle> ActiveTable for Meter<L> {
    fn places(&self) -> usize {
        self.table.places()
    }

    fn occupied(&self, index: usize) -> Option<Slot> {
        self.table.occupied(index)
    }

    fn flow(&self, slot: Slot) -> &Flow {
        &self.table.entry(slot).flow
    }

    fn volume(&self, slot: Slot) -> Volume {
        self.table.entry(slot).state.volume
    }

    fn label(&mut self, slot: Slot) -> (Label, bool) {
        let is_final = self.table.entry(slot).state.inspection == Inspection::Done;
        let application = self.dissector.as_mut().map(|dissector| dissector.conclude(slot));
        (application.map(|application| application.label).unwrap_or_default(), is_final)
    }

    fn process(&self, slot: Slot) -> Option<Arc<Process>> {
        self.process_of(slot)
    }

    fn record(&mut self, slot: Slot) -> Record {
        let time = self.table.entry(slot).flow.last_seen;
        self.so_far(slot, RecordKind::Update, time)
    }
}
