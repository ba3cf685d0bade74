//! From a source to records in their final order: decoding, meters, merge.
//!
//! The one place that knows every stage. With one meter all work is done in the caller's thread;
//! with several, a reader, decoders and meters have threads of their own and the caller's merges
//! what they find. Both give the same records in the same order.

mod decoder;
mod error;
mod front;
mod inline;
mod merge;
#[cfg(all(shuttle, test))]
mod model;
mod stats;
mod sync;
mod threads;
mod worker;

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use error::RunError;
pub use stats::{Ignored, Stats};

use crate::capture::{CaptureError, ReadProgress, Source, Warning};
use crate::decode;
use crate::dissect::{Dissection, Dissector, DissectorFactory};
use crate::features::{
    Group, Measuring, Nameless, Names, Record, RecordPool, Schema, SpareMeasures,
};
use crate::flow::Timeouts;
use crate::host::Processes;
use crate::meter::{Hooks, Meter, NoHooks};
use crate::nfstream6::Rules;
use crate::packet::Chunk;
use crate::time::Duration;
use front::Tally;
use inline::{Ahead, Inline};
use sync::{AtomicBool, Mutex, MutexGuard};
use threads::Threads;

/// Packets from which on a run leaves enough behind to be worth a walk over the heap.
const MANY_PACKETS: u64 = 100_000;

/// How a run cuts flows and what it does with them.
#[derive(Clone, Debug)]
pub struct Config {
    /// When flows end.
    pub timeouts: Timeouts,
    /// By which rules they are timed, ended, numbered and put in order.
    pub rules: Rules,
    /// What of each packet is decoded.
    pub decode: decode::Options,
    /// Dissector that labels flows, `None` for no labels.
    pub dissection: Option<Dissection>,
    /// What is measured of flows beside their volume.
    pub measuring: Measuring,
    /// Flows after which the run ends, `None` for no end.
    pub max_flows: Option<NonZeroU64>,
    /// Flows that are active at a time, at most, `None` for any number. Each meter has its share,
    /// so with several of them a flow may be evicted that one meter would have kept.
    pub max_active_flows: Option<NonZeroUsize>,
    /// Shards of the work.
    pub meters: NonZeroUsize,
    /// Packets that travel together, at most.
    pub chunk_packets: NonZeroUsize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeouts: Timeouts {
                idle: Duration::from_nanos(30_000_000_000),
                active: Duration::from_nanos(300_000_000_000),
            },
            rules: Rules::default(),
            decode: decode::Options::default(),
            dissection: Dissection::default_choice(),
            measuring: Measuring::default(),
            max_flows: None,
            max_active_flows: Some(Self::MAX_ACTIVE_FLOWS),
            meters: NonZeroUsize::MIN,
            chunk_packets: NonZeroUsize::new(8192).expect("not zero"),
        }
    }
}

impl Config {
    /// Active flows of a run for which nobody chose another number: more than busy networks have,
    /// and few enough for the memory of a machine that watches one.
    pub const MAX_ACTIVE_FLOWS: NonZeroUsize = NonZeroUsize::new(4_000_000).expect("not zero");

    /// Makes the dissector of a meter, if flows are to be labelled.
    fn make_dissector(&self) -> Result<Option<Box<dyn Dissector>>, RunError> {
        let Some(Dissection { dissector, limits }) = &self.dissection else { return Ok(None) };
        Ok(Some(dissector.make(*limits)?))
    }

    /// Returns a meter, one of `meters`.
    fn meter(&self, meters: usize, parts: MeterParts) -> Meter {
        let MeterParts { dissector, processes, spare } = parts;
        let meter = Meter::new(self.timeouts, self.measuring.plan(), dissector);
        let meter = meter.under(self.rules).naming(processes).recycling(spare);
        match self.max_active_flows {
            None => meter,
            Some(flows) => {
                let share = NonZeroUsize::new(flows.get() / meters).unwrap_or(NonZeroUsize::MIN);
                meter.with_capacity(share)
            }
        }
    }
}

/// Returns how many meters suit an input of `bytes`, if that is known: one for an input that is
/// read before others would have begun, otherwise as many as the machine has processors.
pub fn suitable_meters(bytes: Option<u64>) -> NonZeroUsize {
    const SMALL: u64 = 16 << 20;
    match bytes {
        Some(..SMALL) => NonZeroUsize::MIN,
        // Counts what a control group or an affinity mask allows.
        _ => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    }
}

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
    dissector: Option<Arc<dyn DissectorFactory>>,
    shared: Arc<Shared>,
    pool: RecordPool,
    engine: Engine,
    /// What stopped the reading. It is told after all flows up to there have been delivered.
    failure: Option<RunError>,
    /// Flows that are still wanted, `None` for all.
    flows_left: Option<u64>,
    /// Whether packets come from interfaces.
    is_live: bool,
}

enum Engine {
    /// One meter.
    Inline(Box<Inline>),
    /// One meter whose packets are decoded ahead.
    Ahead(Box<Ahead>),
    /// Several meters.
    Threads(Box<Threads>),
    Ended,
}

/// What can be asked while a run goes on.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    state: Mutex<SharedState>,
    /// Whether reading is to end.
    stop: AtomicBool,
}

#[derive(Debug, Default)]
struct SharedState {
    stats: Stats,
    progress: ReadProgress,
    warnings: Vec<Warning>,
}

/// What meters work with.
#[derive(Default)]
struct MeterParts {
    dissector: Option<Box<dyn Dissector>>,
    processes: Option<Processes>,
    spare: SpareMeasures,
}

/// How late packets may be read and flows be ended, at most, before the process of a flow is
/// forgotten: a slow consumer holds up both.
const LATENESS: std::time::Duration = std::time::Duration::from_secs(60);

/// What meters say beside the flows that have ended.
#[derive(Clone, Copy, Debug)]
struct Found {
    late_packets: u64,
    evicted_flows: u64,
    active_flows: usize,
}

/// A handle that ends a run from wherever it is.
#[derive(Clone, Debug)]
pub struct StopHandle(Arc<Shared>);

/// A handle to what a run has counted, which outlives it.
#[derive(Clone, Debug)]
pub struct Monitor(Arc<Shared>);

impl Run {
    /// Begins a run over `source`.
    ///
    /// A source that may keep its reader waiting gets a thread of its own also for one meter.
    ///
    /// # Errors
    ///
    /// [`RunError::Dissector`] if the dissector cannot be made.
    pub fn new(source: Box<dyn Source>, config: &Config) -> Result<Self, RunError> {
        Self::start(source, config, |source, parts, shared| {
            // By the rules of version 6 all flows wait for each other.
            if config.meters.get() > 1 && config.rules == Rules::Standard {
                return Engine::Threads(Box::new(Threads::start(source, parts, config, shared)));
            }
            if source.may_wait() {
                return Engine::Ahead(Box::new(Ahead::start(source, parts, config, shared)));
            }
            Engine::Inline(Box::new(Inline::new(source, parts, config, shared)))
        })
    }

    /// Begins a run over `source` that is meant for [`advance_with`](Self::advance_with): with one
    /// meter, whose packets are read and decoded ahead while hooks work.
    ///
    /// # Errors
    ///
    /// [`RunError::Dissector`] if the dissector cannot be made.
    pub fn with_hooks(source: Box<dyn Source>, config: &Config) -> Result<Self, RunError> {
        let config = Config { meters: NonZeroUsize::MIN, ..config.clone() };
        Self::start(source, &config, |source, parts, shared| {
            Engine::Ahead(Box::new(Ahead::start(source, parts, &config, shared)))
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
    /// Of several meters none calls hooks: they belong to runs from
    /// [`with_hooks`](Self::with_hooks).
    ///
    /// # Errors
    ///
    /// Those of [`advance`](Self::advance), and at once those of `hooks`.
    pub fn advance_with<H: Hooks>(&mut self, hooks: &mut H) -> Result<Step, RunError> {
        let step = self.step(hooks);
        let more = matches!(step, Ok(Step::Records(_)));
        match self.limited(step) {
            // The failure is told by the next call, so that no record is lost to it.
            Ok(Step::Last(records)) => {
                if H::ACTIVE && self.is_live && more {
                    self.end_all(hooks)?;
                }
                self.engine = Engine::Ended;
                let failed = self.failure.is_some();
                Ok(if failed { Step::Records(records) } else { Step::Last(records) })
            }
            Ok(records) => Ok(records),
            Err(error) => {
                self.engine = Engine::Ended;
                Err(error)
            }
        }
    }

    fn step<H: Hooks>(&mut self, hooks: &mut H) -> Result<Step, RunError> {
        let failure = &mut self.failure;
        worker::catch("of the caller", || match &mut self.engine {
            Engine::Inline(inline) => inline.advance(hooks, failure),
            Engine::Ahead(ahead) => ahead.advance(hooks, failure),
            Engine::Threads(threads) => threads.advance(failure),
            Engine::Ended => failure.take().map_or_else(|| Ok(Step::Last(Vec::new())), Err),
        })
        .flatten()
    }

    /// Ends the flows that are open when as many as were asked for have been given: nobody wants
    /// them, but hooks have followed them.
    fn end_all<H: Hooks>(&mut self, hooks: &mut H) -> Result<(), RunError> {
        self.stop_handle().stop();
        while let Step::Records(_) = self.step(hooks)? {}
        Ok(())
    }

    /// Cuts `step` short where the run has given as many flows as were asked for.
    fn limited(&mut self, step: Result<Step, RunError>) -> Result<Step, RunError> {
        let Some(flows_left) = &mut self.flows_left else { return step };
        let (mut records, last) = match step? {
            Step::Records(records) => (records, false),
            Step::Last(records) => (records, true),
        };
        let wanted = usize::try_from(*flows_left).unwrap_or(usize::MAX);
        if records.len() < wanted {
            *flows_left -= u64::try_from(records.len()).unwrap_or(0);
            return Ok(if last { Step::Last(records) } else { Step::Records(records) });
        }
        records.truncate(wanted);
        *flows_left = 0;
        // What stopped the reading lies behind the last flow that is wanted.
        self.failure = None;
        Ok(Step::Last(records))
    }

    /// Ends the run and its threads at once, and gives the system back what memory they leave.
    /// What they have found is lost; a [`StopHandle`] ends it without loss.
    pub fn stop(&mut self) {
        self.engine = Engine::Ended;
        self.failure = None;
        if self.shared.lock().stats.packets >= MANY_PACKETS {
            nfstream_sys::release_freed();
        }
    }

    /// Gives the run up without waiting for its threads, and keeps its memory: in a process that
    /// was forked from the one of the run they do not exist, and what they held stays held.
    pub fn abandon(&mut self) {
        std::mem::forget(std::mem::replace(&mut self.engine, Engine::Ended));
    }

    /// Returns the columns of the run.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Returns the dissector that labels flows, `None` if there is none.
    pub fn dissector(&self) -> Option<&Arc<dyn DissectorFactory>> {
        self.dissector.as_ref()
    }

    /// Returns who takes records that have served.
    pub fn record_pool(&self) -> RecordPool {
        self.pool.clone()
    }

    /// Returns a handle that ends the run.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(Arc::clone(&self.shared))
    }

    /// Returns a handle to what the run counts.
    pub fn monitor(&self) -> Monitor {
        Monitor(Arc::clone(&self.shared))
    }

    fn start(
        mut source: Box<dyn Source>,
        config: &Config,
        engine: impl FnOnce(Box<dyn Source>, MeterParts, Arc<Shared>) -> Engine,
    ) -> Result<Self, RunError> {
        let dissector = config.make_dissector()?;
        let names: Arc<dyn Names> = match &dissector {
            Some(dissector) => dissector.names(),
            None => Arc::new(Nameless),
        };
        let mut groups = config.measuring.groups.clone();
        groups.push(Group::Application);
        groups.retain(|group| config.dissection.is_some() || !group.needs_inspection());
        let processes = source.watch_processes().map_err(RunError::Capture)?;
        groups.retain(|group| *group != Group::SystemProcess);
        if let Some(processes) = &processes {
            groups.push(Group::SystemProcess);
            let idle = std::time::Duration::from_nanos(config.timeouts.idle.nanos());
            processes.remember_for(idle.saturating_add(LATENESS));
        }
        let schema = Arc::new(Schema::new(&groups, config.measuring.unit, names));
        let shared = Arc::new(Shared::default());
        let is_live = source.reception().is_some();
        let (pool, spare) = RecordPool::new();
        let parts = MeterParts { dissector, processes, spare };
        let engine = engine(source, parts, Arc::clone(&shared));
        let flows_left = config.max_flows.map(NonZeroU64::get);
        let dissector = config.dissection.as_ref().map(|chosen| Arc::clone(&chosen.dissector));
        let failure = None;
        Ok(Self { schema, dissector, shared, pool, engine, failure, flows_left, is_live })
    }
}

impl StopHandle {
    /// Asks the run to read no further than what has been captured by now. Its flows then end
    /// as at the end of input, and further steps of the run give them.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }

    /// Returns whether the run has been asked to end.
    pub fn is_stopped(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed)
    }
}

impl Monitor {
    /// Returns what has been counted so far.
    pub fn stats(&self) -> Stats {
        self.0.lock().stats.clone()
    }

    /// Returns how far the source has been read.
    pub fn progress(&self) -> ReadProgress {
        self.0.lock().progress.clone()
    }

    /// Takes the warnings that have come up since the last call.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut self.0.lock().warnings)
    }
}

impl Shared {
    /// Reads on, unless the run has been asked to end and nothing from before that is left.
    fn read(
        &self,
        source: &mut dyn Source,
        chunk: &mut Chunk,
        limit: usize,
    ) -> Result<bool, CaptureError> {
        if self.stop.load(Ordering::Relaxed) && !source.stop() {
            chunk.clear();
            return Ok(false);
        }
        source.read(chunk, limit)
    }

    fn count(&self, tally: &Tally, found: Found, records: &[Record]) {
        let mut state = self.lock();
        let stats = &mut state.stats;
        stats.packets += tally.packets;
        stats.flow_packets += tally.packets - tally.ignored.total();
        stats.ignored.merge(&tally.ignored);
        stats.late_packets += found.late_packets;
        stats.evicted_flows += found.evicted_flows;
        stats.active_flows = u64::try_from(found.active_flows).unwrap_or(u64::MAX);
        stats.reception = tally.reception.or(stats.reception);
        stats.flows += u64::try_from(records.len()).unwrap_or(u64::MAX);
        state.progress = tally.progress.clone();
        state.warnings.extend_from_slice(&tally.warnings);
    }

    fn lock(&self) -> MutexGuard<'_, SharedState> {
        // Counters are whole after every statement, so a panic elsewhere does not spoil them.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
