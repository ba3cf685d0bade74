//! A run in a thread of its own, so that its flows can be written while more are found, and so
//! that an input that is silent can be given up.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nfstream::condition::Condition;
use nfstream::features::{Record, RecordPool, Schema};
use nfstream::host::ProcessWatcher;
use nfstream::{Config, Monitor, Run, RunError, Stats, Step, StopHandle};

use crate::error::{Error, WARNING, Written};
use crate::flow_rules::Job;
use crate::input::Input;
use crate::io::Io;
use crate::progress::ProgressDisplay;
use crate::report::Report;
use crate::rights;

/// Steps of the run that wait to be written.
const QUEUE: usize = 16;
/// How long the user and slow outputs wait at most.
const PATIENCE: Duration = Duration::from_millis(50);

/// Takes the flows of a run.
pub(crate) trait Consumer {
    /// Takes the next records, and returns whether more are wanted. Those that have served go to
    /// `pool`.
    fn take(
        &mut self,
        records: Vec<Record>,
        pool: &RecordPool,
        io: &mut Io<'_>,
    ) -> Result<ControlFlow<()>, Error>;

    /// Shows what has come, while the input is silent.
    fn rest(&mut self, io: &mut Io<'_>) -> Result<(), Error>;

    /// Returns what there is now, for a user who wants no more.
    fn written(&self) -> Written;
}

/// A run that goes on.
pub(crate) struct Reading<'a> {
    schema: Arc<Schema>,
    condition: Option<&'a Condition>,
    monitor: Monitor,
    pool: RecordPool,
    steps: Receiver<Result<Step, RunError>>,
    /// Ends a live run without loss; `None` for files.
    stop: Option<StopHandle>,
    report: Report,
    thread: JoinHandle<()>,
}

impl<'a> Reading<'a> {
    /// Begins to read `input`.
    pub(crate) fn start(input: &Input, job: &'a Job) -> Result<Self, Error> {
        job.check(input)?;
        let source = input.open(job.filter())?;
        let polling = input.live.as_ref().and_then(|live| live.processes);
        // Before rights are given up, as files of other users' processes are read.
        let processes = polling.map(ProcessWatcher::open).transpose().map_err(RunError::from)?;
        if input.live.is_some() {
            rights::give_up();
        }
        let config = Config { processes, ..job.config(input.bytes) };
        let run = Run::new(source, &config)?;
        let stop = input.live.is_some().then(|| run.stop_handle());
        let report = Report::every(input.live.as_ref().and_then(|live| live.report));
        let (schema, monitor) = (Arc::clone(run.schema()), run.monitor());
        let pool = run.record_pool();
        let (sender, steps) = sync_channel(QUEUE);
        let name = "nfstream-run".to_owned();
        let thread = thread::Builder::new()
            .name(name.clone())
            .spawn(move || advance(run, &sender))
            .map_err(|source| RunError::Thread { name, source })?;
        let condition = job.condition.as_ref();
        Ok(Self { schema, condition, monitor, pool, steps, stop, report, thread })
    }

    /// Returns the columns of the run.
    pub(crate) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Returns the pool to which its records return.
    pub(crate) fn pool(&self) -> &RecordPool {
        &self.pool
    }

    /// Gives all flows that are wanted to `consumer`, shows progress and warnings, and returns what
    /// was counted.
    ///
    /// When the input fails, all flows up to there have been given before the error is returned.
    /// A live run is not given up where the user wants an end: it ends, and gives all flows.
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
                progress.aside(|| consumer.rest(io))?;
                return Err(Error::Interrupted(consumer.written()));
            }
            let step = self.steps.recv_timeout(PATIENCE);
            for warning in self.monitor.take_warnings() {
                let label = io.stderr.paint(WARNING, "warning:");
                progress.aside(|| io.stderr.say(format_args!("{label} {warning}")));
            }
            progress.update(&self.monitor);
            let (records, is_last) = match step {
                Ok(Ok(Step::Records(records))) => (records, false),
                Ok(Ok(Step::Last(records))) => (records, true),
                Ok(Err(error)) => return Err(error.into()),
                Err(RecvTimeoutError::Timeout) => {
                    progress.aside(|| consumer.rest(io))?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.panic()),
            };
            let records = match self.condition {
                Some(condition) => condition.filter(records, self.schema.names())?,
                None => records,
            };
            let go_on = if records.is_empty() {
                ControlFlow::Continue(())
            } else {
                progress.aside(|| consumer.take(records, &self.pool, io))?
            };
            if is_last || go_on.is_break() {
                progress.end_run(&self.monitor);
                return Ok(self.monitor.stats());
            }
        }
    }

    /// Returns why the thread ended without a last step.
    fn panic(self) -> Error {
        let message = match self.thread.join() {
            Ok(()) => "it ended early".to_owned(),
            Err(panic) => panic_message(&*panic),
        };
        Error::Worker { message }
    }
}

/// Works until the run ends or nobody listens.
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

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
