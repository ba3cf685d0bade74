//! Several rings of a capture, among which the kernel divides the packets. A thread reads each.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use nfstream_sys::RingCounts;

use super::ending::PATIENCE;
use super::ring::{BLOCK_PATIENCE, RingFailure, RingReader};
use crate::host::monotonic;
use crate::packet::Chunk;
use crate::time::Timestamp;

/// Chunks of a ring that wait to be read.
const QUEUE: usize = 4;

/// The rings of a capture. Threads read them from the first call of [`take`](Self::take) on, until
/// this is dropped.
#[derive(Debug)]
pub(super) struct Rings {
    /// Rings whose threads have not been started.
    readers: Vec<RingReader>,
    /// Time before which all packets of each ring have been read.
    settled: Vec<Option<Timestamp>>,
    messages: (Sender<Message>, Receiver<Message>),
    /// Chunks whose memory can be reused.
    spare: (Sender<Chunk>, Receiver<Chunk>),
    /// Whether the rings are to be closed.
    is_closing: Arc<AtomicBool>,
    /// Rings that are read to their end.
    ended: usize,
}

/// Packets that a thread has read from its ring.
#[derive(Debug)]
struct Message {
    /// Number of the ring.
    ring: usize,
    chunk: Chunk,
    counts: RingCounts,
    failure: Option<RingFailure>,
    is_last: bool,
}

/// Thread that reads a ring.
struct RingThread {
    number: usize,
    messages: Sender<Message>,
}

impl Rings {
    pub(super) fn new(readers: Vec<RingReader>) -> Self {
        let capacity = QUEUE * readers.len();
        Self {
            settled: vec![None; readers.len()],
            readers,
            messages: bounded(capacity),
            spare: bounded(capacity),
            is_closing: Arc::default(),
            ended: 0,
        }
    }

    /// Takes the next packets of any ring, at most `limit`, or waits a while for them. Returns
    /// whether there may be more, the kernel's counts since the previous call, and why a ring cannot
    /// be read.
    pub(super) fn take(
        &mut self,
        chunk: &mut Chunk,
        limit: usize,
    ) -> (bool, RingCounts, Option<RingFailure>) {
        if let Err(error) = self.start(limit) {
            self.close();
            return (
                self.ended < self.settled.len(),
                RingCounts::default(),
                Some(RingFailure::System(error)),
            );
        }
        if self.ended == self.settled.len() {
            return (false, RingCounts::default(), None);
        }
        let message = match self.messages.1.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return (true, RingCounts::default(), None);
            }
        };
        let Message { ring, chunk: taken, counts, failure, is_last } = message;
        // Dropped if the queue is full.
        drop(self.spare.0.try_send(std::mem::replace(chunk, taken)));
        self.ended += usize::from(is_last);
        if let Some(settled) = self.settled.get_mut(ring) {
            let time = if is_last { Some(Timestamp::MAX) } else { chunk.settled };
            *settled = (*settled).max(time);
        }
        // `None`, of a ring that has not been read, is the minimum.
        let settled = self.settled.iter().min().copied().flatten();
        chunk.settled = settled.filter(|time| *time < Timestamp::MAX);
        (true, counts, failure)
    }

    /// Lets no further packet enter the rings.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    /// Starts the threads.
    fn start(&mut self, limit: usize) -> io::Result<()> {
        for (number, mut reader) in std::mem::take(&mut self.readers).into_iter().enumerate() {
            let this = RingThread { number, messages: self.messages.0.clone() };
            let spare = self.spare.1.clone();
            let is_closing = Arc::clone(&self.is_closing);
            let name = format!("nfstream-ring-{number}");
            let started = thread::Builder::new()
                .name(name)
                .spawn(move || this.read(&mut reader, &spare, &is_closing, limit));
            if let Err(error) = started {
                self.ended += self.settled.len() - number;
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Drop for Rings {
    fn drop(&mut self) {
        // The threads end when they find the queue closed, or the rings empty.
        self.close();
    }
}

impl RingThread {
    /// Reads until the ring is closed and empty, or the queue is closed.
    fn read(
        &self,
        reader: &mut RingReader,
        spare: &Receiver<Chunk>,
        is_closing: &AtomicBool,
        limit: usize,
    ) {
        let mut end = None;
        loop {
            let moment = monotonic();
            if end.is_none() && is_closing.load(Ordering::Relaxed) {
                reader.close();
                end = Some(moment + 2 * BLOCK_PATIENCE);
            }
            let mut chunk = spare.try_recv().unwrap_or_default();
            chunk.clear();
            let mut taken = reader.take(&mut chunk, limit);
            let is_empty = chunk.records.is_empty() && chunk.filtered == 0 && taken.is_ok();
            let is_last = is_empty && end.is_some_and(|end| moment >= end);
            if is_empty && !is_last {
                taken = reader.wait(&mut chunk, limit);
            }
            let counts = reader.take_counts();
            let (ring, failure) = (self.number, taken.err());
            let message = Message { ring, chunk, counts, failure, is_last };
            if self.messages.send(message).is_err() || is_last {
                return;
            }
        }
    }
}

impl Drop for RingThread {
    fn drop(&mut self) {
        if thread::panicking() {
            let failure = io::Error::other("the thread that reads a ring has panicked");
            drop(self.messages.send(Message {
                ring: self.number,
                chunk: Chunk::default(),
                counts: RingCounts::default(),
                failure: Some(RingFailure::System(failure)),
                is_last: true,
            }));
        }
    }
}
