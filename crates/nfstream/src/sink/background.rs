//! Writing in a separate thread, at no cost to the engine's thread.

use std::any::Any;
use std::fmt::{self, Debug, Formatter};
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{Sink, SinkError, Written};
use crate::table::Provenance;

/// Most batches that wait to be written.
const QUEUE: usize = 4;

/// Sink that writes in another thread. Writing blocks while the queue is full.
pub struct Background<S> {
    /// The sink until it is opened.
    inner: Option<S>,
    sender: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<Result<Written, SinkError>>>,
    /// Rows passed on.
    passed: Written,
}

enum Message {
    Batch(RecordBatch),
    Flush,
    /// No batch follows: the table can be completed.
    End,
}

impl<S: Sink> Background<S> {
    /// Returns a sink that writes to `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner: Some(inner), sender: None, thread: None, passed: Written::default() }
    }

    fn send(&mut self, message: Message) -> Result<(), SinkError> {
        let Some(sender) = &self.sender else { return Err(SinkError::NotOpen) };
        // The thread ends early only with an error.
        if sender.send(message).is_ok() { Ok(()) } else { self.join().map(drop) }
    }

    fn join(&mut self) -> Result<Written, SinkError> {
        self.sender = None;
        let Some(thread) = self.thread.take() else { return Err(SinkError::NotOpen) };
        thread.join().unwrap_or_else(|panic| Err(failed(io::Error::other(message(&*panic)))))
    }
}

impl<S: Sink + 'static> Sink for Background<S> {
    /// Opens the sink in the caller's thread, so that an error is reported immediately.
    fn open(&mut self, schema: &SchemaRef, provenance: &Provenance) -> Result<(), SinkError> {
        let mut inner = self.inner.take().ok_or(SinkError::NotOpen)?;
        inner.open(schema, provenance)?;
        let (sender, receiver) = sync_channel(QUEUE);
        let work = move || {
            for message in receiver {
                match message {
                    Message::Batch(batch) => inner.write(&batch)?,
                    Message::Flush => inner.flush()?,
                    Message::End => return inner.finish(),
                }
            }
            // The table was aborted.
            inner.abort();
            Ok(inner.written())
        };
        let thread = thread::Builder::new().name("nfstream-sink".to_owned()).spawn(work);
        self.thread = Some(thread.map_err(failed)?);
        self.sender = Some(sender);
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        self.passed.add_rows(batch);
        self.send(Message::Batch(batch.clone()))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.send(Message::Flush)
    }

    /// Waits until all batches are written.
    fn finish(&mut self) -> Result<Written, SinkError> {
        self.send(Message::End)?;
        self.join()
    }

    fn abort(&mut self) {
        if self.thread.is_some() {
            drop(self.join());
        }
    }

    fn written(&self) -> Written {
        self.passed
    }
}

impl<S> Drop for Background<S> {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl<S> Debug for Background<S> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("passed", &self.passed).finish_non_exhaustive()
    }
}

fn failed(source: io::Error) -> SinkError {
    SinkError::Thread { source }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
