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
    const GROWS: bool = M::GROWS;

    fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |measurement| measurement.memory())
    }

    #[inline]
    fn begin(&mut self, plan: &Plan, sample: &Sample<'_>) {
        self.0.get_or_insert_default().begin(plan, sample);
    }

    #[inline]
    fn add(&mut self, plan: &Plan, sample: &Sample<'_>) {
        self.0.get_or_insert_default().add(plan, sample);
    }

    /// Exchanges the boxes, and empties the one that returns.
    fn leave_to(&mut self, to: &mut Self) {
        std::mem::swap(&mut self.0, &mut to.0);
        if let Some(earlier) = &mut self.0 {
            **earlier = M::default();
        }
    }

    fn continue_from(&mut self, before: &Self) {
        if let Some(before) = &before.0 {
            self.0.get_or_insert_default().continue_from(before);
        }
    }

    #[inline]
    fn prefetch(&self, plan: &Plan, direction: Direction, before: u64) {
        if let Some(measurement) = &self.0 {
            measurement.prefetch(plan, direction, before);
        }
    }
}
