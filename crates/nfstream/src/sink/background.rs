//! Writing in a separate thread, without delaying the engine's thread.

use std::any::Any;
use std::fmt::{self, Debug, Formatter};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded, unbounded};

use super::{Sink, SinkError, Written};
use crate::table::Provenance;
use crate::time::{self, Timestamp};

/// Most batches waiting to be written.
const QUEUE: usize = 4;
/// Longest time before an interruption is noticed.
const PATIENCE: Duration = Duration::from_millis(50);
/// Number of such waits for an aborted table to end: a thread that writes to a pipe without a
/// reader would never end.
const FAREWELL: u32 = 20;

/// Sink that writes in another thread. Writing blocks while the queue is full.
pub struct Background<S> {
    /// The sink until it is opened.
    inner: Option<S>,
    /// Returns whether the caller wants to stop waiting.
    is_interrupted: Box<dyn FnMut() -> bool + Send>,
    thread: Option<Thread>,
    /// Rows passed on.
    passed: Written,
    /// Spans of time in which the sink divides the table.
    every: Option<time::Duration>,
}

/// Handle to the writing thread.
struct Thread {
    messages: Option<Sender<Message>>,
    /// The outcome of opening, then the outcome of the table.
    answers: Receiver<Result<Written, SinkError>>,
}

enum Message {
    Batch(RecordBatch),
    /// The start of the span of the next batches.
    Period(Timestamp),
    Flush,
    /// No batch follows: the table can be completed.
    End,
}

impl<S: Sink> Background<S> {
    /// Returns a sink that writes to `inner`.
    pub fn new(inner: S) -> Self {
        Self::interruptible(inner, || false)
    }

    /// Returns a sink that writes to `inner`. While the caller waits for the thread,
    /// `is_interrupted` is called often; once it returns `true`, the wait ends with
    /// [`SinkError::Interrupted`].
    pub fn interruptible(inner: S, is_interrupted: impl FnMut() -> bool + Send + 'static) -> Self {
        let is_interrupted = Box::new(is_interrupted);
        let (every, passed) = (inner.every(), Written::default());
        Self { inner: Some(inner), is_interrupted, thread: None, passed, every }
    }

    fn send(&mut self, mut message: Message) -> Result<(), SinkError> {
        loop {
            let sender = self.thread.as_ref().and_then(|thread| thread.messages.as_ref());
            match sender.ok_or(SinkError::NotOpen)?.send_timeout(message, PATIENCE) {
                Ok(()) => return Ok(()),
                // The thread ends early only with an error.
                Err(SendTimeoutError::Disconnected(_)) => return self.answer().map(drop),
                Err(SendTimeoutError::Timeout(unsent)) => message = unsent,
            }
            self.check()?;
        }
    }

    /// Waits for the next outcome of the thread.
    fn answer(&mut self) -> Result<Written, SinkError> {
        loop {
            let thread = self.thread.as_ref().ok_or(SinkError::NotOpen)?;
            match thread.answers.recv_timeout(PATIENCE) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Disconnected) => return Err(SinkError::NotOpen),
                Err(RecvTimeoutError::Timeout) => self.check()?,
            }
        }
    }

    fn check(&mut self) -> Result<(), SinkError> {
        if (self.is_interrupted)() { Err(SinkError::Interrupted) } else { Ok(()) }
    }
}

impl<S> Background<S> {
    /// Requests that the table be aborted, and waits a while for that.
    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        drop(thread.messages);
        for _ in 0..FAREWELL {
            match thread.answers.recv_timeout(PATIENCE) {
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if (self.is_interrupted)() => return,
                _ => {}
            }
        }
    }
}

impl<S: Sink + 'static> Sink for Background<S> {
    /// Opens the sink and waits for the result, so that an error is reported immediately.
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        let mut inner = self.inner.take().ok_or(SinkError::NotOpen)?;
        let (messages, receiver) = bounded(QUEUE);
        let (answer, answers) = unbounded();
        let (schema, provenance) = (Arc::clone(schema), provenance.clone());
        let work = move || {
            let table = || work(&mut inner, &schema, &provenance, &receiver, &answer);
            let outcome = catch_unwind(AssertUnwindSafe(table));
            let panicked = |panic: Box<dyn Any + Send>| Err(SinkError::of_panic(&*panic));
            // The receiver may no longer be waiting.
            drop(answer.send(outcome.unwrap_or_else(panicked)));
        };
        thread::Builder::new().name("nfstream-sink".to_owned()).spawn(work).map_err(failed)?;
        self.thread = Some(Thread { messages: Some(messages), answers });
        self.answer().map(drop)
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        self.passed.add_rows(batch);
        self.send(Message::Batch(batch.clone()))
    }

    fn every(&self) -> Option<time::Duration> {
        self.every
    }

    fn begin_period(&mut self, start: Timestamp) -> Result<(), SinkError> {
        self.send(Message::Period(start))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.send(Message::Flush)
    }

    /// Waits until all batches are written.
    fn finish(&mut self) -> Result<Written, SinkError> {
        self.send(Message::End)?;
        self.answer()
    }

    fn abort(&mut self) {
        self.end();
    }

    fn written(&self) -> Written {
        self.passed
    }
}

impl<S> Drop for Background<S> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<S> Debug for Background<S> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("passed", &self.passed).finish_non_exhaustive()
    }
}

/// Writes a table in the thread: reports the result of opening it, and returns its outcome.
fn work(
    sink: &mut impl Sink,
    schema: &SchemaRef,
    provenance: &Provenance,
    messages: &Receiver<Message>,
    answer: &Sender<Result<Written, SinkError>>,
) -> Result<Written, SinkError> {
    sink.open(schema, provenance)?;
    drop(answer.send(Ok(Written::default())));
    for message in messages {
        match message {
            Message::Batch(batch) => sink.write(&batch)?,
            Message::Period(start) => sink.begin_period(start)?,
            Message::Flush => sink.flush()?,
            Message::End => return sink.finish(),
        }
    }
    // The table was aborted.
    sink.abort();
    Ok(sink.written())
}

fn failed(source: io::Error) -> SinkError {
    SinkError::Thread { source }
}
