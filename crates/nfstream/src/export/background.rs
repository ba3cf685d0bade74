//! Writing in a thread of its own, so that it costs the engine's thread nothing.

use std::any::Any;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use arrow_schema::SchemaRef;

use super::{Anonymizer, BatchBuilder, ExportError, TableFiles};
use crate::features::{Record, RecordPool};

/// Records that are written at once, at most.
const BATCH: usize = 8192;
/// Batches that wait to be written.
const QUEUE: usize = 4;

/// Files that are written by another thread.
///
/// Dropped without [`finish`](Self::finish), what is not complete goes away.
#[derive(Debug)]
pub struct Background {
    pending: Vec<Record>,
    sender: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<Result<u64, ExportError>>>,
}

enum Message {
    Records(Vec<Record>),
    /// No record is to come: the files can be completed.
    End,
}

impl Background {
    /// Starts to write what `builder` makes of records to `files`, and to give the records to
    /// `pool`.
    ///
    /// `anonymizer` comes with what it made of the schema.
    ///
    /// # Errors
    ///
    /// [`ExportError::Thread`] if no thread can be started.
    pub fn start(
        mut builder: BatchBuilder,
        anonymizer: Option<(Anonymizer, SchemaRef)>,
        mut files: TableFiles,
        pool: RecordPool,
    ) -> Result<Self, ExportError> {
        let (sender, receiver): (_, Receiver<Message>) = sync_channel(QUEUE);
        let work = move || {
            for message in receiver {
                let Message::Records(records) = message else { return files.finish() };
                // At the end of the input many flows end at once.
                for records in records.chunks(BATCH) {
                    builder.append(records);
                    let mut batch = builder.finish();
                    if let Some((anonymizer, schema)) = &anonymizer {
                        let result = anonymizer.batch(&batch, schema);
                        batch = result.map_err(|source| failed(io::Error::other(source)))?;
                    }
                    files.write(&batch)?;
                }
                pool.put_back(records);
            }
            // The run was given up: so are the files.
            Ok(0)
        };
        let thread = thread::Builder::new().name("nfstream-export".to_owned()).spawn(work);
        let thread = Some(thread.map_err(failed)?);
        Ok(Self { pending: Vec::new(), sender: Some(sender), thread })
    }

    /// Takes the next records. Waits while too many are still to be written.
    ///
    /// # Errors
    ///
    /// What writing failed with, now or before.
    pub fn write(&mut self, mut records: Vec<Record>) -> Result<(), ExportError> {
        if self.pending.is_empty() && records.len() >= BATCH {
            self.pending = records;
        } else {
            self.pending.append(&mut records);
        }
        if self.pending.len() >= BATCH { self.send_pending() } else { Ok(()) }
    }

    /// Waits until all is written and returns the rows of all files.
    ///
    /// # Errors
    ///
    /// What writing failed with.
    pub fn finish(mut self) -> Result<u64, ExportError> {
        self.send_pending()?;
        self.send(Message::End)?;
        self.join()
    }

    fn send_pending(&mut self) -> Result<(), ExportError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let records = std::mem::take(&mut self.pending);
        self.send(Message::Records(records))
    }

    fn send(&mut self, message: Message) -> Result<(), ExportError> {
        let sent = self.sender.as_ref().is_some_and(|sender| sender.send(message).is_ok());
        if sent { Ok(()) } else { self.join().map(drop) }
    }

    fn join(&mut self) -> Result<u64, ExportError> {
        self.sender = None;
        let gone = || Err(failed(io::Error::other("it has ended already")));
        let Some(thread) = self.thread.take() else { return gone() };
        thread.join().unwrap_or_else(|panic| Err(failed(io::Error::other(message(&*panic)))))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.thread.is_some() {
            // Nobody is left to be told.
            drop(self.join());
        }
    }
}

fn failed(source: io::Error) -> ExportError {
    ExportError::Thread { source }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
