//! One pass over a source, step by step.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use super::config::{Config, MeterParts, Rules};
use super::error::{ConfigError, RunError};
use super::intake::Intake;
use super::outcome::{Advance, Outcome};
use super::shared::{Monitor, Shared, StopHandle};
use super::single::{Ahead, Inline};
use super::threads::Threads;
use super::worker;
use crate::capture::Source;
use crate::features::{Group, Nameless, Names, Record, RecordPool, Schema};
use crate::host::Polling;
use crate::meter::{Hooks, Lifecycle, NoHooks, Standard};
#[cfg(feature = "nfstream6")]
use crate::nfstream6::Nfstream6;

/// Packets from which on a run leaves enough behind to be worth a walk over the heap.
const MANY_PACKETS: u64 = 100_000;

/// How late packets may be read and flows be ended, at most, before the process of a flow is
/// forgotten: a slow consumer holds up both.
const LATENESS: std::time::Duration = std::time::Duration::from_secs(60);

/// What one step of a run brought.
#[derive(Debug)]
pub enum Step {
    /// These records, possibly none, are next; there may be more to come. A step ends without any
    /// also when the source has nothing to read for a while.
    Records(Vec<Record>),
    /// These records, possibly none, are the last.
    Last(Vec<Record>),
}

/// One pass over a source.
pub struct Run {
    schema: Arc<Schema>,
    shared: Arc<Shared>,
    pool: RecordPool,
    engine: Engine,
    /// Flows that are still wanted, `None` for all.
    flows_left: Option<u64>,
    /// Whether packets come from interfaces.
    is_live: bool,
}

/// The threads and meters of a run, by its rules.
pub(super) enum Engine {
    /// One meter.
    Single(Single<Standard>),
    /// One meter by the rules of nfstream 6.
    #[cfg(feature = "nfstream6")]
    Nfstream6(Single<Nfstream6>),
    /// Several meters.
    Threads(Box<Threads>),
    /// The run has ended; an error is still to be reported.
    Ended(Option<RunError>),
}

/// One meter, in the caller's thread.
pub(super) enum Single<L> {
    /// Packets are read and decoded in the caller's thread as well.
    Inline(Box<Inline<L>>),
    /// Packets are read and decoded ahead.
    Ahead(Box<Ahead<L>>),
}

/// Threads in which packets are read and decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reading {
    /// The caller's own.
    Inline,
    /// Others, ahead of the caller's.
    Ahead,
}

impl Run {
    /// Begins a run over `source`.
    ///
    /// A source that may keep its reader waiting gets a thread of its own also for one meter.
    ///
    /// # Errors
    ///
    /// [`RunError::Dissector`] if the dissector cannot be made, [`RunError::Processes`] if the
    /// process table cannot be kept up to date.
    pub fn new(source: Box<dyn Source>, config: &Config) -> Result<Self, RunError> {
        let reading = if source.may_wait() { Reading::Ahead } else { Reading::Inline };
        Self::start(source, config, |intake, parts, shared| {
            Engine::start(intake, parts, config, shared, reading)
        })
    }

    /// Begins a run over `source` that is meant for [`advance_with`](Self::advance_with): with one
    /// meter, whose packets are read and decoded ahead while hooks work.
    ///
    /// # Errors
    ///
    /// [`RunError::Config`] if `config` has several meters, and those of [`new`](Self::new).
    pub fn with_hooks(source: Box<dyn Source>, config: &Config) -> Result<Self, RunError> {
        only_one(config.meters)?;
        Self::start(source, config, |intake, parts, shared| {
            Engine::start(intake, parts, config, shared, Reading::Ahead)
        })
    }

    /// Works on the next chunk.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the source cannot be read on, after the records of all flows up to there.
    /// The run has ended then.
    pub fn advance(&mut self) -> Result<Step, RunError> {
        self.advance_with(&mut NoHooks)
    }

    /// Works on the next chunk and calls `hooks` for its packets, in their order.
    ///
    /// # Errors
    ///
    /// Those of [`advance`](Self::advance), at once those of `hooks`, and [`RunError::Config`] if
    /// the run has several meters: hooks belong to runs from [`with_hooks`](Self::with_hooks).
    pub fn advance_with<H: Hooks>(&mut self, hooks: &mut H) -> Result<Step, RunError> {
        let advance = self.step(hooks).and_then(|advance| self.limit(advance, hooks));
        match advance {
            Ok(Advance { records, outcome: None }) => Ok(Step::Records(records)),
            Ok(Advance { records, outcome: Some(outcome) }) => {
                let failure = outcome.failure();
                // The error comes with the next call, so that no record is lost to it.
                let has_failed = failure.is_some();
                self.engine = Engine::Ended(failure);
                Ok(if has_failed { Step::Records(records) } else { Step::Last(records) })
            }
            Err(error) => {
                self.engine = Engine::Ended(None);
                Err(error)
            }
        }
    }

    fn step<H: Hooks>(&mut self, hooks: &mut H) -> Result<Advance, RunError> {
        worker::catch("of the caller", || self.engine.advance(hooks)).flatten()
    }

    /// Cuts a step short where the run has given all flows that are wanted.
    fn limit<H: Hooks>(&mut self, advance: Advance, hooks: &mut H) -> Result<Advance, RunError> {
        let Advance { mut records, outcome } = advance;
        let Some(flows_left) = &mut self.flows_left else {
            return Ok(Advance { records, outcome });
        };
        let wanted = usize::try_from(*flows_left).unwrap_or(usize::MAX);
        if records.len() < wanted {
            *flows_left -= u64::try_from(records.len()).unwrap_or(0);
            return Ok(Advance { records, outcome });
        }
        records.truncate(wanted);
        *flows_left = 0;
        // Nobody wants the flows that are still open, but hooks have followed them.
        if H::ACTIVE && self.is_live && outcome.is_none() {
            self.stop_handle().stop();
            while self.step(hooks)?.outcome.is_none() {}
        }
        // An error of the source comes after the last flow that is wanted.
        Ok(Advance { records, outcome: Some(Outcome::Complete) })
    }

    /// Ends the run and its threads at once, and gives the system back the memory they leave.
    /// Open flows are lost; a [`StopHandle`] ends it without loss.
    pub fn stop(&mut self) {
        self.engine = Engine::Ended(None);
        if self.shared.packets() >= MANY_PACKETS {
            nfstream_sys::release_freed();
        }
    }

    /// Gives the run up without waiting for its threads, and keeps its memory: in a process that
    /// was forked from the one of the run they do not exist, and their locks stay locked.
    pub fn abandon(&mut self) {
        std::mem::forget(std::mem::replace(&mut self.engine, Engine::Ended(None)));
    }

    /// Returns the columns of the run.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Returns the pool to which records are returned after use.
    pub fn record_pool(&self) -> RecordPool {
        self.pool.clone()
    }

    /// Returns a handle that ends the run.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle::new(&self.shared)
    }

    /// Returns a handle to the counts of the run.
    pub fn monitor(&self) -> Monitor {
        Monitor::new(&self.shared)
    }

    pub(super) fn start(
        source: Box<dyn Source>,
        config: &Config,
        engine: impl FnOnce(Intake, MeterParts, Arc<Shared>) -> Engine,
    ) -> Result<Self, RunError> {
        let dissector = config.dissector()?;
        let names: Arc<dyn Names> = match &dissector {
            Some(dissector) => dissector.names(),
            None => Arc::new(Nameless),
        };
        let is_live = source.reception().is_some();
        let watcher = config.processes.as_ref().filter(|_| is_live);
        let mut groups = config.measuring.groups.clone();
        groups.push(Group::Application);
        groups.retain(|group| config.inspection.is_some() || !group.needs_inspection());
        groups.retain(|group| *group != Group::SystemProcess);
        let mut polling: Option<Polling> = None;
        if let Some(watcher) = watcher {
            groups.push(Group::SystemProcess);
            let idle = std::time::Duration::from_nanos(config.timeouts.idle.nanos());
            watcher.processes().remember_for(idle.saturating_add(LATENESS));
            polling = Some(watcher.poll()?);
        }
        let processes = watcher.map(|watcher| watcher.processes().clone());
        let schema = Arc::new(Schema::new(&groups, config.measuring.unit, names));
        let shared = Arc::new(Shared::default());
        let (pool, spare) = RecordPool::new();
        let parts = MeterParts { dissector, processes, spare };
        let limit = config.chunk_packets.get();
        let intake = Intake::new(source, limit, polling, Arc::clone(&shared));
        let engine = engine(intake, parts, Arc::clone(&shared));
        let flows_left = config.max_flows.map(NonZeroU64::get);
        Ok(Self { schema, shared, pool, engine, flows_left, is_live })
    }
}

impl Engine {
    fn start(
        intake: Intake,
        parts: MeterParts,
        config: &Config,
        shared: Arc<Shared>,
        reading: Reading,
    ) -> Self {
        match config.rules {
            Rules::Standard if config.meters.get() > 1 => {
                Self::Threads(Box::new(Threads::start(intake, parts, config, shared)))
            }
            Rules::Standard => Self::Single(Single::start(intake, parts, config, shared, reading)),
            // All flows wait for each other, so there is one meter.
            #[cfg(feature = "nfstream6")]
            Rules::Nfstream6 => {
                Self::Nfstream6(Single::start(intake, parts, config, shared, reading))
            }
        }
    }

    fn advance<H: Hooks>(&mut self, hooks: &mut H) -> Result<Advance, RunError> {
        match self {
            Self::Single(single) => single.advance(hooks),
            #[cfg(feature = "nfstream6")]
            Self::Nfstream6(single) => single.advance(hooks),
            Self::Threads(threads) => {
                if H::ACTIVE {
                    only_one(threads.meters())?;
                }
                threads.advance()
            }
            Self::Ended(failure) => match failure.take() {
                Some(error) => Err(error),
                None => Ok(Advance { records: Vec::new(), outcome: Some(Outcome::Complete) }),
            },
        }
    }
}

impl<L: Lifecycle> Single<L> {
    fn start(
        intake: Intake,
        parts: MeterParts,
        config: &Config,
        shared: Arc<Shared>,
        reading: Reading,
    ) -> Self {
        match reading {
            Reading::Inline => Self::Inline(Box::new(Inline::new(intake, parts, config, shared))),
            Reading::Ahead => Self::Ahead(Box::new(Ahead::start(intake, parts, config, shared))),
        }
    }

    fn advance<H: Hooks>(&mut self, hooks: &mut H) -> Result<Advance, RunError> {
        match self {
            Self::Inline(inline) => inline.advance(hooks),
            Self::Ahead(ahead) => ahead.advance(hooks),
        }
    }
}

/// Fails unless there is one meter: hooks see packets in their order, which several do not keep.
fn only_one(meters: NonZeroUsize) -> Result<(), ConfigError> {
    if meters > NonZeroUsize::MIN {
        return Err(ConfigError::HooksWithMeters { meters });
    }
    Ok(())
}
