//! Separately allocated measurements, which take no memory in flows of runs without them.

use super::{Measurement, Plan, Sample};
use crate::flow::Direction;

/// A large measurement, allocated for the first flow in a place and reused for later ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Boxed<M>(Option<Box<M>>);

impl<M> Boxed<M> {
    /// Returns the measurement, `None` if nothing was measured.
    pub(super) fn get(&self) -> Option<&M> {
        self.0.as_deref()
    }
}

impl<M: Measurement> Measurement for Boxed<M> {
    fn grows(plan: &Plan) -> bool {
        M::grows(plan)
    }

    fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |measurement| measurement.memory())
    }

    // Apart from the measurements of the usual runs, which need the registers.
    #[inline(never)]
    fn begin(&mut self, plan: &Plan, sample: &Sample<'_>) {
        self.0.get_or_insert_default().begin(plan, sample);
    }

    #[inline(never)]
    fn add(&mut self, plan: &Plan, sample: &Sample<'_>) {
        self.0.get_or_insert_default().add(plan, sample);
    }

    fn clear(&mut self) {
        if let Some(measurement) = &mut self.0 {
            **measurement = M::default();
        }
    }

    fn continue_from(&mut self, before: &Self) {
        if let Some(before) = &before.0 {
            self.0.get_or_insert_default().continue_from(before);
        }
    }

    #[inline(never)]
    fn prefetch(&self, plan: &Plan, direction: Direction, before: u64) {
        if let Some(measurement) = &self.0 {
            measurement.prefetch(plan, direction, before);
        }
    }
}
