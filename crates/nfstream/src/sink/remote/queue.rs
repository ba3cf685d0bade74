//! Queue of batches between the engine's thread and the thread that sends them, bounded in bytes.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;

use crate::host::monotonic;

/// Batches that wait to be sent.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Bytes from which on the queue is full. One batch always fits.
    capacity: usize,
}

#[derive(Debug, Default)]
struct State {
    /// Batches with their bytes and the time at which they came.
    batches: VecDeque<(RecordBatch, usize, Instant)>,
    bytes: usize,
    rows: u64,
    is_ended: bool,
    is_aborted: bool,
}

/// Next step of the sending thread.
#[derive(Debug)]
pub(super) enum Next {
    /// A batch to send. It stays in the queue until [`Queue::done`].
    Batch(RecordBatch),
    /// All batches have been sent, and no other follows.
    End,
    /// The rest must not be sent.
    Aborted,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), capacity }
    }

    /// Adds a batch if there is room within `patience`; returns whether it was added.
    pub(super) fn push(&self, batch: &RecordBatch, patience: Duration) -> bool {
        let bytes = batch.get_array_memory_size();
        let state = self.lock();
        let is_full = |state: &mut State| {
            !state.is_aborted
                && !state.batches.is_empty()
                && state.bytes.saturating_add(bytes) > self.capacity
        };
        let waited = self.changed.wait_timeout_while(state, patience, is_full);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if is_full(&mut state) {
            return false;
        }
        state.batches.push_back((batch.clone(), bytes, monotonic()));
        state.bytes = state.bytes.saturating_add(bytes);
        state.rows += rows(batch);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Announces that no batch follows.
    pub(super) fn end(&self) {
        self.lock().is_ended = true;
        self.changed.notify_all();
    }

    /// Announces that the rest must not be sent.
    pub(super) fn abort(&self) {
        self.lock().is_aborted = true;
        self.changed.notify_all();
    }

    /// Waits for the next step.
    pub(super) fn next(&self) -> Next {
        let state = self.lock();
        let is_idle =
            |state: &mut State| state.batches.is_empty() && !state.is_ended && !state.is_aborted;
        let state = self.changed.wait_while(state, is_idle);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        match state.batches.front() {
            _ if state.is_aborted => Next::Aborted,
            Some((batch, ..)) => Next::Batch(batch.clone()),
            None => Next::End,
        }
    }

    /// Counts rows of the oldest batch as sent or refused.
    pub(super) fn sent(&self, rows: u64) {
        let mut state = self.lock();
        state.rows = state.rows.saturating_sub(rows);
    }

    /// Removes the oldest batch, of which all rows were sent or refused.
    pub(super) fn done(&self) {
        let mut state = self.lock();
        if let Some((_, bytes, _)) = state.batches.pop_front() {
            state.bytes = state.bytes.saturating_sub(bytes);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for `time`, or until the rest must not be sent; returns whether it may be sent.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |state| !state.is_aborted);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_aborted
    }

    /// Returns whether the rest must not be sent.
    pub(super) fn is_aborted(&self) -> bool {
        self.lock().is_aborted
    }

    /// Returns rows and bytes that wait, and the age of the oldest batch.
    pub(super) fn waiting(&self) -> (u64, usize, Duration) {
        let state = self.lock();
        let age = state.batches.front().map(|(.., since)| monotonic().duration_since(*since));
        (state.rows, state.bytes, age.unwrap_or_default())
    }

    /// Returns the bytes from which on the queue is full.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the number of rows of a batch.
pub(super) fn rows(batch: &RecordBatch) -> u64 {
    batch.num_rows().try_into().unwrap_or(u64::MAX)
}
