//! Sink that sends batches to a receiver in a thread of its own, with a bounded queue and retries.

use std::error::Error;
use std::fmt::{self, Debug, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use crossbeam_channel::{Receiver as Answers, RecvTimeoutError, Sender, unbounded};

use super::queue::{Next, Queue, rows};
use super::receiver::{Failure, Receiver, plain};
use super::status::SinkStatus;
use crate::host::monotonic;
use crate::sink::{Sink, SinkError, Written};
use crate::table::Provenance;

/// Longest time before an interruption is noticed.
const PATIENCE: Duration = Duration::from_millis(50);

/// Longest wait for the thread of an aborted table.
const FAREWELL: Duration = Duration::from_secs(1);

/// First pause before another attempt; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Least time between two notices of failures: a receiver that fails often is one problem.
const BETWEEN_NOTICES: Duration = Duration::from_secs(30);

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Treatment of rows for which the queue has no room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Full {
    /// The run waits: packets come from files.
    Wait,
    /// The rows are dropped and counted: packets come from a network, which does not wait.
    Drop,
}

/// Limits of a delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes from which on the queue is full.
    pub(super) queue_bytes: usize,
    /// Time for which the same rows are tried again.
    pub(super) retry: Duration,
    /// Time for which an interrupted run still sends rows.
    pub(super) drain: Duration,
    /// Time after which rows are sent although a batch is not full.
    pub(super) flush: Duration,
}

/// A sink that sends batches to a receiver.
///
/// Rows are sent in order, and sent again until the receiver has taken them, so that it may get
/// rows twice after a failure.
pub struct Delivery {
    /// The receiver until the table is opened.
    receiver: Option<Box<dyn Receiver>>,
    full: Full,
    limits: Limits,
    status: SinkStatus,
    queue: Arc<Queue>,
    is_interrupted: Box<dyn FnMut() -> bool + Send>,
    /// The outcome of opening, then the outcome of the table.
    answers: Option<Answers<Result<(), SinkError>>>,
    last_batch: Instant,
}

impl Delivery {
    /// Returns a sink that sends rows to `receiver`, which is called `name`. While the caller waits
    /// for it, `is_interrupted` is called often.
    pub(super) fn new(
        name: String,
        receiver: Box<dyn Receiver>,
        full: Full,
        limits: Limits,
        is_interrupted: Box<dyn FnMut() -> bool + Send>,
    ) -> Self {
        let queue = Arc::new(Queue::new(limits.queue_bytes));
        let status = SinkStatus::new(name, Arc::clone(&queue));
        let (receiver, answers, last_batch) = (Some(receiver), None, monotonic());
        Self { receiver, full, limits, status, queue, is_interrupted, answers, last_batch }
    }

    /// Returns the state of the destination, which stays readable while the run writes.
    pub fn status(&self) -> SinkStatus {
        self.status.clone()
    }

    /// Waits for the next outcome of the thread.
    fn answer(&mut self) -> Result<(), SinkError> {
        loop {
            let answers = self.answers.as_ref().ok_or(SinkError::NotOpen)?;
            match answers.recv_timeout(PATIENCE) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Disconnected) => return Err(SinkError::NotOpen),
                Err(RecvTimeoutError::Timeout) if (self.is_interrupted)() => {
                    return Err(SinkError::Interrupted);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Waits until all rows are sent: without a limit while they are, as the thread gives up when
    /// it cannot send any; for a limited time after an interruption or at the end of a live run.
    fn drain(&mut self) -> Result<(), SinkError> {
        let mut since = monotonic();
        let mut sent = self.status.counts().sent_rows;
        let mut is_interrupted = (self.is_interrupted)();
        loop {
            let answers = self.answers.as_ref().ok_or(SinkError::NotOpen)?;
            match answers.recv_timeout(PATIENCE) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Disconnected) => return Err(SinkError::NotOpen),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now_sent = self.status.counts().sent_rows;
            let was_interrupted = is_interrupted;
            is_interrupted = is_interrupted || (self.is_interrupted)();
            // Progress prolongs the wait, except after an interruption.
            if (!is_interrupted && now_sent > sent) || is_interrupted != was_interrupted {
                (since, sent) = (monotonic(), now_sent);
            }
            let is_limited = is_interrupted || self.full == Full::Drop;
            if is_limited && monotonic().duration_since(since) >= self.limits.drain {
                self.queue.abort();
                let reason = format!("they could not be sent within {:?}", self.limits.drain);
                return Err(undelivered(&self.status, reason.into()));
            }
        }
    }
}

impl Sink for Delivery {
    /// Connects, so that an error is reported immediately.
    fn open(&mut self, schema: &SchemaRef, _: &Provenance) -> Result<(), SinkError> {
        let receiver = self.receiver.take().ok_or(SinkError::NotOpen)?;
        let (answer, answers) = unbounded();
        let sending = Sending {
            receiver,
            schema: Arc::clone(schema),
            queue: Arc::clone(&self.queue),
            status: self.status.clone(),
            // A live run outlives its receiver.
            retry: if self.full == Full::Wait { Some(self.limits.retry) } else { None },
            is_connected: false,
            is_announced: false,
            last_notice: None,
        };
        let work = move || work(sending, &answer);
        let thread = thread::Builder::new().name("nfstream-send".to_owned()).spawn(work);
        thread.map_err(|source| SinkError::Thread { source })?;
        self.answers = Some(answers);
        self.answer()
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        self.last_batch = monotonic();
        if self.full == Full::Drop {
            // The thread ends early only with an error.
            if let Some(Ok(Err(error))) = self.answers.as_ref().map(Answers::try_recv) {
                return Err(error);
            }
            if !self.queue.push(batch, Duration::ZERO) && self.status.add_dropped(rows(batch)) == 0
            {
                self.status.notice("the queue is full; flows are dropped and counted".to_owned());
            }
            return Ok(());
        }
        while !self.queue.push(batch, PATIENCE) {
            if (self.is_interrupted)() {
                return Err(SinkError::Interrupted);
            }
        }
        // The thread ends early only with an error.
        match self.answers.as_ref().map(Answers::try_recv) {
            Some(Ok(Err(error))) => Err(error),
            _ => Ok(()),
        }
    }

    /// Does nothing: the thread sends rows as they come.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<Written, SinkError> {
        self.queue.end();
        self.drain()?;
        let counts = self.status.counts();
        if self.full == Full::Wait && counts.rejected_rows > 0 {
            let (name, sent) = (self.status.name().to_owned(), counts.sent_rows);
            let reason = self.status.refusal().unwrap_or("no reason");
            let source = format!("the receiver refused them: {reason}").into();
            let unsent = counts.rejected_rows;
            return Err(SinkError::Undelivered { name, sent, unsent, source });
        }
        Ok(self.written())
    }

    fn abort(&mut self) {
        self.queue.abort();
        if let Some(answers) = self.answers.take() {
            let start = monotonic();
            while monotonic().duration_since(start) < FAREWELL
                && !matches!(answers.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected))
            {
            }
        }
    }

    fn written(&self) -> Written {
        let counts = self.status.counts();
        let dropped = counts.dropped_rows + counts.rejected_rows;
        Written { rows: counts.sent_rows, bytes: counts.sent_bytes, dropped }
    }

    fn is_due(&self) -> bool {
        monotonic().duration_since(self.last_batch) >= self.limits.flush
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.queue.abort();
    }
}

impl Debug for Delivery {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("name", &self.status.name()).finish_non_exhaustive()
    }
}

/// Work of the sending thread.
struct Sending {
    receiver: Box<dyn Receiver>,
    schema: SchemaRef,
    queue: Arc<Queue>,
    status: SinkStatus,
    /// Time for which the same rows are tried again, `None` for as long as the run lasts.
    retry: Option<Duration>,
    is_connected: bool,
    /// Whether there was a notice of the current failure.
    is_announced: bool,
    /// Time of the last notice of a failure.
    last_notice: Option<Instant>,
}

fn work(mut sending: Sending, answer: &Sender<Result<(), SinkError>>) {
    let work = || {
        sending.open()?;
        drop(answer.send(Ok(())));
        sending.run()
    };
    let outcome = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(SinkError::of_panic(&*panic)));
    // Without this thread nothing empties the queue.
    if outcome.is_err() {
        sending.queue.abort();
    }
    // The caller may no longer be waiting.
    drop(answer.send(outcome));
}

impl Sending {
    fn open(&mut self) -> Result<(), SinkError> {
        self.connect().map_err(|failure| SinkError::Unreachable {
            name: self.status.name().to_owned(),
            source: failure.source,
        })
    }

    fn connect(&mut self) -> Result<(), Failure> {
        self.receiver.connect(&self.schema)?;
        self.is_connected = true;
        self.status.attempt(true);
        Ok(())
    }

    fn run(&mut self) -> Result<(), SinkError> {
        loop {
            match self.queue.next() {
                Next::Batch(batch) => {
                    let most = self.receiver.most_rows().max(1);
                    for start in (0..batch.num_rows()).step_by(most) {
                        let part = batch.slice(start, most.min(batch.num_rows() - start));
                        if !self.deliver(&part)? {
                            return Ok(());
                        }
                        self.queue.sent(rows(&part));
                    }
                    self.queue.done();
                }
                Next::End => {
                    return self.receiver.close().map_err(|failure| SinkError::Unreachable {
                        name: self.status.name().to_owned(),
                        source: failure.source,
                    });
                }
                Next::Aborted => return Ok(()),
            }
        }
    }

    /// Sends rows, with as many attempts as necessary; returns whether to continue.
    fn deliver(&mut self, part: &RecordBatch) -> Result<bool, SinkError> {
        let start = monotonic();
        let mut pause = FIRST_PAUSE;
        loop {
            let connected = if self.is_connected { Ok(()) } else { self.connect() };
            let failure = match connected.and_then(|()| self.receiver.send(part)) {
                Ok(sent) => {
                    let rejected = sent.rejected.as_ref().map_or(0, |(rows, _)| *rows);
                    self.status.add_sent(rows(part).saturating_sub(rejected), sent.bytes);
                    if let Some((rows, reason)) = sent.rejected {
                        self.reject(rows, &reason);
                    }
                    self.status.attempt(true);
                    if std::mem::take(&mut self.is_announced) {
                        self.status.notice("connected again; sending flows".to_owned());
                    }
                    return Ok(true);
                }
                Err(failure) => failure,
            };
            let is_refused = failure.is_permanent && self.is_connected;
            self.is_connected = false;
            let reason = causes(&*failure.source);
            if self.queue.is_aborted() {
                return Ok(false);
            }
            match self.retry {
                // The same rows would fail again; others may not.
                None if is_refused => {
                    self.reject(rows(part), &reason);
                    return Ok(true);
                }
                Some(retry)
                    if failure.is_permanent || monotonic().duration_since(start) >= retry =>
                {
                    return Err(undelivered(&self.status, failure.source));
                }
                _ => {}
            }
            self.status.attempt(false);
            let is_recent = |last: Instant| monotonic().duration_since(last) < BETWEEN_NOTICES;
            if !self.is_announced && !self.last_notice.is_some_and(is_recent) {
                self.status.notice(format!("{reason}; trying again"));
                self.is_announced = true;
                self.last_notice = Some(monotonic());
            }
            if !self.queue.pause(pause) {
                return Ok(false);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn reject(&self, rows: u64, reason: &str) {
        if self.status.add_rejected(rows, reason) == 0 {
            self.status.notice(format!("flows were refused and counted: {reason}"));
        }
    }
}

/// Returns the error for rows that the receiver does not have.
fn undelivered(status: &SinkStatus, source: Box<dyn Error + Send + Sync>) -> SinkError {
    let counts = status.counts();
    let (sent, unsent) = (counts.sent_rows, counts.queued_rows);
    SinkError::Undelivered { name: status.name().to_owned(), sent, unsent, source }
}

/// Returns an error and its causes in one line.
fn causes(error: &(dyn Error + 'static)) -> String {
    let message = |error: &(dyn Error + 'static)| match error.downcast_ref::<std::io::Error>() {
        Some(error) => plain(error),
        None => error.to_string(),
    };
    let mut text = message(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {}", message(error));
        cause = error.source();
    }
    text
}
