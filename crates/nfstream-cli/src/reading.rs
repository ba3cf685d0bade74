//! A run in a thread of its own, so that writing and metering overlap and a silent input can be
//! interrupted.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nfstream::capture::{CaptureError, Corruption, Source};
#[cfg(feature = "top")]
use nfstream::capture::{Pace, Paced};
use nfstream::condition::Condition;
use nfstream::features::{Record, RecordPool, Schema};
use nfstream::host::ProcessWatcher;
use nfstream::pipeline::BlockSource;
use nfstream::{Config, Monitor, Run, RunError, Stats, Step, StopHandle};

use crate::block_files::StoredBlocks;
use crate::error::{Error, WARNING, Written};
use crate::flow_rules::Job;
use crate::input::{Input, Opening};
use crate::io::Io;
use crate::performance_report::PerformanceReport;
use crate::progress::ProgressDisplay;

/// Steps of the run that may wait to be written.
const QUEUE: usize = 16;
/// Longest time until an interruption is noticed or waiting rows are flushed.
const PATIENCE: Duration = Duration::from_millis(50);

/// Receiver of a run's flows.
pub(crate) trait Consumer {
    /// Takes the next records and returns whether to continue. Used records return to `pool`.
    fn take(
        &mut self,
        records: Vec<Record>,
        pool: &RecordPool,
        io: &mut Io<'_>,
    ) -> Result<ControlFlow<()>, Error>;

    /// Writes the waiting rows, while the input is silent; none wait if output only comes at the
    /// end.
    fn flush(&mut self, _io: &mut Io<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Returns sentences about the destination for the user, since the last call.
    fn notices(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Takes a warning, which was also printed.
    fn note(&mut self, _warning: &str) {}

    /// Returns how much has been written, for the message of an interrupted call.
    fn written(&self) -> Written {
        Written::Nothing
    }
}

/// Packets of an input that was opened.
enum Packets {
    /// From captures or interfaces.
    Source(Box<dyn Source>),
    /// From the blocks of one shard.
    Blocks(Box<dyn BlockSource>),
}

/// An input that was opened.
pub(crate) struct Opened {
    packets: Packets,
    /// Opened before privileges are dropped: it reads files of other users' processes.
    processes: Option<ProcessWatcher>,
}

/// A run in progress.
pub(crate) struct Reading<'a> {
    schema: Arc<Schema>,
    condition: Option<&'a Condition>,
    /// Name of the input if several are read separately, otherwise empty.
    origin: String,
    monitor: Monitor,
    pool: RecordPool,
    steps: Receiver<Result<Step, RunError>>,
    /// Stops a run over interfaces or pipes without losing flows; `None` for files.
    stop: Option<StopHandle>,
    report: PerformanceReport,
    thread: JoinHandle<()>,
}

impl Opened {
    /// Opens `input`.
    pub(crate) fn open(input: &Input, job: &Job, opening: Opening) -> Result<Self, Error> {
        job.check(input)?;
        let packets = match &input.blocks {
            Some(files) => Packets::Blocks(Box::new(StoredBlocks::new(files.clone()))),
            None => Packets::Source(input.open(job.filter(), opening)?),
        };
        let polling = input.live.as_ref().and_then(|live| live.processes);
        let processes = polling.map(ProcessWatcher::open).transpose().map_err(RunError::from)?;
        Ok(Self { packets, processes })
    }

    /// Returns whether flows get the name and id of their process.
    #[cfg(feature = "top")]
    pub(crate) fn has_processes(&self) -> bool {
        self.processes.is_some()
    }

    /// Returns the input as a replay at `pace`.
    #[cfg(feature = "top")]
    pub(crate) fn paced(mut self, pace: Pace) -> Self {
        if let Packets::Source(source) = self.packets {
            self.packets = Packets::Source(Box::new(Paced::new(source, pace)));
        }
        self
    }

    /// Returns the run over this input, before its first step.
    pub(crate) fn into_run(self, input: &Input, job: &Job) -> Result<Run, Error> {
        let config = Config { processes: self.processes, ..job.config(input.bytes) };
        Ok(match self.packets {
            Packets::Source(source) => Run::new(source, &config)?,
            Packets::Blocks(blocks) => Run::of_blocks(blocks, &config)?,
        })
    }
}

impl<'a> Reading<'a> {
    /// Starts reading the opened `input`; conditions refer to it as `origin`.
    pub(crate) fn start(
        opened: Opened,
        input: &Input,
        job: &'a Job,
        origin: &str,
    ) -> Result<Self, Error> {
        let run = opened.into_run(input, job)?;
        let stop = input.is_stream().then(|| run.stop_handle());
        let report = PerformanceReport::every(input.live.as_ref().and_then(|live| live.report));
        let (schema, monitor) = (Arc::clone(run.schema()), run.monitor());
        let pool = run.record_pool();
        let (sender, steps) = sync_channel(QUEUE);
        let name = "nfstream-run".to_owned();
        let thread = thread::Builder::new()
            .name(name.clone())
            .spawn(move || advance(run, &sender))
            .map_err(|source| RunError::Thread { name, source })?;
        let condition = job.condition.as_ref();
        let origin = origin.to_owned();
        Ok(Self { schema, condition, origin, monitor, pool, steps, stop, report, thread })
    }

    /// Returns the columns of the run.
    pub(crate) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Returns the monitor of the run.
    pub(crate) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Returns the pool of the run's records.
    pub(crate) fn pool(&self) -> &RecordPool {
        &self.pool
    }

    /// Passes the selected flows to `consumer`, shows progress and warnings, and returns the
    /// counts.
    ///
    /// If the input fails, the error is returned after all flows up to that point have been passed
    /// on. An interrupted run over interfaces or pipes stops and passes on its remaining flows.
    pub(crate) fn drain(
        mut self,
        consumer: &mut impl Consumer,
        progress: &mut ProgressDisplay,
        io: &mut Io<'_>,
    ) -> Result<Stats, Error> {
        loop {
            if let Some(line) = self.report.due(&self.monitor) {
                progress.aside(|| io.stderr.say(line));
            }
            if !self.stop.as_ref().is_some_and(StopHandle::is_stopped) && (io.interrupted)() {
                if let Some(stop) = &self.stop {
                    stop.stop();
                    continue;
                }
                progress.aside(|| consumer.flush(io))?;
                return Err(Error::Interrupted(consumer.written()));
            }
            let step = self.steps.recv_timeout(PATIENCE);
            for warning in self.monitor.take_warnings() {
                consumer.note(&warning.to_string());
                progress.aside(|| io.stderr.say_as(WARNING, "warning:", warning));
            }
            for notice in consumer.notices() {
                progress.aside(|| io.stderr.say_as(WARNING, "warning:", notice));
            }
            progress.update(&self.monitor);
            let (records, is_last) = match step {
                Ok(Ok(Step::Records(records))) => (records, false),
                Ok(Ok(Step::Last(records))) => (records, true),
                // The signal ended the writer of the pipe before its first bytes.
                Ok(Err(RunError::Capture(error)))
                    if self.stop.is_some() && (io.interrupted)() && is_early_end(&error) =>
                {
                    return Ok(self.monitor.stats());
                }
                Ok(Err(error)) => return Err(error.into()),
                Err(RecvTimeoutError::Timeout) => {
                    progress.aside(|| consumer.flush(io))?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.panic()),
            };
            let records = match self.condition {
                Some(condition) => self.select(condition, records, consumer, io)?,
                None => records,
            };
            let flow = if records.is_empty() {
                ControlFlow::Continue(())
            } else {
                progress.aside(|| consumer.take(records, &self.pool, io))?
            };
            if is_last || flow.is_break() {
                progress.end_run(&self.monitor);
                return Ok(self.monitor.stats());
            }
        }
    }

    /// Returns the records that match `condition`; evaluating it may take a while for each.
    fn select(
        &self,
        condition: &Condition,
        records: Vec<Record>,
        consumer: &impl Consumer,
        io: &Io<'_>,
    ) -> Result<Vec<Record>, Error> {
        let mut kept = Vec::with_capacity(records.len());
        for record in records {
            if self.stop.is_none() && (io.interrupted)() {
                return Err(Error::Interrupted(consumer.written()));
            }
            if condition.matches_of(&record, self.schema.names(), &self.origin)? {
                kept.push(record);
            }
        }
        Ok(kept)
    }

    /// Returns the error of a thread that ended without a last step.
    fn panic(self) -> Error {
        let message = match self.thread.join() {
            Ok(()) => "it ended early".to_owned(),
            Err(panic) => panic_message(&*panic),
        };
        Error::Worker { message }
    }
}

/// Advances the run until it ends or the receiver is dropped.
fn advance(mut run: Run, steps: &SyncSender<Result<Step, RunError>>) {
    loop {
        let step = run.advance();
        let is_last = !matches!(step, Ok(Step::Records(_)));
        let is_empty = matches!(&step, Ok(Step::Records(records)) if records.is_empty());
        if (!is_empty && steps.send(step).is_err()) || is_last {
            return;
        }
    }
}

/// Returns whether an input ended before its first packet.
fn is_early_end(error: &CaptureError) -> bool {
    matches!(
        error,
        CaptureError::Empty { .. } | CaptureError::Corrupt { what: Corruption::FileHeader, .. }
    )
}

pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
