//! One pass over a source, step by step.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use super::active::ActiveFlows;
use super::blocks::{BlockSource, Reduction};
use super::config::{Config, MeterParts, Rules};
use super::duplicates::DuplicateFinder;
use super::error::{ConfigError, RunError};
use super::intake::Intake;
use super::outcome::{Advance, Outcome};
use super::shared::{Monitor, Shared, StopHandle};
use super::single::{Ahead, Inline};
use super::threads::Threads;
use super::worker;
use crate::capture::Source;
use crate::dissect::DissectorFactory;
use crate::features::{
    Group, Lengths, Measuring, Nameless, Names, Record, RecordPool, Schema, Scorer,
};
use crate::host::Polling;
use crate::meter::{Hooks, Lifecycle, NoHooks, Standard};
#[cfg(feature = "nfstream6")]
use crate::nfstream6::Nfstream6;

/// Packets after which a run frees enough memory to justify a scan of the heap.
const MANY_PACKETS: u64 = 100_000;

/// Longest delay between a packet and the end of its flow before the flow's process is forgotten: a
/// slow consumer delays reading.
const LATENESS: std::time::Duration = std::time::Duration::from_secs(60);

/// Result of one step of a run.
#[derive(Debug)]
pub enum Step {
    /// The next records, possibly none; more may follow. A step also ends when the source has
    /// nothing to read for a while.
    Records(Vec<Record>),
    /// The last records, possibly none.
    Last(Vec<Record>),
}

/// One pass over a source.
pub struct Run {
    schema: Arc<Schema>,
    dissector: Option<Arc<dyn DissectorFactory>>,
    shared: Arc<Shared>,
    pool: RecordPool,
    engine: Engine,
    /// Models that score records.
    scorer: Option<Arc<dyn Scorer>>,
    /// Flows left before the run ends, `None` for no limit.
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
    /// One meter, of a shard whose packets come in blocks.
    Reduction(Box<Reduction>),
    /// The run has ended; an error may still have to be reported.
    Ended(Option<RunError>),
}

/// One meter, in the caller's thread.
pub(super) enum Single<L> {
    /// Packets are read and decoded in the caller's thread as well.
    Inline(Box<Inline<L>>),
    /// Packets are read and decoded ahead.
    Ahead(Box<Ahead<L>>),
}

/// Where packets come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Packets {
    /// Blocks of a shard.
    Blocks,
    /// Files, pipes, and sources of other crates.
    Files,
    /// Interfaces.
    Live,
}

/// Threads that read and decode packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reading {
    /// The caller's thread.
    Inline,
    /// Separate threads, ahead of the caller's.
    Ahead,
}

impl Run {
    /// Begins a run over `source`.
    ///
    /// A source that may block gets a thread of its own even with one meter.
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

    /// Begins a run over `source` for [`advance_with`](Self::advance_with): with one meter, whose
    /// packets are read and decoded ahead while hooks work.
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

    /// Begins a run over the blocks of one shard. Its records have the columns of
    /// [`Group::ShardOrder`], and their ids are the places of the conversations' first packets.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), and [`RunError::Block`] if the first block cannot be read or
    /// the configuration needs all packets in one process.
    pub fn of_blocks(blocks: Box<dyn BlockSource>, config: &Config) -> Result<Self, RunError> {
        let shared = Arc::new(Shared::default());
        Self::assemble(config, Packets::Blocks, shared, |parts, shared| {
            let reduction = Reduction::new(blocks, parts, config, shared)?;
            Ok(Engine::Reduction(Box::new(reduction)))
        })
    }

    /// Processes the next chunk.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the source cannot be read any further, after the records of all flows up to
    /// that point. The run has then ended.
    pub fn advance(&mut self) -> Result<Step, RunError> {
        self.advance_with(&mut NoHooks)
    }

    /// Processes the next chunk and calls `hooks` for its packets, in their order.
    ///
    /// # Errors
    ///
    /// Those of [`advance`](Self::advance), immediately those of `hooks`, and [`RunError::Config`]
    /// if the run has several meters: hooks need a run from [`with_hooks`](Self::with_hooks).
    pub fn advance_with<H: Hooks>(&mut self, hooks: &mut H) -> Result<Step, RunError> {
        let advance = self.step(hooks).and_then(|advance| self.limit(advance, hooks));
        let advance = advance.and_then(|advance| self.score(advance));
        match advance {
            Ok(Advance { records, outcome: None }) => Ok(Step::Records(records)),
            Ok(Advance { records, outcome: Some(outcome) }) => {
                let failure = outcome.failure();
                if failure.is_none() && self.engine.warns() {
                    self.shared.end();
                }
                // The error comes with the next call, so that no record is lost.
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

    /// Ends the run once it has returned the requested number of flows.
    fn limit<H: Hooks>(&mut self, advance: Advance, hooks: &mut H) -> Result<Advance, RunError> {
        let Advance { mut records, outcome } = advance;
        let Some(flows_left) = &mut self.flows_left else {
            return Ok(Advance { records, outcome });
        };
        let wanted = usize::try_from(*flows_left).unwrap_or(usize::MAX);
        let mut flows = records.iter().enumerate().filter(|(_, record)| record.kind.is_counted());
        let Some((last, _)) = wanted.checked_sub(1).and_then(|before| flows.nth(before)) else {
            let flows = records.iter().filter(|record| record.kind.is_counted()).count();
            *flows_left -= u64::try_from(flows).unwrap_or(0);
            return Ok(Advance { records, outcome });
        };
        records.truncate(last + 1);
        *flows_left = 0;
        // The active flows are not needed, but hooks have been called for them.
        if H::ACTIVE && self.is_live && outcome.is_none() {
            self.stop_handle().stop();
            while self.step(hooks)?.outcome.is_none() {}
        }
        // An error of the source comes after the last requested flow.
        Ok(Advance { records, outcome: Some(Outcome::Complete) })
    }

    /// Computes the results of models.
    fn score(&self, mut advance: Advance) -> Result<Advance, RunError> {
        if let Some(scorer) = &self.scorer {
            worker::catch("of the caller", || scorer.score(&mut advance.records))??;
        }
        Ok(advance)
    }

    /// Ends the run and its threads at once, and returns their memory to the system. Active flows
    /// are lost; a [`StopHandle`] ends the run without loss.
    pub fn stop(&mut self) {
        // A reader that waits for a pipe also ends.
        self.shared.input().set();
        self.engine = Engine::Ended(None);
        if self.shared.packets() >= MANY_PACKETS {
            nfstream_sys::release_freed();
        }
    }

    /// Abandons the run without waiting for its threads, and keeps its memory: in a forked process
    /// the threads do not exist, and their locks stay locked.
    pub fn abandon(&mut self) {
        std::mem::forget(std::mem::replace(&mut self.engine, Engine::Ended(None)));
    }

    /// Returns the columns of the run.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Returns the dissector that labels flows, `None` if there is none.
    pub fn dissector(&self) -> Option<&Arc<dyn DissectorFactory>> {
        self.dissector.as_ref()
    }

    /// Returns the pool to which records are returned after use.
    pub fn record_pool(&self) -> RecordPool {
        self.pool.clone()
    }

    /// Returns a handle that stops the run.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle::new(&self.shared)
    }

    /// Returns a handle to the counts of the run.
    pub fn monitor(&self) -> Monitor {
        Monitor::new(&self.shared)
    }

    /// Returns a handle to the active flows of the run.
    pub fn active_flows(&self) -> ActiveFlows {
        self.shared.active_flows()
    }

    pub(super) fn start(
        source: Box<dyn Source>,
        config: &Config,
        engine: impl FnOnce(Intake, MeterParts, Arc<Shared>) -> Engine,
    ) -> Result<Self, RunError> {
        let is_live = source.reception().is_some();
        let mut polling: Option<Polling> = None;
        if let Some(watcher) = config.processes.as_ref().filter(|_| is_live) {
            let idle = std::time::Duration::from_nanos(config.timeouts.idle.nanos());
            watcher.processes().remember_for(idle.saturating_add(LATENESS));
            polling = Some(watcher.poll()?);
        }
        let packets = if is_live { Packets::Live } else { Packets::Files };
        let shared = Arc::new(Shared::default());
        let limit = config.chunk_packets.get();
        let duplicates = config.duplicates.map(|one| DuplicateFinder::new(one, config.decode));
        let intake = Intake::new(source, limit, duplicates, polling, Arc::clone(&shared));
        Self::assemble(config, packets, shared, |parts, shared| Ok(engine(intake, parts, shared)))
    }

    fn assemble(
        config: &Config,
        packets: Packets,
        shared: Arc<Shared>,
        engine: impl FnOnce(MeterParts, Arc<Shared>) -> Result<Engine, RunError>,
    ) -> Result<Self, RunError> {
        let dissector = config.dissector()?;
        let names: Arc<dyn Names> = match &dissector {
            Some(dissector) => dissector.names(),
            None => Arc::new(Nameless),
        };
        let is_live = packets == Packets::Live;
        let watcher = config.processes.as_ref().filter(|_| is_live);
        let mut groups = config.measuring.groups.clone();
        groups.push(Group::Application);
        groups.retain(|group| config.dissection.is_some() || !group.needs_inspection());
        let added = [Group::GeoIp, Group::GroundTruth, Group::ShardOrder, Group::SystemProcess];
        groups.retain(|group| !added.contains(group));
        groups.extend(config.early.is_on().then_some(Group::RecordKind));
        groups.extend(config.geoip.as_ref().map(|_| Group::GeoIp));
        groups.extend(config.ground_truth.as_ref().map(|_| Group::GroundTruth));
        groups.extend(watcher.map(|_| Group::SystemProcess));
        groups.extend((packets == Packets::Blocks).then_some(Group::ShardOrder));
        let processes = watcher.map(|watcher| watcher.processes().clone());
        let Measuring { splt_packets, packet_bytes, .. } = config.measuring;
        let lengths = Lengths { packets: splt_packets, bytes: packet_bytes };
        let schema = Schema::new(&groups, config.measuring.unit, names).with_lengths(lengths);
        let schema = schema.with_measures(config.measuring.measures);
        let scorer = config.scorer.clone();
        let schema = Arc::new(schema.with_scores(scorer.as_deref()));
        let (pool, spare) = RecordPool::new();
        let parts = MeterParts { dissector, processes, spare };
        let engine = engine(parts, Arc::clone(&shared))?;
        let flows_left = config.max_flows.map(NonZeroU64::get);
        let dissector = config.dissection.as_ref().map(|chosen| Arc::clone(&chosen.dissector));
        if let Some(scorer) = &scorer {
            shared.shards().score_by(scorer);
        }
        Ok(Self { schema, dissector, shared, pool, engine, scorer, flows_left, is_live })
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
            // Flows depend on each other's order, so there is one meter.
            #[cfg(feature = "nfstream6")]
            Rules::Nfstream6 => {
                Self::Nfstream6(Single::start(intake, parts, config, shared, reading))
            }
        }
    }

    /// Returns whether the counts at the end can give warnings. nfstream 6 gives none, and the
    /// counts of a shard are not those of its stream.
    fn warns(&self) -> bool {
        match self {
            Self::Single(_) | Self::Threads(_) => true,
            Self::Reduction(_) => false,
            #[cfg(feature = "nfstream6")]
            Self::Nfstream6(_) => false,
            Self::Ended(_) => false,
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
            Self::Reduction(reduction) => reduction.advance(hooks),
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

/// Checks that there is one meter: hooks get packets in order, which several meters do not
/// preserve.
fn only_one(meters: NonZeroUsize) -> Result<(), ConfigError> {
    if meters > NonZeroUsize::MIN {
        return Err(ConfigError::HooksWithMeters { meters });
    }
    Ok(())
}
