//! Where the active flows of a meter are measured, and how that memory is used again.

use crossbeam_channel::{Receiver, Sender, bounded};
use nfstream_memory::prefetch_whole;

use super::{Measures, Plan, Record, Sample};
use crate::flow::{Direction, Slot};

/// The measurements of active flows, by slot.
#[derive(Debug)]
pub struct ActiveMeasures {
    plan: Plan,
    places: Vec<Place>,
    spare: Spare,
    recycler: Recycler,
}

/// Measurements in cache lines of their own.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct Place(Measures);

/// Memory for the measurements of flows that end.
#[allow(clippy::vec_box, reason = "records own their measurements, and are moved about")]
type Spare = Vec<Box<Measures>>;

/// Brings the measurements of records that have served back to the meters, to be used again.
///
/// All works without it, but many large allocations take their time.
#[derive(Clone, Debug)]
pub struct Recycler {
    sender: Sender<Spare>,
    receiver: Receiver<Spare>,
}

impl ActiveMeasures {
    /// Returns what has room for the measurements of `plan`.
    pub fn new(plan: Plan, recycler: Recycler) -> Self {
        Self { plan, places: Vec::new(), spare: Vec::new(), recycler }
    }

    /// Begins with the flow in `slot`, or its next slice, whose first packet is that of `sample`;
    /// `sent_by_source` unless the flow was turned around.
    pub fn begin(&mut self, slot: Slot, sample: &Sample<'_>, sent_by_source: bool) {
        if self.places.len() <= slot.index() {
            self.places.resize_with(slot.index() + 1, Place::default);
        }
        let Place(measures) = &mut self.places[slot.index()];
        measures.begin(&self.plan, sample, sent_by_source);
    }

    /// Measures a packet of the flow in `slot`, and returns what is known of it now.
    #[inline]
    pub fn add(&mut self, slot: Slot, sample: &Sample<'_>) -> &Measures {
        let Place(measures) = &mut self.places[slot.index()];
        measures.add(&self.plan, sample);
        measures
    }

    /// Takes what was measured of the flow in `slot`, which goes on if it `is_slice`.
    pub fn take(&mut self, slot: Slot, is_slice: bool) -> Box<Measures> {
        if self.spare.is_empty()
            && let Ok(spare) = self.recycler.receiver.try_recv()
        {
            self.spare = spare;
        }
        let mut taken = self.spare.pop().unwrap_or_default();
        if let Some(next) = self.spare.last() {
            prefetch_whole(next.as_ref());
        }
        let Place(measures) = &mut self.places[slot.index()];
        measures.leave_to(&self.plan, &mut taken);
        if is_slice {
            measures.continue_from(&taken);
        }
        taken
    }

    /// Asks for the memory in which a packet of `direction` is measured, which follows `before`
    /// others in the flow in `slot`.
    #[inline]
    pub fn prefetch(&self, slot: Slot, direction: Direction, before: u64) {
        if let Some(Place(measures)) = self.places.get(slot.index()) {
            measures.prefetch(&self.plan, direction, before);
        }
    }

    /// Asks for all that was measured of the flow in `slot`.
    #[inline]
    pub fn prefetch_all(&self, slot: Slot) {
        if let Some(Place(measures)) = self.places.get(slot.index())
            && self.plan.measures()
        {
            prefetch_whole(measures);
        }
    }

    /// Returns what has been measured of the flow in `slot`.
    pub fn of(&self, slot: Slot) -> Option<&Measures> {
        self.places.get(slot.index()).map(|Place(measures)| measures)
    }
}

impl Recycler {
    /// Batches of measurements that wait for a meter at most.
    const QUEUE: usize = 4;

    /// Takes `records`, which have served.
    pub fn take(&self, records: impl IntoIterator<Item = Record>) {
        let spare: Spare = records.into_iter().filter_map(|record| record.measures).collect();
        if !spare.is_empty() {
            // Where there is enough already, it is freed.
            drop(self.sender.try_send(spare));
        }
    }

    /// Frees what no meter has asked for.
    pub(crate) fn clear(&self) {
        self.receiver.try_iter().for_each(drop);
    }
}

impl Default for Recycler {
    fn default() -> Self {
        let (sender, receiver) = bounded(Self::QUEUE);
        Self { sender, receiver }
    }
}
