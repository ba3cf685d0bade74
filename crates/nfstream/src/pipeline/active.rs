//! Active flows of a run, for other threads: the screen, `active()` in Python.
//!
//! Nothing is kept or sent for them in advance. A meter works under a lock, which it takes
//! once for each chunk; to look at its flows, another thread takes the lock between two chunks, for
//! some thousands of flows at a time. So a look delays no packet by more than that, works while the
//! source is silent and while the caller of the run is busy, and needs no memory in the run.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, PoisonError, Weak};

use super::merge::Ids;
use super::sync::{Mutex, MutexGuard};
use super::turns::Turns;
use crate::features::{Label, Record, Scorer, Volume};
use crate::flow::{Flow, Slot};
use crate::host::Process;
use crate::meter::{ActiveTable, Lifecycle, Meter};

/// Flows that are read before the meter continues: milliseconds, in which packets wait in the buffer
/// of the source. With fewer, a look at many flows waits for too many chunks.
const FLOWS: usize = 32_768;

/// Records that are made before the meter continues, as a record takes much longer.
const RECORDS: usize = 1024;

/// The active flows of a run, from any thread. The handle outlives the run, and then finds none.
///
/// ```no_run
/// use nfstream::{Config, Run, capture};
///
/// let source = capture::open(&["capture.pcap".into()])?;
/// let mut run = Run::new(Box::new(source), &Config::default())?;
/// let active = run.active_flows();
/// run.advance()?;
/// let largest = active.records()?.into_iter().max_by_key(|record| record.volume.total_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ActiveFlows(Arc<Mutex<Shards>>);

/// Position of an active flow in its run. Another flow never has the same one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FlowPlace {
    meter: usize,
    slot: Slot,
    birth: u64,
    slice: u32,
}

/// An active flow, whose meter waits.
pub struct ActiveFlow<'a> {
    place: FlowPlace,
    table: &'a mut dyn ActiveTable,
    ids: Option<&'a Mutex<Ids>>,
}

/// Failure to look at active flows.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ActiveError {
    /// A hook of the run looks at its flows: the meter is in the middle of a packet.
    #[error("a hook cannot read the active flows of its own run")]
    InHook,
}

/// The meters of a run, as handles find them.
#[derive(Default)]
pub(super) struct Shards {
    /// Meters by number; a thread adds its meter when it has made it.
    meters: Vec<(usize, Weak<dyn Shard>)>,
    /// Ids of conversations, if several meters count them.
    ids: Option<Arc<Mutex<Ids>>>,
    /// Models that score records.
    scorer: Option<Arc<dyn Scorer>>,
}

/// A meter under its lock.
pub(super) trait Shard: Send + Sync {
    /// Returns whether this thread works in the meter.
    fn is_mine(&self) -> bool;

    /// Calls `look` with the flows of the meter, unless it failed.
    fn look(&self, look: &mut dyn FnMut(&mut dyn ActiveTable));
}

impl FlowPlace {
    /// Returns the number of the flow's meter.
    pub fn meter(self) -> usize {
        self.meter
    }

    /// Returns the slot of the flow in its meter. Another flow may have it later.
    pub fn slot(self) -> usize {
        self.slot.index()
    }
}

impl ActiveFlows {
    pub(super) fn new(shards: &Arc<Mutex<Shards>>) -> Self {
        Self(Arc::clone(shards))
    }

    /// Calls `visit` for each active flow, in no particular order.
    ///
    /// The meters continue between groups of flows. A flow that begins or ends meanwhile may be
    /// left out.
    ///
    /// # Errors
    ///
    /// [`ActiveError`] in a hook of the run.
    pub fn visit(&self, mut visit: impl FnMut(ActiveFlow<'_>)) -> Result<(), ActiveError> {
        self.visit_in_steps(FLOWS, &mut visit)
    }

    /// Calls `visit` for those flows at `places` that are still active.
    ///
    /// # Errors
    ///
    /// [`ActiveError`] in a hook of the run.
    pub fn visit_again(
        &self,
        places: &[FlowPlace],
        mut visit: impl FnMut(ActiveFlow<'_>),
    ) -> Result<(), ActiveError> {
        let (meters, ids) = self.meters()?;
        let ids = ids.as_deref();
        for (number, meter) in meters {
            let here: Vec<_> = places.iter().filter(|place| place.meter == number).collect();
            for group in here.chunks(RECORDS) {
                meter.look(&mut |table| {
                    for place in group {
                        if table.occupied(place.slot.index()).is_some() {
                            let flow = table.flow(place.slot);
                            if (flow.birth, flow.slice) == (place.birth, place.slice) {
                                visit(ActiveFlow { place: **place, table, ids });
                            }
                        }
                    }
                });
            }
        }
        Ok(())
    }

    /// Returns the records that all active flows would have if the input ended now, without flows
    /// that the run has not counted yet.
    ///
    /// # Errors
    ///
    /// [`ActiveError`] in a hook of the run.
    pub fn records(&self) -> Result<Vec<Record>, ActiveError> {
        let mut records = Vec::new();
        self.visit_in_steps(RECORDS, &mut |mut flow| {
            if flow.id().is_some() {
                records.push(flow.record());
            }
        })?;
        records.sort_unstable_by_key(|record| (record.id, record.flow.slice));
        self.score(&mut records);
        Ok(records)
    }

    /// Computes the results of models; those of a model that fails are missing.
    pub fn score(&self, records: &mut [Record]) {
        let shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let scorer = shards.scorer.clone();
        drop(shards);
        if let Some(scorer) = scorer {
            // The run reports the failure.
            drop(scorer.score(records));
        }
    }

    fn visit_in_steps(
        &self,
        step: usize,
        visit: &mut dyn FnMut(ActiveFlow<'_>),
    ) -> Result<(), ActiveError> {
        let (meters, ids) = self.meters()?;
        for (meter, shard) in meters {
            let mut next = 0;
            loop {
                let mut places = 0;
                shard.look(&mut |table| {
                    places = table.places();
                    let mut left = step;
                    while left > 0 && next < places {
                        if let Some(slot) = table.occupied(next) {
                            let Flow { birth, slice, .. } = *table.flow(slot);
                            let place = FlowPlace { meter, slot, birth, slice };
                            visit(ActiveFlow { place, table, ids: ids.as_deref() });
                            left -= 1;
                        }
                        next += 1;
                    }
                });
                if next >= places {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Returns the meters that there are, with their numbers, and the ids of their flows.
    #[allow(clippy::type_complexity, reason = "the result of one private function")]
    fn meters(
        &self,
    ) -> Result<(Vec<(usize, Arc<dyn Shard>)>, Option<Arc<Mutex<Ids>>>), ActiveError> {
        let shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let meters = shards.meters.iter();
        let meters = meters.filter_map(|(number, meter)| Some((*number, meter.upgrade()?)));
        let (meters, ids): (Vec<_>, _) = (meters.collect(), shards.ids.clone());
        drop(shards);
        if meters.iter().any(|(_, meter)| meter.is_mine()) {
            return Err(ActiveError::InHook);
        }
        Ok((meters, ids))
    }
}

impl ActiveFlow<'_> {
    /// Returns the position of the flow in its run.
    pub fn place(&self) -> FlowPlace {
        self.place
    }

    /// Returns key and times.
    pub fn flow(&self) -> &Flow {
        self.table.flow(self.place.slot)
    }

    /// Returns packets and bytes so far.
    pub fn volume(&self) -> Volume {
        self.table.volume(self.place.slot)
    }

    /// Returns the label so far, and whether it is final.
    pub fn label(&mut self) -> (Label, bool) {
        self.table.label(self.place.slot)
    }

    /// Returns the process that the flow belongs to, if that is known.
    pub fn process(&self) -> Option<Arc<Process>> {
        self.table.process(self.place.slot)
    }

    /// Returns the id of the conversation; `None` if it has just begun, and the run has not counted
    /// it yet.
    pub fn id(&self) -> Option<u64> {
        let birth = self.flow().birth;
        match self.ids {
            Some(ids) => lock(ids).of(self.place.meter, birth),
            None => Some(birth),
        }
    }

    /// Returns the record that the flow would have if the input ended now. Without an
    /// [`id`](Self::id), that of the record counts only the conversations of the flow's meter.
    pub fn record(&mut self) -> Record {
        let mut record = self.table.record(self.place.slot);
        record.id = self.id().unwrap_or(record.id);
        record
    }
}

impl Shards {
    /// Adds the meter with `number`.
    pub(super) fn add<L: Lifecycle>(&mut self, number: usize, meter: &Arc<Turns<Meter<L>>>) {
        let meter: Arc<dyn Shard> = Arc::clone(meter) as Arc<dyn Shard>;
        self.meters.push((number, Arc::downgrade(&meter)));
    }

    /// Sets the models that score records.
    pub(super) fn score_by(&mut self, scorer: &Arc<dyn Scorer>) {
        self.scorer = Some(Arc::clone(scorer));
    }

    /// Sets the ids of the conversations that several meters count.
    pub(super) fn number_by(&mut self, ids: &Arc<Mutex<Ids>>) {
        self.ids = Some(Arc::clone(ids));
    }
}

impl<L: Lifecycle> Shard for Turns<Meter<L>> {
    fn is_mine(&self) -> bool {
        self.is_mine()
    }

    fn look(&self, look: &mut dyn FnMut(&mut dyn ActiveTable)) {
        if let Some(mut meter) = self.visit() {
            look(&mut *meter);
        }
    }
}

impl Debug for Shards {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shards").field("meters", &self.meters.len()).finish_non_exhaustive()
    }
}

/// Locks ids, which are consistent after every statement.
pub(super) fn lock(ids: &Mutex<Ids>) -> MutexGuard<'_, Ids> {
    ids.lock().unwrap_or_else(PoisonError::into_inner)
}
