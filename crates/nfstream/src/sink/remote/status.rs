//! State of a destination while a run writes to it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::queue::Queue;

/// Most notices that wait to be read.
const NOTICES: usize = 16;

/// State of a destination, readable from every thread.
#[derive(Clone, Debug)]
pub struct SinkStatus(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    name: String,
    queue: Arc<Queue>,
    sent: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
    rejected: AtomicU64,
    failures: AtomicU64,
    is_connected: AtomicBool,
    /// First reason for which rows were refused.
    refusal: OnceLock<String>,
    notices: Mutex<VecDeque<String>>,
}

/// Counts of a destination at one time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SinkCounts {
    /// Rows that the receiver has taken.
    pub sent_rows: u64,
    /// Bytes that were sent for them.
    pub sent_bytes: u64,
    /// Rows that were dropped because the queue was full.
    pub dropped_rows: u64,
    /// Rows that the receiver has refused.
    pub rejected_rows: u64,
    /// Failed attempts to connect or send.
    pub failures: u64,
    /// Whether the last attempt succeeded.
    pub is_connected: bool,
    /// Rows that wait.
    pub queued_rows: u64,
    /// Bytes that wait.
    pub queued_bytes: u64,
    /// Bytes from which on the queue is full.
    pub queue_capacity_bytes: u64,
    /// Time for which the oldest row has been waiting.
    pub lag: Duration,
}

impl SinkStatus {
    pub(super) fn new(name: String, queue: Arc<Queue>) -> Self {
        Self(Arc::new(Shared {
            name,
            queue,
            sent: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            is_connected: AtomicBool::new(false),
            refusal: OnceLock::new(),
            notices: Mutex::default(),
        }))
    }

    /// Returns the URL of the destination, without secrets.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the counts so far.
    pub fn counts(&self) -> SinkCounts {
        let shared = &self.0;
        let (queued_rows, queued_bytes, lag) = shared.queue.waiting();
        let wide = |bytes: usize| bytes.try_into().unwrap_or(u64::MAX);
        SinkCounts {
            sent_rows: shared.sent.load(Relaxed),
            sent_bytes: shared.bytes.load(Relaxed),
            dropped_rows: shared.dropped.load(Relaxed),
            rejected_rows: shared.rejected.load(Relaxed),
            failures: shared.failures.load(Relaxed),
            is_connected: shared.is_connected.load(Relaxed),
            queued_rows,
            queued_bytes: wide(queued_bytes),
            queue_capacity_bytes: wide(shared.queue.capacity()),
            lag,
        }
    }

    /// Returns sentences about changes since the last call, for the user.
    pub fn take_notices(&self) -> Vec<String> {
        let mut notices = self.0.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.drain(..).collect()
    }

    /// Returns sentences about flows that the receiver does not have, for the user.
    pub fn losses(&self) -> Vec<String> {
        let counts = self.counts();
        let reasons = [
            (counts.dropped_rows, "dropped, as the queue was full"),
            (counts.rejected_rows, "refused by the receiver"),
        ];
        let lost = reasons.into_iter().filter(|(rows, _)| *rows > 0);
        let sentence = |(rows, reason): (u64, &str)| {
            let flows = if rows == 1 { "flow" } else { "flows" };
            format!("{}: {rows} {flows} {reason}", self.0.name)
        };
        lost.map(sentence).collect()
    }

    pub(super) fn add_sent(&self, rows: u64, bytes: u64) {
        self.0.sent.fetch_add(rows, Relaxed);
        self.0.bytes.fetch_add(bytes, Relaxed);
    }

    /// Counts rows for which the queue had no room, and returns how many there were before.
    pub(super) fn add_dropped(&self, rows: u64) -> u64 {
        self.0.dropped.fetch_add(rows, Relaxed)
    }

    /// Counts rows that the receiver refused, and returns how many there were before.
    pub(super) fn add_rejected(&self, rows: u64, reason: &str) -> u64 {
        self.0.refusal.get_or_init(|| reason.to_owned());
        self.0.rejected.fetch_add(rows, Relaxed)
    }

    /// Returns the first reason for which rows were refused.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.0.refusal.get().map(String::as_str)
    }

    /// Records the outcome of an attempt.
    pub(super) fn attempt(&self, succeeded: bool) {
        if !succeeded {
            self.0.failures.fetch_add(1, Relaxed);
        }
        self.0.is_connected.store(succeeded, Relaxed);
    }

    pub(super) fn notice(&self, text: String) {
        let mut notices = self.0.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() < NOTICES {
            notices.push_back(format!("{}: {text}", self.0.name));
        }
    }
}
