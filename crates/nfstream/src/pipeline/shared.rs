//! Counts of a run that other threads may read, and its stop flag.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::active::{ActiveFlows, Shards};
use super::stats::Stats;
use super::sync::{AtomicBool, Mutex, MutexGuard};
use super::tally::Tally;
use super::warning::Warning;
use crate::capture::{self, ReadProgress, StopFlag};
use crate::features::Record;

/// State of a run that its handles share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// The meters, for those who look at their flows.
    shards: Arc<Mutex<Shards>>,
    /// Whether the run was stopped.
    stop: AtomicBool,
    /// Flag of the source, which ends reads that wait.
    input: StopFlag,
}

#[derive(Debug, Default)]
struct State {
    stats: Stats,
    progress: ReadProgress,
    warnings: Vec<Warning>,
    /// Whether the run has ended.
    has_ended: bool,
}

/// Counts of meters besides their records.
#[derive(Clone, Copy, Debug)]
pub(super) struct MeterCounts {
    pub(super) late_packets: u64,
    pub(super) evicted_flows: u64,
    pub(super) active_flows: usize,
}

/// Handle that stops a run from any thread.
#[derive(Clone, Debug)]
pub struct StopHandle(Arc<Shared>);

/// Handle to the counts of a run, which outlives it.
#[derive(Clone, Debug)]
pub struct Monitor(Arc<Shared>);

impl StopHandle {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::clone(shared))
    }

    /// Stops the run: it reads only packets that have already been captured. Its flows then end as
    /// at the end of input, and further steps of the run return them.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
        self.0.input.set();
    }

    /// Returns whether the run was stopped.
    pub fn is_stopped(&self) -> bool {
        self.0.is_stopped()
    }
}

impl Monitor {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self(Arc::clone(shared))
    }

    /// Returns the counts so far.
    pub fn stats(&self) -> Stats {
        self.0.lock().stats.clone()
    }

    /// Returns the read position of the source.
    pub fn progress(&self) -> ReadProgress {
        self.0.lock().progress.clone()
    }

    /// Takes the warnings since the last call.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut self.0.lock().warnings)
    }
}

impl Shared {
    /// Returns whether the run was stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Returns the flag that ends reads of the source that wait.
    pub(super) fn input(&self) -> &StopFlag {
        &self.input
    }

    /// Returns the meters of the run.
    pub(super) fn shards(&self) -> MutexGuard<'_, Shards> {
        self.shards.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Returns a handle to the active flows of the meters.
    pub(super) fn active_flows(&self) -> ActiveFlows {
        ActiveFlows::new(&self.shards)
    }

    /// Returns the packets counted so far.
    pub(super) fn packets(&self) -> u64 {
        self.lock().stats.packets
    }

    pub(super) fn count(&self, tally: &Tally, counts: MeterCounts, records: &[Record]) {
        let mut state = self.lock();
        let stats = &mut state.stats;
        stats.packets += tally.packets;
        stats.flow_packets += tally.packets - tally.ignored.total();
        stats.ignored.merge(&tally.ignored);
        stats.duplicate_packets += tally.duplicates;
        stats.late_packets += counts.late_packets;
        stats.evicted_flows += counts.evicted_flows;
        stats.active_flows = u64::try_from(counts.active_flows).unwrap_or(u64::MAX);
        stats.reception = tally.reception.or(stats.reception);
        let flows = records.iter().filter(|record| record.kind.is_counted()).count();
        stats.flows += u64::try_from(flows).unwrap_or(u64::MAX);
        state.progress = tally.progress.clone();
        let is_damage = |warning: &&capture::Warning| warning.is_damage();
        let damaged = tally.warnings.iter().filter(is_damage).count();
        state.stats.damaged_files += u64::try_from(damaged).unwrap_or(u64::MAX) + tally.damaged;
        state.warnings.extend(tally.warnings.iter().cloned().map(Warning::Capture));
    }

    /// Adds the warnings that the counts give at the end of the run.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.has_ended, true) {
            let warnings = Warning::of(&state.stats);
            state.warnings.extend(warnings);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counters are consistent after every statement, so a panic elsewhere does not affect them.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
