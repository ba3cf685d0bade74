//! Reader of an object whose ranges are requested before they are needed.

use std::cmp::min;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::super::content::ContentError;
use super::super::stop::StopFlag;
use super::object::{Bytes, FIRST, Object, Shared, ends_run};

/// Maximum number of bytes of a range.
const LARGEST: u64 = 4 << 20;
/// Maximum number of ranges requested at once for an object.
const RANGES: u64 = 8;
/// Bytes ahead of all parsers of this process together. Each parser has at least [`FIRST`], so many
/// parsers may exceed it.
const BYTES: u64 = LARGEST * RANGES;

/// Maximum time until a set flag is noticed.
const PATIENCE: Duration = Duration::from_millis(50);

/// Readers of this process.
static READERS: AtomicU64 = AtomicU64::new(0);

/// Reader of an object. It requests few and small ranges first, so that a look at the start of an
/// object is cheap.
pub(super) struct Ahead<O> {
    object: Arc<Shared<O>>,
    stop: StopFlag,
    /// Range that is being read, and the position in it.
    current: Bytes,
    position: usize,
    /// Requested ranges, in order.
    requested: VecDeque<Receiver<io::Result<Bytes>>>,
    /// Number of requests so far.
    requests: u64,
    /// Offset of the first byte that was not requested.
    next: u64,
}

impl<O: Object> Ahead<O> {
    /// Creates a reader of `object`, whose first bytes are `first`. It waits no longer after `stop`
    /// is set.
    pub(super) fn new(object: Arc<Shared<O>>, first: Bytes, stop: &StopFlag) -> Self {
        READERS.fetch_add(1, Ordering::Relaxed);
        let next = u64::try_from((*first).as_ref().len()).unwrap_or(u64::MAX);
        let requested = VecDeque::new();
        let stop = stop.clone();
        Self { object, stop, current: first, position: 0, requested, requests: 0, next }
    }

    /// Requests the next ranges.
    fn request(&mut self) {
        let readers = READERS.load(Ordering::Relaxed).max(1);
        let largest = (BYTES / (RANGES * readers)).clamp(FIRST, LARGEST);
        let most = (BYTES / (largest * readers)).clamp(1, RANGES);
        let len = self.object.len();
        while self.next < len {
            let ahead = u64::try_from(self.requested.len()).unwrap_or(u64::MAX);
            if ahead >= min(most, self.requests + 1) {
                break;
            }
            let doubled = FIRST << min(self.requests, 6);
            let end = min(len, self.next.saturating_add(min(doubled, largest)));
            let (object, range) = (Arc::clone(&self.object), self.next..end);
            self.requested.push_back(started(move || object.part(range)));
            self.next = end;
            self.requests += 1;
        }
    }
}

impl<O: Object> Read for Ahead<O> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut rest = (*self.current).as_ref().get(self.position..).unwrap_or_default();
            if !rest.is_empty() || buffer.is_empty() {
                let count = rest.read(buffer)?;
                self.position += count;
                return Ok(count);
            }
            self.request();
            let Some(range) = self.requested.pop_front() else { return Ok(0) };
            // Later ranges arrive while this one is awaited and read.
            self.request();
            let Some(range) = awaited(&range, &self.stop)? else {
                // Later ranges do not continue what was read.
                self.requested.clear();
                self.next = self.object.len();
                return Ok(0);
            };
            self.current = range;
            self.position = 0;
        }
    }
}

impl<O> Drop for Ahead<O> {
    fn drop(&mut self) {
        READERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Starts a request in a thread of its own, which ends with it.
pub(super) fn started<T: Send + 'static>(
    request: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Receiver<io::Result<T>> {
    spawned(1, move |sender| drop(sender.send(request())))
}

/// Starts a thread that sends results, at most `most` of them ahead of their receiver.
pub(super) fn spawned<T: Send + 'static>(
    most: usize,
    work: impl FnOnce(&SyncSender<io::Result<T>>) + Send + 'static,
) -> Receiver<io::Result<T>> {
    let (sender, receiver) = sync_channel(most);
    let failed = sender.clone();
    let thread = thread::Builder::new().name("nfstream-range".to_owned());
    if let Err(error) = thread.spawn(move || work(&sender)) {
        let _ = failed.send(Err(ends_run(error)));
    }
    receiver
}

/// Waits for a result of a thread. Returns `None` once `stop` is set.
pub(super) fn awaited<T>(
    results: &Receiver<io::Result<T>>,
    stop: &StopFlag,
) -> io::Result<Option<T>> {
    loop {
        match results.recv_timeout(PATIENCE) {
            Ok(result) => return result.map(Some),
            Err(RecvTimeoutError::Timeout) if stop.is_set() => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let message = "the thread of a request ended".to_owned();
                return Err(ContentError::Unreachable(message).into());
            }
        }
    }
}
